//! A tutorial's page (`fixtures/tutorial`), which knows nothing but the broadcast, in real browsers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lab::{Browser, BrowserKind, Page, Presence};
use serde_json::json;
use tests::LIMIT;

use super::pages::Pages;
use super::peers::{Peer, Server, TONE};
use super::{browser, tone};

const HTML: &str = include_str!("../../fixtures/tutorial/index.html");

/// Where it plays what it hears.
const STREAM: &str = "document.querySelector('#remote').srcObject";
/// Of sound, until it is judged; and how much of it has to be the tone, in seconds.
const LISTEN: Duration = Duration::from_millis(2500);
const HEARD: f64 = 1.5;
/// From hanging up at one side to knowing of it at the other. It is milliseconds on an idle machine.
const NOTICED: Duration = Duration::from_secs(1);
/// From a page that is closed to knowing that it is gone. Firefox says good-bye to the other peer, Chromium does not: then it takes
/// the 3 s of silence that end the call of a tutorial client, and up to two looks, one a second.
const MISSED: Duration = Duration::from_secs(6);

/// Such a page in a browser, at a web server of its own.
struct Tutorial {
    page: Page,
    pages: Pages,
    server: String,
    _browser: Arc<Browser>,
}

impl Tutorial {
    /// In the room. `more` is the end of the page's address.
    fn open(browser: &Arc<Browser>, server: &Server, more: &str) -> Self {
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

    fn is(&self, state: &str) {
        let script = format!("document.querySelector('#state').textContent === '{state}'");
        self.page.wait_until(&script, LIMIT).unwrap();
    }

    fn says(&self, text: &str) {
        self.page.click("#text").unwrap();
        self.page.write(text).unwrap();
        self.page.press("Enter").unwrap();
    }

    fn reads(&self, text: &str) {
        let lines = "[...document.querySelectorAll('li')].map(line => line.textContent)";
        let script = format!("{lines}.includes({})", json!(text));
        self.page.wait_until(&script, LIMIT).unwrap();
    }

    fn hears(&self, hertz: u32) {
        self.page.wait_until(STREAM, LIMIT).unwrap();
        let sound = self.page.hears(STREAM, LISTEN).unwrap();
        let heard = Presence::of(f64::from(hertz), &sound).total();
        assert!(
            heard >= HEARD,
            "{heard:.2} s of {hertz} Hz in {:.2} s",
            sound.seconds()
        );
    }

    /// Until it knows that the other side has hung up, which was just now.
    fn is_left(&self) {
        let since = Instant::now();
        self.is("ended");
        noticed(since, Instant::now());
    }

    /// Nothing went wrong, and nobody else was asked for anything.
    fn ends_well(self) {
        let complaints = self.page.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
        let known = [&self.pages.url, &self.server];
        let requests = self.page.requests();
        assert!(requests.contains(&self.server), "{requests:?}");
        let stray = |url: &&String| !known.iter().any(|start| url.starts_with(*start));
        let stray: Vec<_> = requests.iter().filter(stray).collect();
        assert!(stray.is_empty(), "{stray:?}");
        self.page.close().unwrap();
    }
}

fn noticed(hung_up: Instant, knew: Instant) {
    let took = knew.saturating_duration_since(hung_up);
    assert!(took < NOTICED, "noticed after {took:?}");
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
    assert!(heard >= HEARD, "{heard:.2} s of the page's tone");
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
    assert!(heard >= HEARD, "{heard:.2} s of the page's tone");
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
