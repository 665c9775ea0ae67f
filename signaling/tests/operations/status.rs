//! The line on a terminal: `script` makes one.
#![cfg(target_os = "linux")]

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use super::house::{until, within};
use super::skipped;
use super::socket::{Heard, Socket};

/// The program on a terminal of its own.
struct Terminal {
    child: Child,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    /// Nothing where there is no `script`.
    fn open(test: &str, options: &str, environment: &[(&str, &str)]) -> Option<Self> {
        Self::after(test, "", options, environment)
    }

    /// The same after a command of the shell's.
    fn after(
        test: &str,
        command: &str,
        options: &str,
        environment: &[(&str, &str)],
    ) -> Option<Self> {
        let line = format!("{command}exec \"$PROGRAM\" --listen 127.0.0.1:0 {options}");
        let mut script = within("script");
        script
            .args(["-q", "-f", "-e", "-c", &line, "/dev/null"])
            .env("PROGRAM", env!("CARGO_BIN_EXE_signaling"))
            .env("RUST_LOG", "signaling=debug")
            .env("TERM", "xterm")
            .env("NO_COLOR", "1")
            .env("SHELL", "/bin/sh")
            .envs(environment.iter().copied());
        // Its own end would be the terminal's.
        let child = script
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = child else {
            skipped(&format!("status::{test}"), "needs script (bsdutils)");
            return None;
        };
        let mut output = child.stdout.take().unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let screen = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut piece = [0; 1024];
            while let Ok(count @ 1..) = output.read(&mut piece) {
                let text = String::from_utf8_lossy(&piece[..count]);
                screen.lock().unwrap().push_str(&text);
            }
        });
        Some(Self { child, shown })
    }

    fn shown(&self) -> String {
        self.shown.lock().unwrap().clone()
    }

    #[track_caller]
    fn shows(&self, what: &str) {
        until(what, || self.shown().contains(what), || self.shown());
    }

    fn connect(&self) -> TcpStream {
        let addr = || {
            let shown = self.shown();
            let (_, rest) = shown.split_once("127.0.0.1:")?;
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            rest[..end]
                .parse()
                .ok()
                .map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)))
        };
        until("an address", || addr().is_some(), || self.shown());
        TcpStream::connect(addr().unwrap()).unwrap()
    }

    /// Ctrl-C; all that was shown until the end.
    fn ends(mut self) -> String {
        use std::io::Write;
        self.child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(b"\x03")
            .unwrap();
        let mut status = None;
        let ended = || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        };
        until("its end", ended, || self.shown.lock().unwrap().clone());
        assert_eq!(
            status.and_then(|status| status.code()),
            Some(0),
            "{}",
            self.shown()
        );
        self.shown()
    }
}

impl Terminal {
    /// The program's process: `script` has no other child, and the shell has become it.
    fn program(&self) -> u32 {
        child_of(self.child.id())
    }
}

