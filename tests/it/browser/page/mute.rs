//! Who is mute is not heard, and hears all the same.

use std::io::Write as _;
use std::process::{ChildStdin, Command};
use std::time::Instant;

use lab::{BrowserKind, Process};
use tests::{LIMIT, program};

use super::{Caller, Ours};
use crate::browser::listening::{ENOUGH, heard};
use crate::browser::peers::{Server, TONE};
use crate::browser::{browser, tone};

/// The page is mute by its key, and then is not, by its button: the terminal hears both.
fn page_is_mute(kind: BrowserKind, caller: Caller) {
    let Some(browser) = browser(kind, "page: mute towards peer-cli") else {
        return;
    };
    let server = Server::start();
    let page = Ours::join(&browser, &server, "ann");
    let peer = page.meets(caller, &server, &[]);
    peer.hears(tone(kind), ENOUGH);
    page.page.press("m").unwrap();
    page.has("muted", "true");
    peer.misses(tone(kind), ENOUGH);
    page.hears(TONE);
    let mute = peer.heard(tone(kind)).total();
    page.page.click("#mute").unwrap();
    peer.hears(tone(kind), mute + ENOUGH);

    // Whoever does not want the key has it not.
    page.presses("#mute-key");
    page.page.press("m").unwrap();
    page.hears(TONE);
    page.has("muted", "false");
    page.presses("#mute-key");
    page.hangs_up();
    peer.ends(0, tone(kind));
    page.ends_well();
}

#[test]
fn a_terminal_does_not_hear_a_page_in_chromium_that_is_mute() {
    page_is_mute(BrowserKind::Chromium, Caller::Page);
}

#[test]
fn a_terminal_does_not_hear_a_page_in_firefox_that_is_mute() {
    page_is_mute(BrowserKind::Firefox, Caller::Terminal);
}

/// `peer-cli` on a terminal with keys, which `script` makes.
struct Terminal {
    keys: ChildStdin,
    _process: Process,
}

impl Terminal {
    /// Nothing where there is no `script`, which is then said.
    fn start(verb: &str, server: &Server, test: &str) -> Option<Self> {
        let program = program("peer-cli");
        let line = format!(
            "exec '{}' {verb} --server '{}' --stun off --mic tone:{TONE} --speaker null",
            program.display(),
            server.url()
        );
        let mut script = Command::new("script");
        script.args(["-q", "-f", "-e", "-c", &line, "/dev/null"]);
        script.env("TERM", "xterm").env("SHELL", "/bin/sh");
        let Ok(mut process) = Process::start("script", script) else {
            lab::skipped(test, "needs script (bsdutils)");
            return None;
        };
        Some(Self {
            keys: process.take_input().unwrap(),
            _process: process,
        })
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }
}

/// The terminal is mute, by Tab, and then is not: the page hears both.
fn terminal_is_mute(kind: BrowserKind, caller: Caller) {
    let test = "browser::page: a mute terminal";
    let Some(browser) = browser(kind, "page: a mute terminal") else {
        return;
    };
    let server = Server::start();
    let page = Ours::join(&browser, &server, "ann");
    let verb = match caller {
        Caller::Page => "answer",
        Caller::Terminal => "call",
    };
    let Some(mut terminal) = Terminal::start(verb, &server, test) else {
        return;
    };
    match caller {
        Caller::Page => page.calls(),
        Caller::Terminal => page.answers(),
    }
    page.is("call");
    page.hears(TONE);
    terminal.press("\t");
    let deadline = Instant::now() + LIMIT;
    while heard(&page.page, TONE) > 0.0 {
        assert!(Instant::now() < deadline, "the terminal is still heard");
    }
    terminal.press("\t");
    page.hears(TONE);
    page.hangs_up();
    page.ends_well();
}

#[test]
fn a_page_in_chromium_does_not_hear_a_terminal_that_is_mute() {
    terminal_is_mute(BrowserKind::Chromium, Caller::Terminal);
}

#[test]
fn a_page_in_firefox_does_not_hear_a_terminal_that_is_mute() {
    terminal_is_mute(BrowserKind::Firefox, Caller::Page);
}
