//! A page that is loaded anew in a call goes on with it, whoever called; one that is closed does not.

use std::time::Instant;

use lab::BrowserKind;
use tests::LIMIT;

use super::{Caller, Ours};
use crate::browser::listening::{ENOUGH, noticed};
use crate::browser::peers::{Peer, Server, TONE};
use crate::browser::{browser, tone};

/// The terminal knows of both: that the call broke off, and that it goes on.
fn goes_on(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: loaded anew in a call") else {
        return;
    };
    let server = Server::start();
    for caller in Caller::BOTH {
        let page = Ours::join(&browser, &server, "ann");
        let mut peer = page.meets(caller, &server, &[]);
        peer.sees("connected");
        page.page.reload().unwrap();
        peer.sees("ended");
        peer.sees("connected");
        page.is("call");
        page.hears(TONE);
        page.says("still here");
        assert_eq!(peer.sees("message")["text"], "still here", "{caller:?}");
        peer.hears(tone(kind), ENOUGH);
        page.hangs_up();
        assert_eq!(peer.sees("exit")["code"], 0, "{caller:?}");
        page.ends_well();
    }
}

#[test]
fn a_page_that_is_loaded_anew_goes_on_in_chromium() {
    goes_on(BrowserKind::Chromium);
}

#[test]
fn a_page_that_is_loaded_anew_goes_on_in_firefox() {
    goes_on(BrowserKind::Firefox);
}

/// The call is over at once, and the command soon after: nobody comes back, and nobody else is let in meanwhile.
#[test]
fn a_page_that_is_closed_ends_it() {
    let Some(browser) = browser(BrowserKind::Chromium, "page: closed in a call") else {
        return;
    };
    let server = Server::start();
    let page = Ours::join(&browser, &server, "ann");
    let mut answer = page.meets(Caller::Page, &server, &[]);
    let closed = Instant::now();
    page.page.close().unwrap();
    let ended = answer.process.wait_for("ended", LIMIT).unwrap();
    noticed(closed, ended.at);
    assert_eq!(ended.value["reason"], "the page was closed");
    let mut other = Peer::start("call", &server, &[]);
    assert_eq!(other.sees("exit")["code"], 4);
    assert_eq!(answer.sees("exit")["code"], 0);
}
