//! What a person sees: every state, on a phone and on a desktop, in light and in dark, and clear words where something is missing.

use std::path::PathBuf;
use std::sync::Arc;

use lab::{Browser, BrowserKind, BrowserOptions, Microphone};
use tests::LIMIT;

use super::Ours;
use crate::browser::browser;
use crate::browser::peers::{Peer, Server, TONE};

/// Width and height in CSS pixels, by name.
const WINDOWS: [(&str, u32, u32); 2] = [("phone", 360, 740), ("desktop", 1200, 900)];

/// A browser of its own, whose pages find this.
fn with(test: &str, options: &BrowserOptions) -> Option<Arc<Browser>> {
    let kind = BrowserKind::Chromium;
    kind.is_here(test)
        .then(|| Arc::new(Browser::start(kind, options).unwrap()))
}

/// Where pictures for people go: `target/debug/screenshots`.
fn pictures() -> PathBuf {
    let folder = tests::program("signaling").with_file_name("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The checker of accessibility, where npm could install it; else that is said past the test harness.
fn checker() -> Option<String> {
    let programs = tests::program("signaling");
    let target = programs.ancestors().nth(2).unwrap();
    let file = target.join("node-others/node_modules/axe-core/axe.min.js");
    let source = std::fs::read_to_string(file).ok();
    if source.is_none() {
        let why = "needs axe-core from npm (cargo xtask test)";
        lab::skipped("browser::page: accessibility", why);
    }
    source
}

/// Whoever cannot see the page or has no mouse can use it: axe-core finds nothing.
fn is_accessible(page: &Ours, state: &str) {
    let Some(checker) = checker() else {
        return;
    };
    let load = format!("void {}", checker.trim_end().trim_end_matches(';'));
    page.page.run(&load, LIMIT).unwrap();
    let found = "axe.run().then((all) => all.violations.map(
        (one) => `${one.impact}: ${one.help}: ${one.nodes.map((node) => node.html).join(' ')}`))";
    let found = page.page.run(found, LIMIT).unwrap();
    assert_eq!(found, serde_json::json!([]), "{state}");
}

/// Pictures of this state in all windows and colours; in none of them does anything stick out at the side.
fn show(page: &Ours, state: &str) {
    for (window, width, height) in WINDOWS {
        page.page.resize(width, height).unwrap();
        for (colours, dark) in [("light", false), ("dark", true)] {
            page.page.dark(dark).unwrap();
            let file = pictures().join(format!("{state}-{window}-{colours}.png"));
            page.page.screenshot(&file).unwrap();
            is_accessible(page, &format!("{state} on a {window}, dark: {dark}"));
        }
        let wide = page
            .page
            .run("document.documentElement.scrollWidth - innerWidth", LIMIT);
        assert!(
            wide.unwrap().as_i64() <= Some(0),
            "{state} on a {window} scrolls sideways"
        );
    }
    page.page.resize(1000, 800).unwrap();
}

#[test]
fn every_state_can_be_looked_at() {
    let Some(browser) = browser(BrowserKind::Chromium, "page: pictures of every state") else {
        return;
    };
    let server = Server::start();
    let page = Ours::open(&browser, &server);
    show(&page, "start");
    page.enter("ann");
    page.page
        .run(
            "void (document.querySelector('details').open = true)",
            LIMIT,
        )
        .unwrap();
    show(&page, "alone");
    let bob = Ours::join(&browser, &server, "bob");
    page.page
        .wait_until("document.querySelector('#peers li')", LIMIT)
        .unwrap();
    show(&page, "together");
    page.calls();
    bob.is("ringing");
    show(&page, "calling");
    bob.page.click("#decline").unwrap();
    page.is("failed");
    show(&page, "declined");
    page.page.click("#back").unwrap();
    bob.ends_well();
    page.is("joined");
    let mut call = Peer::start("call", &server, &["--name", "bob"]);
    page.is("ringing");
    show(&page, "ringing");
    page.page.click("#answer").unwrap();
    page.is("call");
    call.sees("connected");
    page.says("hi there");
    page.hears(TONE);
    show(&page, "call");
    call.process.interrupt().unwrap();
    page.is("ended");
    show(&page, "ended");
    page.ends_well();
}

