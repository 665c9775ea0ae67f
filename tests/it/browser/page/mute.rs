//! Who is mute is not heard, and hears all the same: by their spectrum, at both ends.

use std::io::Write as _;
use std::process::ChildStdin;
use std::time::Instant;

use lab::BrowserKind;
use tests::LIMIT;

use super::{Caller, Ours};
use crate::browser::listening::{ENOUGH, heard};
use crate::browser::peers::{Peer, Server, TONE};
use crate::browser::{browser, tone};

/// The page is mute by its key, and then is not, by its button: the terminal hears both.
fn page_is_mute(page: &Ours, peer: &Peer, kind: BrowserKind) {
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
    page.has("muted", "false");
    page.presses("#mute-key");
    page.page.press("m").unwrap();
    page.has("muted", "true");
    page.page.press("m").unwrap();
    page.has("muted", "false");
}

/// The terminal is mute, by its key, and then is not: the page hears both.
fn terminal_is_mute(page: &Ours, keys: &mut ChildStdin) {
    let mut press_tab = || {
        keys.write_all(b"\t").unwrap();
        keys.flush().unwrap();
    };
    press_tab();
    let deadline = Instant::now() + LIMIT;
    while heard(&page.page, TONE) > 0.0 {
        assert!(Instant::now() < deadline, "the terminal is still heard");
    }
    press_tab();
    page.hears(TONE);
}

fn mute(kind: BrowserKind, caller: Caller) {
    let test = "page: mute";
    let Some(browser) = browser(kind, test) else {
        return;
    };
    let server = Server::start();
    let page = Ours::join(&browser, &server, "ann");
    let verb = match caller {
        Caller::Page => "answer",
        Caller::Terminal => "call",
    };
    let Some(mut peer) = Peer::start_on_a_terminal(verb, &server, test) else {
        return;
    };
    let mut keys = peer.process.take_input().unwrap();
    match caller {
        Caller::Page => page.calls(),
        Caller::Terminal => page.answers(),
    }
    page.is("call");
    page_is_mute(&page, &peer, kind);
    terminal_is_mute(&page, &mut keys);
    page.hangs_up();
    peer.process.succeed(LIMIT).unwrap();
    page.ends_well();
}

#[test]
fn who_is_mute_is_not_heard_from_chromium_to_a_terminal_and_back() {
    mute(BrowserKind::Chromium, Caller::Terminal);
}

#[test]
fn who_is_mute_is_not_heard_from_firefox_to_a_terminal_and_back() {
    mute(BrowserKind::Firefox, Caller::Page);
}
