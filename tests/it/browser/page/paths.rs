//! What happens to a call while it runs: another microphone, another path.

use std::sync::Arc;
use std::time::Instant;

use lab::{Browser, BrowserKind, BrowserOptions, Microphone};
use tests::LIMIT;

use super::{Call, Ours};
use crate::browser::browser;
use crate::browser::peers::{Peer, Server, TONE};

fn choose(page: &Ours, microphone: &str) {
    let script = format!(
        "(select => {{ select.value = '{microphone}'; select.dispatchEvent(new Event('change')); }})(document.querySelector('#microphone'))"
    );
    page.page.run(&script, LIMIT).unwrap();
}

/// Renegotiation by the page: it was silent, and then is not.
fn adds_a_microphone(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: a microphone that comes later") else {
        return;
    };
    let server = Server::start();
    let answer = Peer::start("answer", &server, &[]).waits();
    let page = Ours::join(&browser, &server, "ann");
    choose(&page, "off");
    let call = Call::of(page, answer, server);
    let page = &call.page;
    page.hears(TONE);
    page.page
        .wait_until("document.body.dataset.microphone === 'off'", LIMIT)
        .unwrap();
    choose(page, "default");
    page.page
        .wait_until("document.body.dataset.microphone === 'on'", LIMIT)
        .unwrap();
    // The other direction is not disturbed, and takes the time that ours needs.
    page.hears(TONE);
    let heard = call.end(kind);
    assert!(
        heard < 6.0,
        "{heard:.2} s: it was heard before it was there"
    );
}

#[test]
fn a_microphone_is_added_in_chromium() {
    adds_a_microphone(BrowserKind::Chromium);
}

#[test]
fn a_microphone_is_added_in_firefox() {
    adds_a_microphone(BrowserKind::Firefox);
}

/// The restart of ICE is seen in new credentials, and the sound goes on.
fn restarts(kind: BrowserKind) {
    let Some(mut call) = Call::begin(kind, "page: another path", &["--stats", "200ms"]) else {
        return;
    };
    let before = call.answer.ice_users();
    call.page.page.click("#restart").unwrap();
    let deadline = Instant::now() + LIMIT;
    while call.answer.ice_users().is_subset(&before) {
        assert!(Instant::now() < deadline, "ICE was not restarted");
    }
    call.page.hears(TONE);
    call.end(kind);
}

#[test]
fn another_path_is_looked_for_in_chromium() {
    restarts(BrowserKind::Chromium);
}

#[test]
fn another_path_is_looked_for_in_firefox() {
    restarts(BrowserKind::Firefox);
}

/// Sound through the relay of the server itself, and the page says so.
fn is_relayed(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: through a relay only") else {
        return;
    };
    let server = Server::start_with(&["--relay", "127.0.0.1:0", "--relay-allow-private"]);
    let answer = Peer::start("answer", &server, &[]).waits();
    let page = Ours::join(&browser, &server, "ann");
    page.page
        .run("document.querySelector('#relay-only').click()", LIMIT)
        .unwrap();
    let call = Call::of(page, answer, server);
    call.page
        .page
        .wait_until("document.body.dataset.path === 'relay'", LIMIT)
        .unwrap();
    call.page.hears(TONE);
    call.end(kind);
}

#[test]
fn a_relay_only_carries_it_in_chromium() {
    is_relayed(BrowserKind::Chromium);
}

#[test]
fn a_relay_only_carries_it_in_firefox() {
    is_relayed(BrowserKind::Firefox);
}

/// Without a microphone a browser tells no address, but a name that only this machine's own network knows (mDNS).
#[test]
fn a_page_that_hides_its_addresses_is_reached() {
    let kind = BrowserKind::Chromium;
    if !kind.is_here("browser::page: hidden addresses") {
        return;
    }
    let options = BrowserOptions {
        microphone: Microphone::Denied,
        hides_addresses: true,
        ..BrowserOptions::default()
    };
    let browser = Arc::new(Browser::start(kind, &options).unwrap());
    let server = Server::start();
    let mut answer = Peer::start("answer", &server, &[]).waits();
    let page = Ours::join(&browser, &server, "ann");
    page.calls();
    let hidden = loop {
        let candidate = answer.sees("candidate");
        if candidate["direction"] == "remote" {
            break candidate["address"].to_string();
        }
    };
    assert!(hidden.contains(".local"), "{hidden}");
    page.is("call");
    page.hears(TONE);
    page.page.click("#hang-up").unwrap();
    page.is("ended");
    page.ends_well();
}
