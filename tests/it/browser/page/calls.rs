//! Calls, both ways: sound, messages, and how they end.

use std::time::Instant;

use lab::BrowserKind;
use tests::LIMIT;

use super::Ours;
use crate::browser::listening::{is_enough, noticed};
use crate::browser::peers::{Peer, Server, TONE};
use crate::browser::{browser, tone};

/// By the big button; and hangs up.
fn calls_answer(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: it calls peer-cli answer") else {
        return;
    };
    let server = Server::start();
    let mut answer = Peer::start("answer", &server, &["-m", "hello"]).waits();
    let page = Ours::join(&browser, &server, "ann");
    page.calls();
    page.is("call");
    page.reads("hello");
    page.says("hi there");
    assert_eq!(answer.sees("message")["text"], "hi there");
    page.hears(TONE);
    let delivered = "[...document.querySelectorAll('#messages small')].some(line => line.textContent.includes('delivered'))";
    page.page.wait_until(delivered, LIMIT).unwrap();
    let hung_up = Instant::now();
    page.page.click("#hang-up").unwrap();
    page.is("ended");
    let (knew, heard) = answer.ends(0, tone(kind));
    noticed(hung_up, knew);
    is_enough(heard);
    page.ends_well();
}

/// It rings, is answered by keyboard, and left.
fn is_called(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: peer-cli call calls it") else {
        return;
    };
    let server = Server::start();
    let page = Ours::join(&browser, &server, "ann");
    let mut call = Peer::start("call", &server, &["-m", "hello"]);
    page.is("ringing");
    page.page.press("Enter").unwrap();
    page.is("call");
    page.reads("hello");
    page.says("hi there");
    assert_eq!(call.sees("message")["text"], "hi there");
    page.hears(TONE);
    call.process.interrupt().unwrap();
    page.is_left();
    let (_, heard) = call.ends(130, tone(kind));
    is_enough(heard);
    page.ends_well();
}

#[test]
fn the_page_in_chromium_calls_peer_cli_answer() {
    calls_answer(BrowserKind::Chromium);
}

#[test]
fn the_page_in_firefox_calls_peer_cli_answer() {
    calls_answer(BrowserKind::Firefox);
}

#[test]
fn peer_cli_call_calls_the_page_in_chromium() {
    is_called(BrowserKind::Chromium);
}

#[test]
fn peer_cli_call_calls_the_page_in_firefox() {
    is_called(BrowserKind::Firefox);
}

/// What comes of the next press on the button that answers: whether it was in the first moment of ringing, and the state after it.
const PRESS: &str = "void (window.pressed = new Promise(done => {
    const answer = document.querySelector('#answer');
    answer.addEventListener('click', () => {
        const early = answer.getAttribute('aria-disabled') === 'true';
        setTimeout(() => done({early, state: document.body.dataset.state}), 50);
    }, {once: true});
}))";
/// How often it is tried to be as quick as that: on a busy machine the press may come too late.
const TRIES: usize = 5;

/// A call that rings; Enter was pressed in its first moment, as by somebody who was writing.
fn pressed_by_accident(page: &Ours, server: &Server) -> Peer {
    for _ in 0..TRIES {
        page.page.run(PRESS, LIMIT).unwrap();
        let call = Peer::start("call", server, &[]);
        page.has("state", "ringing");
        page.page.press("Enter").unwrap();
        let pressed = page.page.run("pressed", LIMIT).unwrap();
        if pressed["early"] == true {
            assert_eq!(pressed["state"], "ringing", "it was taken by accident");
            return call;
        }
        page.hangs_up();
        page.page.click("#back").unwrap();
        page.is("joined");
    }
    panic!("never pressed in the first moment");
}

/// Nobody answers by accident; and who declines is not heard.
fn declines(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: declines") else {
        return;
    };
    let server = Server::start();
    let page = Ours::join(&browser, &server, "ann");
    let mut call = pressed_by_accident(&page, &server);
    page.is("ringing");
    page.page.click("#decline").unwrap();
    page.is("joined");
    let exit = call.sees("exit");
    assert_eq!(exit["code"], 4, "{exit}");
    page.ends_well();
}

#[test]
fn who_declines_in_chromium_is_not_heard_and_the_caller_knows() {
    declines(BrowserKind::Chromium);
}

#[test]
fn who_declines_in_firefox_is_not_heard_and_the_caller_knows() {
    declines(BrowserKind::Firefox);
}

/// Two pages and a terminal in one room, all talk with each other's neighbour.
#[test]
fn two_pages_call_one_terminal_and_then_each_other() {
    let kinds = [BrowserKind::Chromium, BrowserKind::Firefox];
    let test = "page: two of them and a terminal";
    let [Some(first), Some(second)] = kinds.map(|kind| browser(kind, test)) else {
        return;
    };
    let server = Server::start();
    let answer = Peer::start("answer", &server, &["--peers", "2", "--keep"]).waits();
    let ann = Ours::join(&first, &server, "ann");
    ann.calls();
    ann.is("call");
    let bob = Ours::join(&second, &server, "bob");
    // Not ann, who is in a call.
    bob.page
        .wait_until("document.querySelectorAll('#peers li').length === 2", LIMIT)
        .unwrap();
    bob.page
        .click("#peers li:not([data-name=ann]) button")
        .unwrap();
    bob.is("call");
    ann.hears(TONE);
    bob.hears(TONE);
    for page in [&ann, &bob] {
        page.page.click("#hang-up").unwrap();
        page.is("ended");
        page.page.click("#back").unwrap();
        page.is("joined");
    }
    ann.page.click("#peers li[data-name=bob] button").unwrap();
    bob.is("ringing");
    bob.page.click("#answer").unwrap();
    ann.is("call");
    bob.is("call");
    ann.hears(tone(kinds[1]));
    bob.hears(tone(kinds[0]));
    drop(answer);
    ann.page.click("#hang-up").unwrap();
    bob.is_left();
    ann.ends_well();
    bob.ends_well();
}
