//! The ways that a call takes: a page that is loaded anew, and a relay only.

use lab::BrowserKind;

use super::{Call, Caller, Ours};
use crate::browser::listening::ENOUGH;
use crate::browser::peers::{Server, TONE};
use crate::browser::{browser, tone};

/// A call that breaks off because its page is loaded anew is taken up again by itself.
fn is_loaded_anew(kind: BrowserKind) {
    let Some(call) = Call::begin(kind, "page: loaded anew in a call", &["--keep"]) else {
        return;
    };
    let page = &call.page;
    page.page.reload().unwrap();
    page.is("call");
    page.hears(TONE);
    call.answer.process.interrupt().unwrap();
    page.is_left();
    call.page.ends_well();
}

#[test]
fn a_page_that_is_loaded_anew_goes_on_in_chromium() {
    is_loaded_anew(BrowserKind::Chromium);
}

#[test]
fn a_page_that_is_loaded_anew_goes_on_in_firefox() {
    is_loaded_anew(BrowserKind::Firefox);
}

/// Sound through the relay of the server itself, and the page says so; whoever calls, it shows no other address.
fn is_relayed(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: through a relay only") else {
        return;
    };
    let server = Server::start_with(&["--relay", "127.0.0.1:0", "--relay-allow-private"]);
    for caller in Caller::BOTH {
        let page = Ours::join(&browser, &server, "ann");
        page.presses("#relay-only");
        let mut peer = page.meets(caller, &server, &[]);
        page.has("path", "relay");
        page.hears(TONE);
        peer.hears(tone(kind), ENOUGH);
        page.hangs_up();
        for candidate in peer.ended_after("candidate") {
            let shown = candidate["direction"] == "remote" && candidate["type"] != "relay";
            assert!(!shown, "{caller:?}: {candidate}");
        }
        page.ends_well();
    }
}

#[test]
fn a_relay_only_carries_it_in_chromium() {
    is_relayed(BrowserKind::Chromium);
}

#[test]
fn a_relay_only_carries_it_in_firefox() {
    is_relayed(BrowserKind::Firefox);
}
