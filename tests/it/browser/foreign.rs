//! A page that somebody happens to visit must not listen in: it comes from elsewhere, and the microphone is a live one.

use std::process::Command;

use lab::{Browser, BrowserKind, BrowserOptions, Process, SoundServer};
use tests::{LIMIT, program};

use super::pages::Pages;
use super::peers::Server;

const HTML: &str = include_str!("../../fixtures/tutorial/index.html");
/// A name that is this machine, and that nobody takes for it.
const NAME: &str = "evil.example";

/// `peer-cli answer` with a real microphone, and these words.
fn answer(sound: &SoundServer, server: &Server, words: &[&str]) -> Process {
    let mut command = Command::new(program("peer-cli"));
    sound.introduce(&mut command);
    command.args([
        "answer",
        "--json",
        "--stun",
        "off",
        "--server",
        &server.url(),
    ]);
    command
        .args(["--mic", "Desk", "--speaker", "null"])
        .args(words);
    let mut answer = Process::start("answer", command).unwrap();
    answer.wait_for("signaling", LIMIT).unwrap();
    answer
}

#[test]
fn a_page_from_elsewhere_gets_at_no_live_microphone() {
    let kind = BrowserKind::Chromium;
    if !kind.is_here("browser::foreign") {
        return;
    }
    let Some(sound) = SoundServer::start("browser::foreign").unwrap() else {
        return;
    };
    let _mic = sound.microphone("desk", "Desk", 48_000, 1).unwrap();
    let pages = Pages::serve(HTML);
    let origin = pages.url.replace("127.0.0.1", NAME);
    let origin = origin.trim_end_matches('/');
    // As if it had come by https: it has a microphone of its own.
    let secure = format!("--unsafely-treat-insecure-origin-as-secure={origin}");
    let options = BrowserOptions {
        names: &[NAME],
        more: &[&secure],
        ..BrowserOptions::default()
    };
    let browser = Browser::start(kind, &options).unwrap();
    let server = Server::start();
    let page = browser.page().unwrap();
    let calls = || {
        page.open(&format!("{origin}/?server={}", server.url()))
            .unwrap();
        page.wait_until(
            "document.querySelector('#state').textContent === 'ready'",
            LIMIT,
        )
        .unwrap();
        page.click("#call").unwrap();
    };

    let mut refusing = answer(&sound, &server, &[]);
    calls();
    let warning = refusing
        .wait_for("warning", LIMIT)
        .unwrap()
        .value
        .to_string();
    assert!(
        warning.contains("refused a call") && warning.contains(origin),
        "{warning}"
    );
    // What it refuses it forgets: it still waits, and nothing was connected when it is told to end.
    refusing.interrupt().unwrap();
    let last = refusing
        .wait_for_one(&["connected", "exit"], LIMIT)
        .unwrap();
    assert_eq!(last.value["event"], "exit", "{:?}", last.value);
    let state = page.run("document.querySelector('#state').textContent", LIMIT);
    assert_ne!(state.unwrap(), "connected");

    let mut trusting = answer(&sound, &server, &["--allow-origin", origin]);
    calls();
    trusting.wait_for("connected", LIMIT).unwrap();
    page.wait_until(
        "document.querySelector('#state').textContent === 'connected'",
        LIMIT,
    )
    .unwrap();
}
