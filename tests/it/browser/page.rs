//! The page that `signaling` serves (signaling/web) in real browsers, with real peers in the terminal.

mod anew;
mod calls;
mod changes;
mod missing;
mod mute;
mod paths;
mod states;
mod token;
mod trouble;
mod tutorial;

use std::sync::Arc;
use std::time::Instant;

use lab::{Browser, Page};
use serde_json::json;
use tests::LIMIT;

use super::listening::{self, noticed};
use super::peers::{Peer, Server};

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Page,
    /// `peer-cli call`.
    Terminal,
}

impl Caller {
    const BOTH: [Self; 2] = [Self::Page, Self::Terminal];
}

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
        // What another page of the browser was called stands there.
        let empty = "void (document.querySelector('#name').value = '')";
        self.page.run(empty, LIMIT).unwrap();
        self.page.click("#name").unwrap();
        self.page.write(name).unwrap();
        self.page.press("Enter").unwrap();
        self.is("joined");
    }

    fn is(&self, state: &str) {
        listening::is_in(&self.page, state);
    }

    /// The page's element `body` has this word about something.
    fn has(&self, what: &str, word: &str) {
        let script = format!("document.body.dataset.{what} === '{word}'");
        self.page.wait_until(&script, LIMIT).unwrap();
    }

    /// Presses something by a script, wherever it is: not as somebody does.
    fn presses(&self, selector: &str) {
        let script = format!("document.querySelector({}).click()", json!(selector));
        self.page.run(&script, LIMIT).unwrap();
    }

    fn chooses(&self, microphone: &str) {
        let script = format!(
            "(select => {{ select.value = '{microphone}'; select.dispatchEvent(new Event('change')); }})(document.querySelector('#microphone'))"
        );
        self.page.run(&script, LIMIT).unwrap();
    }

    fn hangs_up(&self) {
        self.page.click("#hang-up").unwrap();
        self.is("ended");
    }

    fn reason(&self) -> String {
        let reason = self.page.run("document.body.dataset.reason", LIMIT);
        reason.unwrap().as_str().unwrap_or_default().to_owned()
    }

    fn answers(&self) {
        self.is("ringing");
        self.page.click("#answer").unwrap();
    }

    /// A call with `peer-cli`, with these words beside.
    fn meets(&self, caller: Caller, server: &Server, words: &[&str]) -> Peer {
        let peer = match caller {
            Caller::Page => {
                let answer = Peer::start("answer", server, words).waits();
                self.calls();
                answer
            }
            Caller::Terminal => {
                let call = Peer::start("call", server, words);
                self.answers();
                call
            }
        };
        self.is("call");
        peer
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
