//! What a page changes while it is in a call, whoever has called.

use std::sync::Arc;
use std::time::Instant;

use lab::{Browser, BrowserKind};
use tests::LIMIT;

use super::{Caller, Ours};
use crate::browser::listening::ENOUGH;
use crate::browser::peers::{Server, TONE};
use crate::browser::{browser, tone};

/// Several: a nomination that overtakes the answer to the restart may be lost (peer-cli/src/rtc/eager.rs), but it does so seldom.
const RESTARTS: usize = 5;

/// A microphone that comes later (renegotiation) and another path (ICE restart, seen in new credentials), both begun by the page.
fn changes(browser: &Arc<Browser>, kind: BrowserKind, caller: Caller) {
    let server = Server::start();
    let page = Ours::join(browser, &server, "ann");
    page.chooses("off");
    let mut peer = page.meets(caller, &server, &["--stats", "200ms"]);
    page.hears(TONE);
    page.has("microphone", "off");
    let heard = peer.heard(tone(kind)).total();
    assert!(heard == 0.0, "{heard:.2} s before there was a microphone");
    page.chooses("default");
    page.has("microphone", "on");
    let mut heard = peer.hears(tone(kind), ENOUGH);

    for _ in 0..RESTARTS {
        let before = peer.ice_users();
        page.page.click("#restart").unwrap();
        let deadline = Instant::now() + LIMIT;
        while peer.ice_users().is_subset(&before) {
            assert!(Instant::now() < deadline, "ICE was not restarted");
        }
        heard = peer.hears(tone(kind), heard + ENOUGH / 2.0);
    }
    page.hears(TONE);
    peer.hears(tone(kind), heard + ENOUGH);
    page.hangs_up();
    peer.ends(0, tone(kind));
    page.ends_well();
}

/// One after the other: of two pages of Firefox that ask for its fake microphone in the same moment, one is told that there is none.
fn changes_whoever_called(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: a microphone and a path that come later") else {
        return;
    };
    for caller in Caller::BOTH {
        changes(&browser, kind, caller);
    }
}

#[test]
fn a_page_in_chromium_adds_a_microphone_and_looks_for_another_path() {
    changes_whoever_called(BrowserKind::Chromium);
}

#[test]
fn a_page_in_firefox_adds_a_microphone_and_looks_for_another_path() {
    changes_whoever_called(BrowserKind::Firefox);
}
