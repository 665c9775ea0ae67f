//! A page that is loaded anew in a call goes on with it, whoever called; one that is closed does not.

use std::time::Instant;

use lab::BrowserKind;
use tests::LIMIT;

use super::{Call, Ours};
use crate::browser::listening::{is_enough, noticed};
use crate::browser::peers::{Peer, Server, TONE};
use crate::browser::{browser, tone};

const CHROMIUM: BrowserKind = BrowserKind::Chromium;
const FIREFOX: BrowserKind = BrowserKind::Firefox;

/// The terminal knows of both: that the call broke off, and that it goes on.
fn goes_on(page: &Ours, terminal: &mut Peer) {
    terminal.sees("connected");
    page.page.reload().unwrap();
    terminal.sees("ended");
    terminal.sees("connected");
    page.is("call");
    page.hears(TONE);
}

fn calls_answer(kind: BrowserKind) {
    let Some(mut call) = Call::begin(kind, "page: loaded anew, and it had called", &[]) else {
        return;
    };
    goes_on(&call.page, &mut call.answer);
    call.end(kind);
}

fn is_called(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: loaded anew, and it was called") else {
        return;
    };
    let server = Server::start();
    let page = Ours::join(&browser, &server, "ann");
    let mut call = Peer::start("call", &server, &[]);
    page.is("ringing");
    page.page.click("#answer").unwrap();
    page.is("call");
    goes_on(&page, &mut call);
    page.says("still here");
    assert_eq!(call.sees("message")["text"], "still here");
    page.page.click("#hang-up").unwrap();
    let (_, heard) = call.ends(0, tone(kind));
    is_enough(heard);
    page.ends_well();
}

#[test]
fn who_called_and_is_loaded_anew_goes_on_in_chromium() {
    calls_answer(CHROMIUM);
}

#[test]
fn who_called_and_is_loaded_anew_goes_on_in_firefox() {
    calls_answer(FIREFOX);
}

#[test]
fn who_was_called_and_is_loaded_anew_goes_on_in_chromium() {
    is_called(CHROMIUM);
}

#[test]
fn who_was_called_and_is_loaded_anew_goes_on_in_firefox() {
    is_called(FIREFOX);
}

/// The call is over at once, and the command soon after: nobody comes back, and nobody else is let in meanwhile.
#[test]
fn a_page_that_is_closed_ends_it() {
    let Some(call) = Call::begin(CHROMIUM, "page: closed in a call", &[]) else {
        return;
    };
    let Call {
        page,
        mut answer,
        _server: server,
    } = call;
    let closed = Instant::now();
    page.page.close().unwrap();
    let ended = answer.process.wait_for("ended", LIMIT).unwrap();
    noticed(closed, ended.at);
    assert_eq!(ended.value["reason"], "the page was closed");
    let mut other = Peer::start("call", &server, &[]);
    assert_eq!(other.sees("exit")["code"], 4);
    assert_eq!(answer.sees("exit")["code"], 0);
}
