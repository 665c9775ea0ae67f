//! What a person sees: every state, on a phone and on a desktop, in light and in dark.

use std::path::PathBuf;

use lab::{BrowserKind, BrowserOptions};
use tests::LIMIT;

use super::{Caller, Ours};
use crate::browser::peers::{Peer, Server, TONE};
use crate::browser::{browser, own};

/// Width and height in CSS pixels, by name.
const WINDOWS: [(&str, u32, u32); 2] = [("phone", 360, 740), ("desktop", 1200, 900)];

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

/// What of the page's colours a browser can be told while it runs, by name: Firefox can be told nothing.
fn colours(kind: BrowserKind) -> &'static [(&'static str, bool)] {
    match kind {
        BrowserKind::Chromium => &[("light", false), ("dark", true)],
        BrowserKind::Firefox => &[("firefox", false)],
    }
}

/// Pictures of this state in all windows and colours; in none of them does anything stick out at the side.
pub(super) fn show(page: &Ours, kind: BrowserKind, state: &str) {
    for (window, width, height) in WINDOWS {
        page.page.resize(width, height).unwrap();
        for (colours, dark) in colours(kind) {
            page.page.dark(*dark).unwrap();
            let file = pictures().join(format!("{state}-{window}-{colours}.png"));
            page.page.screenshot(&file).unwrap();
            is_accessible(page, &format!("{state} on a {window}, {colours}"));
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

/// What a screen reader is told about who comes and goes.
fn is_told(page: &Ours, words: &str) {
    let script = format!("document.querySelector('#came').textContent === '{words}'");
    page.page.wait_until(&script, LIMIT).unwrap();
}

fn shows_every_state(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: pictures of every state") else {
        return;
    };
    let server = Server::start();
    let page = Ours::open(&browser, &server);
    show(&page, kind, "start");
    page.enter("ann");
    page.page
        .run(
            "void (document.querySelector('details').open = true)",
            LIMIT,
        )
        .unwrap();
    show(&page, kind, "alone");
    let bob = Ours::join(&browser, &server, "bob");
    page.page
        .wait_until("document.querySelector('#peers li')", LIMIT)
        .unwrap();
    is_told(&page, "bob came.");
    show(&page, kind, "together");
    page.calls();
    bob.is("ringing");
    show(&page, kind, "calling");
    bob.page.click("#decline").unwrap();
    page.is("failed");
    show(&page, kind, "declined");
    page.page.click("#back").unwrap();
    bob.ends_well();
    page.is("joined");
    is_told(&page, "bob left.");
    is_called_by_a_terminal(page, &server, kind);
}

fn is_called_by_a_terminal(page: Ours, server: &Server, kind: BrowserKind) {
    let mut call = Peer::start("call", server, &["--name", "bob"]);
    page.is("ringing");
    show(&page, kind, "ringing");
    page.page.click("#answer").unwrap();
    page.is("call");
    call.sees("connected");
    page.says("hi there");
    page.hears(TONE);
    show(&page, kind, "call");
    call.process.interrupt().unwrap();
    page.is("ended");
    show(&page, kind, "ended");
    page.ends_well();
}

#[test]
fn every_state_can_be_looked_at_in_chromium() {
    shows_every_state(BrowserKind::Chromium);
}

#[test]
fn every_state_can_be_looked_at_in_firefox() {
    shows_every_state(BrowserKind::Firefox);
}

/// Who is refused reads why, and may try again.
fn is_refused(page: &Ours, words: &str) {
    page.is("failed");
    assert_eq!(page.reason(), "refused");
    let said = page.text("#ended-text");
    assert!(said.contains(words), "{said}");
    assert_eq!(page.text("#again"), "Join again");
}

fn enters(page: &Ours) {
    page.page.click("#name").unwrap();
    page.page.press("Enter").unwrap();
}

/// A room of one is full. It comes free, or another is chosen.
fn is_full(kind: BrowserKind, ann: &Ours, bob: &Ours) {
    enters(ann);
    ann.is("joined");
    enters(bob);
    is_refused(bob, "The room is full");
    show(bob, kind, "refused");
    ann.page.click("#leave").unwrap();
    ann.is("start");
    bob.page.click("#again").unwrap();
    bob.is("joined");
    enters(ann);
    is_refused(ann, "The room is full");
    ann.page.click("#back").unwrap();
    ann.is("start");
    ann.page.click("#room").unwrap();
    ann.page.write("elsewhere").unwrap();
    ann.page.press("Enter").unwrap();
    ann.is("joined");
    assert_eq!(ann.text("#room-title"), "Room elsewhere");
}

/// The same tab is opened again, beside itself.
fn is_there_twice(ann: &Ours, bob: &Ours) {
    let secret = bob.page.run("sessionStorage.getItem('peer.secret')", LIMIT);
    let set = format!("sessionStorage.setItem('peer.secret', {})", secret.unwrap());
    ann.page.run(&set, LIMIT).unwrap();
    ann.page.open(&ann.address).unwrap();
    ann.is("start");
    enters(ann);
    ann.is("joined");
    is_refused(bob, "opened in another tab");
}

fn refusals(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: refused by the server") else {
        return;
    };
    let server = Server::start_with(&["--max-room", "1"]);
    let [ann, bob] = [(); 2].map(|()| Ours::open(&browser, &server));
    is_full(kind, &ann, &bob);
    is_there_twice(&ann, &bob);
    ann.ends_well();
    bob.ends_well();

    let server = Server::start_with(&["--origin", "https://elsewhere.example"]);
    let ann = Ours::open(&browser, &server);
    enters(&ann);
    is_refused(&ann, "The server refused this page");
    ann.ends_well();
}

#[test]
fn who_is_refused_reads_why_in_chromium() {
    refusals(BrowserKind::Chromium);
}

#[test]
fn who_is_refused_reads_why_in_firefox() {
    refusals(BrowserKind::Firefox);
}

/// A browser plays nothing in a page in which nobody has pressed anything, as in one that was loaded anew: the page asks for that.
fn is_silent_at_first(kind: BrowserKind) {
    let options = BrowserOptions {
        silent: true,
        ..BrowserOptions::default()
    };
    let Some(browser) = own(kind, "page: sound that is blocked", &options) else {
        return;
    };
    let server = Server::start();
    let page = Ours::join(&browser, &server, "ann");
    // Whoever speaks may hear.
    page.chooses("off");
    let _answer = page.meets(Caller::Page, &server, &["--keep"]);
    page.hears(TONE);
    page.page.reload().unwrap();
    page.is("call");
    let asks = "!document.querySelector('#blocked').hidden";
    page.page.wait_until(asks, LIMIT).unwrap();
    show(&page, kind, "silent");
    page.page.click("#play").unwrap();
    page.page.wait_until(&format!("!({asks})"), LIMIT).unwrap();
    page.hears(TONE);
    page.hangs_up();
    page.ends_well();
}

#[test]
fn sound_that_chromium_blocks_is_played_when_somebody_wants_it() {
    is_silent_at_first(BrowserKind::Chromium);
}

#[test]
fn sound_that_firefox_blocks_is_played_when_somebody_wants_it() {
    is_silent_at_first(BrowserKind::Firefox);
}