/// It says why, and can still receive and write.
fn without_a_microphone(microphone: Microphone, words: &str) {
    let options = BrowserOptions {
        microphone,
        ..BrowserOptions::default()
    };
    let Some(browser) = with("page: without a microphone", &options) else {
        return;
    };
    let server = Server::start();
    let mut answer = Peer::start("answer", &server, &[]).waits();
    let page = Ours::join(&browser, &server, "ann");
    page.calls();
    page.is("call");
    page.hears(TONE);
    page.says("I cannot speak");
    assert_eq!(answer.sees("message")["text"], "I cannot speak");
    let said = page.text("#sound-error");
    assert!(said.contains(words), "{said}");
    page.page.click("#hang-up").unwrap();
    page.is("ended");
    page.ends_well();
}

#[test]
fn a_microphone_that_is_denied_is_told_and_the_rest_works() {
    without_a_microphone(Microphone::Denied, "not allowed");
}

#[test]
fn a_microphone_that_is_not_there_is_told_and_the_rest_works() {
    without_a_microphone(Microphone::None, "no such microphone");
}

#[test]
fn a_page_without_https_says_why_it_has_no_microphone() {
    let options = BrowserOptions {
        names: &["studio.example"],
        ..BrowserOptions::default()
    };
    let Some(browser) = with("page: without https", &options) else {
        return;
    };
    let server = Server::start();
    let answer = Peer::start("answer", &server, &[]).waits();
    let page = Ours::open_at(&browser, server.page_as("studio.example"));
    page.enter("ann");
    page.calls();
    page.is("call");
    page.hears(TONE);
    let said = page.text("#sound-error");
    assert!(said.contains("https"), "{said}");
    page.page.click("#hang-up").unwrap();
    page.is("ended");
    drop(answer);
    page.ends_well();
}

/// A relay that there is none of.
#[test]
fn without_a_path_it_says_what_was_tried() {
    let Some(browser) = browser(BrowserKind::Chromium, "page: no path") else {
        return;
    };
    let server = Server::start();
    let _answer = Peer::start("answer", &server, &["--keep"]).waits();
    let page = Ours::join(&browser, &server, "ann");
    page.page
        .run("document.querySelector('#relay-only').click()", LIMIT)
        .unwrap();
    page.calls();
    page.is("failed");
    assert_eq!(page.reason(), "no-path");
    let said = page.text("#ended-text");
    assert!(said.contains("relay"), "{said}");
    show(&page, "failed");
    page.ends_well();
}

/// A call goes on without the server, and the page comes back to the room by itself.
#[test]
fn a_server_that_dies_ends_no_call() {
    let Some(browser) = browser(BrowserKind::Chromium, "page: the server dies") else {
        return;
    };
    let mut server = Server::start();
    let answer = Peer::start("answer", &server, &[]).waits();
    let page = Ours::join(&browser, &server, "ann");
    page.calls();
    page.is("call");
    server.kill();
    page.page
        .wait_until("document.body.dataset.line === 'reconnecting'", LIMIT)
        .unwrap();
    page.hears(TONE);
    show(&page, "reconnecting");
    server.start_again();
    page.page
        .wait_until("document.body.dataset.line === 'connected'", LIMIT)
        .unwrap();
    page.is("call");
    page.page.click("#hang-up").unwrap();
    page.is("ended");
    drop(answer);
    // The browser's own line about a WebSocket that was refused is not the page's.
    let own = |line: &&String| !line.contains("WebSocket connection to");
    let complaints = page.page.complaints();
    let complaints: Vec<_> = complaints.iter().filter(own).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    page.asked_nobody_else();
}
