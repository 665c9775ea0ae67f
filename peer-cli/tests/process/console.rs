//! A terminal in a call: `script` makes one. Keys, meter, what is typed, and the terminal as it was afterwards.
#![cfg(target_os = "linux")]

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::house::House;
use super::peer::{PATIENCE, Peer, command};

const LOOK: Duration = Duration::from_millis(10);

/// A shell on a terminal of its own.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    /// Runs this with `$PEER` as the program; nothing where there is no `script`.
    fn open(test: &str, line: &str) -> Option<Self> {
        let environment = command(&[]);
        let mut script = Command::new("script");
        script.args(["-q", "-f", "-e", "-c", line, "/dev/null"]);
        for (name, value) in environment.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        script
            .env("PEER", env!("CARGO_BIN_EXE_peer-cli"))
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh");
        let child = script
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = child else {
            super::skipped(&format!("console::{test}: needs script (bsdutils)"));
            return None;
        };
        let (keys, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let shown = Arc::new(Mutex::new(String::new()));
        let screen = shown.clone();
        std::thread::spawn(move || {
            let mut piece = [0; 1024];
            while let Ok(count @ 1..) = output.read(&mut piece) {
                screen
                    .lock()
                    .unwrap()
                    .push_str(&String::from_utf8_lossy(&piece[..count]));
            }
        });
        Some(Self { child, keys, shown })
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn shown(&self) -> String {
        self.shown.lock().unwrap().clone()
    }

    /// Waits until it is shown so often.
    fn shows(&self, what: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.shown().matches(what).count() < times {
            assert!(
                Instant::now() < deadline,
                "never {what:?}:\n{:?}",
                self.shown()
            );
            std::thread::sleep(LOOK);
        }
    }

    /// The program's process: the one below the shell below `script`.
    fn peer(&self) -> u32 {
        let child = |parent: u32| {
            let path = format!("/proc/{parent}/task/{parent}/children");
            let children = std::fs::read_to_string(path).unwrap();
            children
                .split_whitespace()
                .next()
                .unwrap()
                .parse::<u32>()
                .unwrap()
        };
        child(child(self.child.id()))
    }

    fn ends(mut self) -> (i32, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // The reader may be a moment behind.
                std::thread::sleep(5 * LOOK);
                return (status.code().unwrap_or(-1), self.shown());
            }
            assert!(
                Instant::now() < deadline,
                "it does not end:\n{:?}",
                self.shown()
            );
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Someone to talk to, who sends a tone.
fn waiting(house: &House) -> Peer {
    house.answerer(["tone:440", "null"], &[])
}

/// What the peer runs in its terminal, between two looks at the terminal's settings.
fn call(house: &House, more: &str) -> String {
    let words = format!(
        "\"$PEER\" call -s {} --mic tone:660 --speaker null {more}",
        house.url
    );
    // The shell hears Ctrl-C too.
    format!("trap : INT; stty -g; {words}; code=$?; stty -g; exit $code")
}

/// The two settings are the same.
#[track_caller]
fn assert_restored(shown: &str) {
    let is_setting =
        |line: &&str| line.len() > 30 && line.bytes().all(|b| b == b':' || b.is_ascii_hexdigit());
    let lines = shown.lines().map(|line| {
        line.rsplit('\r')
            .find(|part| !part.is_empty())
            .unwrap_or("")
            .trim_start_matches("\x1b[K")
    });
    let settings: Vec<&str> = lines.filter(is_setting).collect();
    assert_eq!(settings.len(), 2, "{shown:?}");
    assert_eq!(settings[0], settings[1], "{shown:?}");
}

#[test]
fn keys_mute_and_change_the_volume_and_lines_are_messages() {
    let house = House::open();
    let mut other = waiting(&house);
    let test = "keys_mute_and_change_the_volume_and_lines_are_messages";
    let Some(mut terminal) = Terminal::open(test, &call(&house, "--expect audio --duration 30s"))
    else {
        return;
    };
    terminal.shows("keys: Tab mutes", 1);
    // Both sides are loud, and say so.
    terminal.shows("you [#######---]  them [#######---]", 1);
    terminal.press("\t");
    terminal.shows("you [  muted   ]", 1);
    terminal.press("\x1b[B\x1b[B");
    terminal.shows("-6 dB", 1);
    terminal.press("helo\x7flo there");
    terminal.shows("> hello there", 1);
    // Keys work in the middle of a line. A tab counts where it comes alone, so the next key waits for it.
    terminal.press("\t");
    terminal.shows(
        "you [#######---]  them [######----]  -6 dB  > hello there",
        1,
    );
    terminal.press("\r");
    let message = other.wait_for("message");
    assert_eq!(message["text"], "hello there");
    terminal.shows("you [#######---]  them [######----]  -6 dB", 1);
    // A message of the other one stands in a line of its own, above the meter.
    other.type_line("and hello to you");
    terminal.shows("\r\u{1b}[Kand hello to you\r\n", 1);
    terminal.press("\x03");
    let (code, shown) = terminal.ends();
    assert_eq!(code, 130, "{shown:?}");
    assert_eq!(shown.matches("keys: Tab mutes").count(), 1);
    assert_restored(&shown);
    other.finish().expect_code(0);
}

#[test]
fn what_is_muted_is_silent_at_the_other_end() {
    let house = House::open();
    let test = "what_is_muted_is_silent_at_the_other_end";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heard.wav");
    let mut other = house.answerer(["silence", &super::wave::spec(&path)], &[]);
    let both = folder.path().join("both.wav");
    let record = format!("--record {}", both.display());
    let Some(mut terminal) = Terminal::open(test, &call(&house, &record)) else {
        return;
    };
    other.wait_for("audio");
    terminal.shows("you [#######---]", 1);
    terminal.press("\t");
    terminal.shows("you [  muted   ]", 1);
    // A second more.
    let length = || std::fs::metadata(&path).unwrap().len();
    let (before, deadline) = (length(), Instant::now() + PATIENCE);
    while length() < before + 100_000 {
        assert!(Instant::now() < deadline, "the other one plays nothing");
        std::thread::sleep(LOOK);
    }
    terminal.press("\x03");
    terminal.ends();
    other.finish().expect_code(0);
    let (_, sound) = super::wave::read(&path);
    let loud = |sample: &f32| sample.abs() > 0.01;
    let last = sound.iter().rposition(loud).unwrap();
    let [recorded, _] = super::recording::read(&both);
    let end = recorded.iter().rposition(loud).unwrap();
    assert!(
        recorded.len() - end > super::wave::RATE / 2,
        "{end} of {}",
        recorded.len()
    );
    assert!(
        sound.len() - last > super::wave::RATE / 2,
        "{last} of {}",
        sound.len()
    );
}

#[test]
fn the_terminal_is_restored_however_it_ends() {
    let house = House::open();
    let test = "the_terminal_is_restored_however_it_ends";
    for (ending, expected) in [
        ("hung up", 0),
        ("twice", 130),
        ("terminated", 143),
        ("end of input", 0),
    ] {
        let other = waiting(&house);
        let more = if ending == "end of input" {
            "--hangup-on-eof"
        } else {
            ""
        };
        let Some(mut terminal) = Terminal::open(test, &call(&house, more)) else {
            return;
        };
        terminal.shows("them [", 1);
        match ending {
            "hung up" => other.signal("-INT"),
            "twice" => terminal.press("\x03\x03"),
            "terminated" => super::peer::send("-TERM", terminal.peer()),
            _ => terminal.press("\x04"),
        }
        let (code, shown) = terminal.ends();
        assert_eq!(code, expected, "{ending}: {shown:?}");
        assert_restored(&shown);
        drop(other);
    }
}

#[test]
fn there_are_no_keys_and_no_meter_for_scripts() {
    let house = House::open();
    let test = "there_are_no_keys_and_no_meter_for_scripts";
    for (more, before) in [
        ("--json", ""),
        ("-q", ""),
        ("", "TERM=dumb "),
        ("2>&1 | cat", ""),
    ] {
        let other = waiting(&house);
        let words = format!(
            "{before}\"$PEER\" call -s {} --mic tone:660 --speaker null --duration 1s -m bye {more}",
            house.url
        );
        let Some(terminal) = Terminal::open(test, &words) else {
            return;
        };
        let (code, shown) = terminal.ends();
        assert_eq!(code, 0, "{more}: {shown:?}");
        assert!(
            !shown.contains("them [") && !shown.contains('\x1b') && !shown.contains("keys:"),
            "{more}: {shown:?}"
        );
        drop(other);
    }
}
