//! The page that `signaling` serves (signaling/web) in real browsers, with real peers in the terminal.

mod anew;
mod calls;
mod paths;
mod states;

use std::sync::Arc;
use std::time::Instant;

use lab::{Browser, BrowserKind, Page};
use serde_json::json;
use tests::LIMIT;

use super::listening::{self, noticed};
use super::peers::{Peer, Server};
use super::{browser, tone};

/// Our page, in the server's one room.
struct Ours {
    page: Page,
    address: String,
    _browser: Arc<Browser>,
}

impl Ours {
    /// Opened, and not yet in the room.
    fn open(browser: &Arc<Browser>, server: &Server) -> Self {
        Self::open_at(browser, server.page())
    }

    fn open_at(browser: &Arc<Browser>, address: String) -> Self {
        let page = browser.page().unwrap();
        page.open(&address).unwrap();
        let ours = Self {
            page,
            address,
            _browser: Arc::clone(browser),
        };
        ours.is("start");
        ours
    }

    /// In the room under this name, by keyboard alone.
    fn join(browser: &Arc<Browser>, server: &Server, name: &str) -> Self {
        let ours = Self::open(browser, server);
        ours.enter(name);
        ours
    }

    fn enter(&self, name: &str) {
        self.page.click("#name").unwrap();
        self.page.write(name).unwrap();
        self.page.press("Enter").unwrap();
        self.is("joined");
    }

    fn is(&self, state: &str) {
        let script = format!("document.body.dataset.state === '{state}'");
        self.page.wait_until(&script, LIMIT).unwrap();
    }

    fn reason(&self) -> String {
        let reason = self.page.run("document.body.dataset.reason", LIMIT);
        reason.unwrap().as_str().unwrap_or_default().to_owned()
    }

    /// Calls the one other that is there.
    fn calls(&self) {
        let there = "document.querySelectorAll('#peers button').length === 1";
        self.page.wait_until(there, LIMIT).unwrap();
        self.page.click("#peers button").unwrap();
    }

    fn says(&self, text: &str) {
        listening::says(&self.page, text);
    }

    fn reads(&self, text: &str) {
        listening::reads(&self.page, "#messages p", text);
    }

    fn hears(&self, hertz: u32) {
        listening::hears(&self.page, hertz);
    }

    /// Until it knows that the other side has hung up, which was just now.
    fn is_left(&self) {
        let since = Instant::now();
        self.is("ended");
        noticed(since, Instant::now());
    }

    /// What stands in this element.
    fn text(&self, selector: &str) -> String {
        let script = format!("document.querySelector({}).innerText", json!(selector));
        let text = self.page.run(&script, LIMIT).unwrap();
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Nothing went wrong, and nobody but the server was asked for anything.
    fn ends_well(self) {
        listening::complains_of_nothing(&self.page);
        self.asked_nobody_else();
        self.page.close().unwrap();
    }

    fn asked_nobody_else(&self) {
        let host = self.address.trim_start_matches("http://");
        let host = host.split('/').next().unwrap();
        let own = ["http", "ws"].map(|scheme| format!("{scheme}://{host}/"));
        listening::asks_only(&self.page, &own.each_ref().map(String::as_str));
    }
}

/// A page in a call with `peer-cli answer`, which it called.
struct Call {
    page: Ours,
    answer: Peer,
    _server: Server,
}

impl Call {
    /// Nothing where there is no such browser, which is then said.
    fn begin(kind: BrowserKind, test: &str, words: &[&str]) -> Option<Self> {
        let browser = browser(kind, test)?;
        let server = Server::start();
        let answer = Peer::start("answer", &server, words).waits();
        let page = Ours::join(&browser, &server, "ann");
        Some(Self::of(page, answer, server))
    }

    /// This page calls this one.
    fn of(page: Ours, answer: Peer, server: Server) -> Self {
        page.calls();
        page.is("call");
        Self {
            page,
            answer,
            _server: server,
        }
    }

    /// The page hangs up, and all was well; the seconds for which the other heard the tone of its browser's microphone.
    fn end(self, kind: BrowserKind) -> f64 {
        self.page.page.click("#hang-up").unwrap();
        let (_, heard) = self.answer.ends(0, tone(kind));
        listening::is_enough(heard);
        self.page.ends_well();
        heard
    }
}
