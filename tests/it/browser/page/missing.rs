//! Clear words where something is missing: a microphone, https, a path, the server.

use lab::{BrowserKind, BrowserOptions, Microphone};
use tests::LIMIT;

use super::states::show;
use super::{Caller, Ours};
use crate::browser::peers::{Peer, Server, TONE};
use crate::browser::{browser, listening, own};

/// It says why, and can still receive and write.
fn without_a_microphone(kind: BrowserKind, microphone: Microphone, words: &str) {
    let options = BrowserOptions {
        microphone,
        ..BrowserOptions::default()
    };
    let Some(browser) = own(kind, "page: without a microphone", &options) else {
        return;
    };
    let server = Server::start();
    let page = Ours::join(&browser, &server, "ann");
    let mut peer = page.meets(Caller::Page, &server, &[]);
    page.hears(TONE);
    page.says("I cannot speak");
    assert_eq!(peer.sees("message")["text"], "I cannot speak");
    let said = page.text("#sound-error");
    assert!(said.contains(words), "{said}");
    page.hangs_up();
    page.ends_well();
}

#[test]
fn a_microphone_that_is_denied_in_chromium_is_told_and_the_rest_works() {
    without_a_microphone(BrowserKind::Chromium, Microphone::Denied, "not allowed");
}

#[test]
fn a_microphone_that_is_denied_in_firefox_is_told_and_the_rest_works() {
    without_a_microphone(BrowserKind::Firefox, Microphone::Denied, "not allowed");
}

#[test]
fn a_microphone_that_chromium_has_not_is_told_and_the_rest_works() {
    let words = "no such microphone";
    without_a_microphone(BrowserKind::Chromium, Microphone::None, words);
}

#[test]
fn a_microphone_that_firefox_has_not_is_told_and_the_rest_works() {
    let words = "no such microphone";
    without_a_microphone(BrowserKind::Firefox, Microphone::None, words);
}

fn without_https(kind: BrowserKind) {
    let options = BrowserOptions {
        names: &["studio.example"],
        ..BrowserOptions::default()
    };
    let Some(browser) = own(kind, "page: without https", &options) else {
        return;
    };
    let server = Server::start();
    let page = Ours::open_at(&browser, server.page_as("studio.example"));
    page.enter("ann");
    let _peer = page.meets(Caller::Terminal, &server, &[]);
    page.hears(TONE);
    let said = page.text("#sound-error");
    assert!(said.contains("https"), "{said}");
    page.hangs_up();
    page.ends_well();
}

#[test]
fn a_page_without_https_in_chromium_says_why_it_has_no_microphone() {
    without_https(BrowserKind::Chromium);
}

#[test]
fn a_page_without_https_in_firefox_says_why_it_has_no_microphone() {
    without_https(BrowserKind::Firefox);
}

/// It wants a relay, and there is none.
fn without_a_path(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: no path") else {
        return;
    };
    let server = Server::start();
    let _answer = Peer::start("answer", &server, &["--keep"]).waits();
    let page = Ours::join(&browser, &server, "ann");
    page.presses("#relay-only");
    page.calls();
    page.is("failed");
    assert_eq!(page.reason(), "no-path");
    let said = page.text("#ended-text");
    assert!(said.contains("relay"), "{said}");
    show(&page, kind, "failed");
    // Firefox says so in its console, unless the page has closed the connection by then.
    listening::complains_only_of(&page.page, Some("WebRTC: ICE failed"));
    page.asked_nobody_else();
}

#[test]
fn without_a_path_it_says_what_was_tried_in_chromium() {
    without_a_path(BrowserKind::Chromium);
}

#[test]
fn without_a_path_it_says_what_was_tried_in_firefox() {
    without_a_path(BrowserKind::Firefox);
}

/// A call goes on without the server, and the page comes back to the room by itself; until then it calls nobody, and says so.
fn without_the_server(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: the server dies") else {
        return;
    };
    let mut server = Server::start();
    let page = Ours::join(&browser, &server, "ann");
    let _peer = page.meets(Caller::Page, &server, &[]);
    server.kill();
    page.has("line", "reconnecting");
    page.hears(TONE);
    show(&page, kind, "reconnecting");
    server.start_again();
    page.has("line", "connected");
    page.is("call");

    server.kill();
    page.has("line", "reconnecting");
    page.hangs_up();
    // Also whom it does not see any more.
    page.page.click("#again").unwrap();
    let said = page.text("#notice");
    assert!(said.contains("The server is away"), "{said}");
    page.is("ended");
    server.start_again();
    page.has("line", "connected");
    let silent = "document.querySelector('#notice').textContent === ''";
    page.page.wait_until(silent, LIMIT).unwrap();
    // A WebSocket that was refused.
    listening::complains_only_of(&page.page, Some(&server.url()));
    page.asked_nobody_else();
}

#[test]
fn a_server_that_dies_ends_no_call_in_chromium() {
    without_the_server(BrowserKind::Chromium);
}

#[test]
fn a_server_that_dies_ends_no_call_in_firefox() {
    without_the_server(BrowserKind::Firefox);
}
