//! The page that `signaling` serves (signaling/web) in real browsers, with real peers in the terminal.

mod calls;
mod paths;
mod states;

use std::sync::Arc;
use std::time::{Duration, Instant};

use lab::{Browser, Page, Presence};
use serde_json::json;
use tests::LIMIT;

use super::peers::Server;

/// Where it plays what it hears.
const STREAM: &str = "document.querySelector('#remote').srcObject";
/// Of sound, until it is judged; and how much of it has to be the tone, in seconds.
const LISTEN: Duration = Duration::from_millis(2500);
const HEARD: f64 = 1.5;
/// From hanging up at one side to knowing of it at the other. It is milliseconds on an idle machine.
const NOTICED: Duration = Duration::from_secs(1);

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
        self.page.click("#text").unwrap();
        self.page.write(text).unwrap();
        self.page.press("Enter").unwrap();
    }

    fn reads(&self, text: &str) {
        let lines = "[...document.querySelectorAll('#messages p')].map(line => line.textContent)";
        let script = format!("{lines}.includes({})", json!(text));
        self.page.wait_until(&script, LIMIT).unwrap();
    }

    /// So many seconds of this tone, of [`LISTEN`].
    fn heard(&self, hertz: u32) -> f64 {
        self.page.wait_until(STREAM, LIMIT).unwrap();
        let sound = self.page.hears(STREAM, LISTEN).unwrap();
        Presence::of(f64::from(hertz), &sound).total()
    }

    fn hears(&self, hertz: u32) {
        let heard = self.heard(hertz);
        assert!(heard >= HEARD, "{heard:.2} s of {hertz} Hz");
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
        let complaints = self.page.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
        self.asked_nobody_else();
        self.page.close().unwrap();
    }

    fn asked_nobody_else(&self) {
        let host = self.address.trim_start_matches("http://");
        let host = host.split('/').next().unwrap();
        let own = ["http", "ws"].map(|scheme| format!("{scheme}://{host}/"));
        let requests = self.page.requests();
        assert!(requests.len() > 5, "{requests:?}");
        let stray = |url: &&String| !own.iter().any(|start| url.starts_with(start));
        let stray: Vec<_> = requests.iter().filter(stray).collect();
        assert!(stray.is_empty(), "{stray:?}");
    }
}

fn noticed(hung_up: Instant, knew: Instant) {
    let took = knew.saturating_duration_since(hung_up);
    assert!(took < NOTICED, "noticed after {took:?}");
}
