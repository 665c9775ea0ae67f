//! A tutorial's page (`fixtures/tutorial`), which knows nothing but the broadcast, in real browsers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lab::{Browser, BrowserKind, Page};
use tests::LIMIT;

use super::listening::{self, is_enough, noticed};
use super::pages::Pages;
use super::peers::{Peer, Server, TONE};
use super::{browser, tone};

const HTML: &str = include_str!("../../fixtures/tutorial/index.html");

/// From a page that is closed to knowing that it is gone. Firefox says good-bye to the other peer, Chromium does not: then it takes
/// the 3 s of silence that end the call of a tutorial client, and up to two looks, one a second.
const MISSED: Duration = Duration::from_secs(6);

/// Such a page in a browser, at a web server of its own.
pub(crate) struct Tutorial {
    pub(crate) page: Page,
    pages: Pages,
    server: String,
    _browser: Arc<Browser>,
}

impl Tutorial {
    /// In the room. `more` is the end of the page's address.
    pub(crate) fn open(browser: &Arc<Browser>, server: &Server, more: &str) -> Self {
        let pages = Pages::serve(HTML);
        let page = browser.page().unwrap();
        let server = server.url();
        page.open(&format!("{}?server={server}{more}", pages.url))
            .unwrap();
        let tutorial = Self {
            page,
            pages,
            server,
            _browser: Arc::clone(browser),
        };
        tutorial.is("ready");
        tutorial
    }

    pub(crate) fn is(&self, state: &str) {
        let script = format!("document.querySelector('#state').textContent === '{state}'");
        self.page.wait_until(&script, LIMIT).unwrap();
    }

    pub(crate) fn says(&self, text: &str) {
        listening::says(&self.page, text);
    }

    pub(crate) fn reads(&self, text: &str) {
        listening::reads(&self.page, "li", text);
    }

    pub(crate) fn hears(&self, hertz: u32) {
        listening::hears(&self.page, hertz);
    }

    /// Until it knows that the other side has hung up, which was just now.
    pub(crate) fn is_left(&self) {
        let since = Instant::now();
        self.is("ended");
        noticed(since, Instant::now());
    }

    /// Nothing went wrong, and nobody else was asked for anything.
    pub(crate) fn ends_well(self) {
        listening::complains_of_nothing(&self.page);
        listening::asks_only(&self.page, &[&self.pages.url, &self.server]);
        assert!(self.page.requests().contains(&self.server));
        self.page.close().unwrap();
    }
}

/// The page calls, and hangs up.
fn calls_answer(kind: BrowserKind, more: &str) {
    let Some(browser) = browser(kind, "tutorial: a page calls peer-cli answer") else {
        return;
    };
    let server = Server::start();
    let mut answer = Peer::start("answer", &server, &["-m", "hello"]).waits();
    let page = Tutorial::open(&browser, &server, more);
    page.page.click("#call").unwrap();
    page.is("connected");
    page.says("hi there");
    assert_eq!(answer.sees("message")["text"], "hi there");
    page.reads("hello");
    page.hears(TONE);
    let hung_up = Instant::now();
    page.page.click("#hangup").unwrap();
    let (knew, heard) = answer.ends(0, tone(kind));
    noticed(hung_up, knew);
    is_enough(heard);
    page.ends_well();
}

/// The page is called, and left.
fn is_called(kind: BrowserKind, more: &str) {
    let Some(browser) = browser(kind, "tutorial: peer-cli call calls a page") else {
        return;
    };
    let server = Server::start();
    let page = Tutorial::open(&browser, &server, more);
    let mut call = Peer::start("call", &server, &["-m", "hello"]);
    page.is("connected");
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

/// A page of one browser calls one of another; nothing of ours but the server. Only pages that take the other side's channel can read
/// what is said on it; one that does not loses it to the garbage collector of Firefox, which closes it before anybody hangs up.
fn calls_page(caller: BrowserKind, callee: BrowserKind, more: &str) {
    let test = "tutorial: a page calls a page";
    let [Some(browser), Some(other)] = [caller, callee].map(|kind| browser(kind, test)) else {
        return;
    };
    let server = Server::start();
    let ann = Tutorial::open(&browser, &server, more);
    let bob = Tutorial::open(&other, &server, more);
    ann.page.click("#call").unwrap();
    ann.is("connected");
    bob.is("connected");
    if !more.is_empty() {
        ann.says("hi there");
        bob.reads("hi there");
        bob.says("hello");
        ann.reads("hello");
    }
    ann.hears(tone(callee));
    bob.hears(tone(caller));
    ann.page.click("#hangup").unwrap();
    bob.is_left();
    ann.ends_well();
    bob.ends_well();
}

#[test]
fn a_page_in_chromium_calls_peer_cli_answer() {
    calls_answer(BrowserKind::Chromium, "");
}

#[test]
fn a_page_in_firefox_calls_peer_cli_answer() {
    calls_answer(BrowserKind::Firefox, "");
}

#[test]
fn peer_cli_call_calls_a_page_in_chromium() {
    is_called(BrowserKind::Chromium, "");
}

#[test]
fn peer_cli_call_calls_a_page_in_firefox() {
    is_called(BrowserKind::Firefox, "");
}

/// The page calls, and its tab is closed in the middle of it.
fn is_closed(kind: BrowserKind) {
    let Some(browser) = browser(kind, "tutorial: a page is closed in a call") else {
        return;
    };
    let server = Server::start();
    let mut answer = Peer::start("answer", &server, &[]).waits();
    let page = Tutorial::open(&browser, &server, "");
    page.page.click("#call").unwrap();
    page.is("connected");
    answer.sees("audio");
    let closed = Instant::now();
    page.page.close().unwrap();
    let (knew, _) = answer.ends(0, tone(kind));
    let took = knew.saturating_duration_since(closed);
    assert!(took < MISSED, "missed after {took:?}");
}

#[test]
fn a_page_in_chromium_is_closed_in_a_call() {
    is_closed(BrowserKind::Chromium);
}

#[test]
fn a_page_in_firefox_is_closed_in_a_call() {
    is_closed(BrowserKind::Firefox);
}

#[test]
fn a_page_that_takes_the_other_sides_channel_calls_and_is_called() {
    calls_answer(BrowserKind::Chromium, "&ondatachannel");
    is_called(BrowserKind::Firefox, "&ondatachannel");
}

#[test]
fn a_page_in_chromium_calls_a_page_in_firefox() {
    calls_page(BrowserKind::Chromium, BrowserKind::Firefox, "");
}

#[test]
fn a_page_in_firefox_calls_a_page_in_chromium() {
    calls_page(
        BrowserKind::Firefox,
        BrowserKind::Chromium,
        "&ondatachannel",
    );
}