fn child_of(process: u32) -> u32 {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let children = children.unwrap();
    children.split_whitespace().next().unwrap().parse().unwrap()
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a terminal shows in the end, as far as this program uses it; the bottom line is the last one.
fn screen(shown: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let plain = shown.replace("\x1b[?7l", "").replace("\x1b[?7h", "");
    let mut rest = plain.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\r\x1b[K") {
            lines.last_mut().unwrap().clear();
            rest = after;
            continue;
        }
        match c {
            '\n' => lines.push(String::new()),
            '\r' => {}
            c => lines.last_mut().unwrap().push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    lines
}

/// Whether messages of both directions were ever shown.
fn says_rates(shown: &str) -> bool {
    shown.split("messages/s ").skip(1).any(|rest| {
        let mut words = rest.split_whitespace();
        let rate = |word: Option<&str>| {
            word.is_some_and(|rate| rate.parse().is_ok_and(|rate: u32| rate > 0))
        };
        rate(words.next()) && words.next() == Some("in") && rate(words.next())
    })
}

#[test]
fn it_is_kept_up_to_date_below_the_log() {
    let test = "it_is_kept_up_to_date_below_the_log";
    let Some(terminal) = Terminal::open(test, "--max-rate 0", &[]) else {
        return;
    };
    terminal.shows("0 connections, 0 rooms, messages/s 0 in 0 out, 0 B waiting");
    let mut ann = Socket::open(terminal.connect());
    let mut bob = Socket::peer(terminal.connect(), "a-secret-of-somebody");
    terminal.shows("2 connections, 1 room");
    let mut talk = || {
        ann.says(r#"{"data":"hello"}"#);
        bob.hears_of("hello");
        says_rates(&terminal.shown())
    };
    until("messages a second", &mut talk, || terminal.shown());
    let so_far = terminal.shown().len();
    drop((ann, bob));
    let alone =
        || terminal.shown()[so_far..].contains("0 connections, 0 rooms, messages/s 0 in 0 out");
    until("nobody", alone, || terminal.shown());
    let shown = terminal.ends();
    let lines = screen(&shown);
    let logged = lines
        .iter()
        .filter(|line| line.contains("DEBUG "))
        .collect::<Vec<_>>();
    assert!(logged.len() >= 4, "{lines:#?}");
    for line in &logged {
        let whole = line.starts_with("20") && !line.contains("waiting") && !line.contains('\x1b');
        assert!(whole, "{line:?} of {shown:?}");
    }
    // Gone in the end, and nothing of it is left among the rest.
    assert!(
        lines.iter().all(|line| !line.contains("waiting")),
        "{lines:#?}"
    );
}

#[test]
fn there_is_none_where_it_is_not_wanted() {
    let test = "there_is_none_where_it_is_not_wanted";
    for (options, environment) in [
        ("--no-status", ("RUST_LOG", "signaling=debug")),
        ("--log json", ("RUST_LOG", "signaling=debug")),
        ("", ("TERM", "dumb")),
    ] {
        let Some(terminal) = Terminal::open(test, options, &[environment]) else {
            return;
        };
        let mut ann = Socket::open(terminal.connect());
        let mut bob = Socket::peer(terminal.connect(), "a-secret-of-somebody");
        ann.says(r#"{"data":"hello"}"#);
        bob.hears_of("hello");
        let shown = terminal.ends();
        assert!(
            !shown.contains("waiting") && !shown.contains("\x1b["),
            "{options}: {shown:?}"
        );
    }
}

/// SIGHUP has two meanings: a closed terminal, and a wish for what is in the files now.
#[test]
fn a_closed_terminal_ends_it_and_a_signal_alone_does_not() {
    let test = "a_closed_terminal_ends_it_and_a_signal_alone_does_not";
    let Some(mut terminal) = Terminal::open(test, "", &[]) else {
        return;
    };
    let mut ann = Socket::open(terminal.connect());
    let program = terminal.program();
    let hang_up = Command::new("kill")
        .args(["-HUP", &program.to_string()])
        .status();
    assert!(hang_up.unwrap().success());
    terminal.shows("SIGHUP: nothing to read again");
    // The terminal ends with who made it.
    terminal.child.kill().unwrap();
    terminal.child.wait().unwrap();
    assert_eq!(ann.hears(), Heard::Close(1001, "server going away".into()));
    let is_gone = || {
        let stat = std::fs::read_to_string(format!("/proc/{program}/stat"));
        // Whoever inherits it may be in no hurry to look.
        stat.map_or(true, |stat| stat.contains(") Z "))
    };
    until("its end", is_gone, || terminal.shown());
}

/// As with `nohup`, which does no more than this and to send the output elsewhere.
#[test]
fn started_with_sighup_ignored_it_outlives_its_terminal() {
    let test = "started_with_sighup_ignored_it_outlives_its_terminal";
    let Some(mut terminal) = Terminal::after(test, "trap '' HUP; ", "", &[]) else {
        return;
    };
    let mut ann = Socket::open(terminal.connect());
    let mut bob = Socket::open(terminal.connect());
    let program = terminal.program();
    terminal.child.kill().unwrap();
    terminal.child.wait().unwrap();
    // Long enough for one who would end: the signal comes with the end of `script`, which has been waited for.
    for word in ["one", "two", "three"] {
        bob.says(word);
        assert_eq!(ann.hears(), Heard::Text(word.into()));
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let end = Command::new("kill").arg(program.to_string()).status();
    assert!(end.unwrap().success());
    assert_eq!(ann.hears(), Heard::Close(1001, "server going away".into()));
}

/// As the README starts it: the terminal is then for what is run next.
#[test]
fn in_the_background_it_leaves_the_terminal_alone() {
    let test = "in_the_background_it_leaves_the_terminal_alone";
    let Some(terminal) = Terminal::after(test, "set -m; { ", "& }; read line", &[]) else {
        return;
    };
    let mut ann = Socket::open(terminal.connect());
    let mut bob = Socket::open(terminal.connect());
    let program = child_of(terminal.program());
    // Two of its seconds.
    for word in 0..5 {
        bob.says(&word.to_string());
        assert_eq!(ann.hears(), Heard::Text(word.to_string()));
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    let shown = terminal.shown();
    let end = Command::new("kill").arg(program.to_string()).status();
    assert!(end.unwrap().success());
    assert!(shown.contains("listening on"), "{shown}");
    assert!(!shown.contains("connection"), "{shown}");
    assert_eq!(ann.hears(), Heard::Close(1001, "server going away".into()));
}
