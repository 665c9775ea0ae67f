//! Pages in real browsers: Chromium and Firefox, each without a screen and with a microphone that hears a tone.
#![allow(clippy::unwrap_used)]

mod foreign;
mod hidden;
mod listening;
mod nat;
mod page;
mod pages;
mod peers;
mod tutorial;

use std::net::UdpSocket;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use lab::{Browser, BrowserKind, BrowserOptions, Microphone};

/// What the pages of each browser say into a call, in hertz: each another, so that nobody's echo canceller takes one for the other.
pub(crate) fn tone(kind: BrowserKind) -> u32 {
    match kind {
        BrowserKind::Chromium => 1000,
        BrowserKind::Firefox => 700,
    }
}

/// Whether there is a way to the rest of the world, on which Firefox looks for its addresses. Nothing is sent.
fn has_default_route() -> bool {
    let socket = UdpSocket::bind("0.0.0.0:0");
    socket.is_ok_and(|socket| socket.connect("192.0.2.1:9").is_ok())
}

/// Whether there is such a browser, and it finds addresses; else that is said.
pub(crate) fn is_usable(kind: BrowserKind, test: &str) -> bool {
    let test = format!("browser::{test}");
    if !kind.is_here(&test) {
        return false;
    }
    let is_lost = kind == BrowserKind::Firefox && !has_default_route();
    if is_lost {
        lab::skipped(&test, "Firefox needs an interface and a default route");
    }
    !is_lost
}

/// One that nobody shares, whose pages find this.
pub(crate) fn own(kind: BrowserKind, test: &str, options: &BrowserOptions) -> Option<Arc<Browser>> {
    is_usable(kind, test).then(|| Arc::new(Browser::start(kind, options).unwrap()))
}

/// The one that the tests running at this moment share; nothing, and a word about it, where it is not installed.
pub(crate) fn browser(kind: BrowserKind, test: &str) -> Option<Arc<Browser>> {
    static RUNNING: [Mutex<Weak<Browser>>; 2] = [const { Mutex::new(Weak::new()) }; 2];
    if !is_usable(kind, test) {
        return None;
    }
    let mut running = RUNNING[kind as usize]
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(browser) = running.upgrade() {
        return Some(browser);
    }
    let options = BrowserOptions {
        microphone: Microphone::Tone(tone(kind)),
        ..BrowserOptions::default()
    };
    let browser = Arc::new(Browser::start(kind, &options).unwrap());
    *running = Arc::downgrade(&browser);
    Some(browser)
}
