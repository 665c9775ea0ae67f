//! The server restarts while two agree on something.

use std::thread::sleep;
use std::time::Duration;

use lab::BrowserKind;
use tests::LIMIT;

use super::super::Ours;
use crate::browser::listening::{self, is_enough};
use crate::browser::peers::{Peer, Server, TONE};
use crate::browser::{browser, tone};

/// Without a server, so that its clients come back seconds after each other.
const AWAY: Duration = Duration::from_millis(1500);

/// The server is gone for a while, and each of these comes back by itself.
fn restarts(server: &mut Server, pages: &[&Ours]) {
    server.kill();
    for page in pages {
        is_on_line(page, "reconnecting");
    }
    sleep(AWAY);
    server.start_again();
    for page in pages {
        is_on_line(page, "connected");
    }
}

fn is_on_line(page: &Ours, state: &str) {
    let script = format!("document.body.dataset.line === '{state}'");
    page.page.wait_until(&script, LIMIT).unwrap();
}

/// Nothing but the browser's own lines about what it asked a server that was gone.
fn complains_of_the_server(page: Ours, server: &Server) {
    let place = server.page().replace("http:", "");
    listening::complains_only_of(&page.page, Some(place.trim_end_matches('/')));
    page.asked_nobody_else();
    page.page.close().unwrap();
}

#[test]
fn a_page_that_rings_goes_on_ringing_and_is_answered() {
    let kinds = [BrowserKind::Chromium, BrowserKind::Firefox];
    let test = "page::trouble::restart: one page calls another";
    let [Some(first), Some(second)] = kinds.map(|kind| browser(kind, test)) else {
        return;
    };
    let mut server = Server::start();
    let ann = Ours::join(&first, &server, "ann");
    let bob = Ours::join(&second, &server, "bob");
    ann.calls();
    bob.is("ringing");
    restarts(&mut server, &[&ann, &bob]);
    bob.is("ringing");
    ann.is("calling");
    bob.answers();
    ann.is("call");
    bob.is("call");
    ann.hears(tone(kinds[1]));
    bob.hears(tone(kinds[0]));
    ann.page.click("#hang-up").unwrap();
    bob.is_left();
    for page in [ann, bob] {
        complains_of_the_server(page, &server);
    }
}

/// Between the offer, which it has not read yet, and its answer.
#[test]
fn the_page_reaches_a_terminal_that_is_slow() {
    let kind = BrowserKind::Chromium;
    let Some(browser) = browser(kind, "page::trouble::restart: it calls a slow peer") else {
        return;
    };
    let mut server = Server::start();
    let mut answer = Peer::start("answer", &server, &["-m", "hello"]).waits();
    let page = Ours::join(&browser, &server, "ann");
    answer.process.pause().unwrap();
    page.calls();
    page.is("calling");
    restarts(&mut server, &[&page]);
    answer.process.resume().unwrap();
    page.is("call");
    answer.sees("connected");
    page.reads("hello");
    page.hears(TONE);
    page.page.click("#hang-up").unwrap();
    let (_, heard) = answer.ends(0, tone(kind));
    is_enough(heard);
    complains_of_the_server(page, &server);
}

#[test]
fn the_page_answers_a_terminal_that_rang_before() {
    let kind = BrowserKind::Chromium;
    let Some(browser) = browser(kind, "page::trouble::restart: peer-cli call calls it") else {
        return;
    };
    let mut server = Server::start();
    let page = Ours::join(&browser, &server, "ann");
    let mut call = Peer::start("call", &server, &[]);
    page.is("ringing");
    restarts(&mut server, &[&page]);
    page.answers();
    page.is("call");
    call.sees("connected");
    page.hears(TONE);
    page.page.click("#hang-up").unwrap();
    let (_, heard) = call.ends(0, tone(kind));
    is_enough(heard);
    complains_of_the_server(page, &server);
}

/// A microphone that comes while the other side reads nothing, and messages; then the server restarts. The other one gets all once.
fn renegotiates(kind: BrowserKind) {
    let Some(browser) = browser(
        kind,
        "page::trouble::restart: a microphone that comes later",
    ) else {
        return;
    };
    let mut server = Server::start();
    let mut answer = Peer::start("answer", &server, &[]).waits();
    let page = Ours::join(&browser, &server, "ann");
    page.chooses("off");
    page.calls();
    page.is("call");
    answer.sees("connected");
    answer.process.pause().unwrap();
    page.chooses("default");
    let on = "document.body.dataset.microphone === 'on'";
    page.page.wait_until(on, LIMIT).unwrap();
    page.says("one");
    page.says("two");
    server.kill();
    is_on_line(&page, "reconnecting");
    server.start_again();
    is_on_line(&page, "connected");
    answer.process.resume().unwrap();
    for text in ["one", "two"] {
        assert_eq!(answer.sees("message")["text"], text);
    }
    answer.sees("audio");
    page.hears(TONE);
    page.is("call");
    page.says("three");
    assert_eq!(answer.sees("message")["text"], "three");
    page.page.click("#hang-up").unwrap();
    page.is("ended");
    let (_, heard) = answer.ends(0, tone(kind));
    is_enough(heard);
    complains_of_the_server(page, &server);
}

#[test]
fn a_microphone_that_comes_in_between_is_heard_in_chromium() {
    renegotiates(BrowserKind::Chromium);
}

#[test]
fn a_microphone_that_comes_in_between_is_heard_in_firefox() {
    renegotiates(BrowserKind::Firefox);
}
