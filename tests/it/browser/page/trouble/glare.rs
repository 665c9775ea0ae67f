//! Both call at once: one call comes about, and nobody is busy.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lab::BrowserKind;
use tests::LIMIT;

use super::super::Ours;
use super::states::{WATCH, states};
use crate::browser::listening::is_enough;
use crate::browser::peers::{Peer, Server, TONE};
use crate::browser::{browser, tone};

/// How much later the second one calls, in milliseconds: an offer is on its way for some of them, and still made for others.
const APART: [i64; 5] = [0, -12, 4, 20, -3];
/// Rounds at most, on a machine so busy that few cross.
const ROUNDS: usize = 15;
/// How long after the terminal came to the room the page calls it, in milliseconds.
const WAITS: [u32; 4] = [0, 0, 3, 12];
/// Until both press their button.
const SOON: Duration = Duration::from_millis(500);

/// Presses the button for whoever else is in the room, at this time of day in milliseconds.
fn calls_at(page: &Ours, time: i64) {
    let script = format!(
        "new Promise((done) => setTimeout(
            () => done(document.querySelector('#peers button').click() ?? true), {time} - Date.now()))"
    );
    page.page.run(&script, LIMIT).unwrap();
}

fn state(page: &Ours) -> String {
    let state = page.page.run("document.body.dataset.state", LIMIT).unwrap();
    state.as_str().unwrap_or_default().to_owned()
}

/// Whoever was slower than the other's offer hears it ring, and takes the call; which of them that was. Looked at in turn: the one
/// waits for the other.
fn take_what_rings<const N: usize>(pages: [&Ours; N]) -> [bool; N] {
    let mut rang = [false; N];
    let deadline = Instant::now() + LIMIT;
    loop {
        let states = pages.map(state);
        if states.iter().all(|state| state == "call") {
            return rang;
        }
        for ((page, state), rang) in pages.iter().zip(&states).zip(&mut rang) {
            if state == "ringing" && !*rang {
                page.answers();
                *rang = true;
            }
        }
        assert!(Instant::now() < deadline, "{states:?}");
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// Only ways that lead to one call: whoever makes way connects anew.
fn is_one_call(page: &Ours, rang: bool) {
    let states = states(page);
    let way: Vec<_> = states.iter().map(String::as_str).collect();
    let ways: &[&[&str]] = if rang {
        &[&["ringing", "connecting", "call"]]
    } else {
        &[&["calling", "connecting", "call"]]
    };
    assert!(ways.contains(&way.as_slice()), "{way:?}");
}

#[test]
fn two_pages_that_call_each_other_at_once_have_one_call() {
    let kinds = [BrowserKind::Chromium, BrowserKind::Firefox];
    let test = "page::trouble::glare: two pages";
    let [Some(first), Some(second)] = kinds.map(|kind| browser(kind, test)) else {
        return;
    };
    let server = Server::start();
    let pages = [(&first, "ann"), (&second, "bob")];
    let pages = pages.map(|(browser, name)| Ours::join(browser, &server, name));
    for page in &pages {
        page.page.run(WATCH, LIMIT).unwrap();
    }
    let mut crossed = 0;
    for (round, apart) in APART.into_iter().cycle().take(ROUNDS).enumerate() {
        if round >= APART.len() && crossed > 0 {
            break;
        }
        let at = now() + i64::try_from(SOON.as_millis()).unwrap();
        let times = [at, at + apart];
        thread::scope(|scope| {
            for (page, time) in pages.iter().zip(times) {
                scope.spawn(move || calls_at(page, time));
            }
        });
        let rang = take_what_rings(pages.each_ref());
        crossed += u32::from(rang == [false, false]);
        thread::scope(|scope| {
            scope.spawn(|| pages[0].hears(tone(kinds[1])));
            scope.spawn(|| pages[1].hears(tone(kinds[0])));
        });
        for (page, rang) in pages.iter().zip(rang) {
            is_one_call(page, rang);
        }
        let quits = usize::from(apart < 0);
        pages[quits].page.click("#hang-up").unwrap();
        pages[1 - quits].is_left();
        pages[quits].is("ended");
        for page in &pages {
            page.page.click("#back").unwrap();
            page.is("joined");
            states(page);
        }
    }
    assert!(crossed > 0, "none of {ROUNDS} calls crossed");
    pages.into_iter().for_each(Ours::ends_well);
}

/// Presses the button for the first that comes, so many milliseconds after it came.
fn calls_who_comes(page: &Ours, wait: u32) {
    let script = format!(
        "void new MutationObserver((_, observer) => {{
            const button = document.querySelector('#peers button');
            if (!button) return;
            observer.disconnect();
            {wait} ? setTimeout(() => button.click(), {wait}) : button.click();
        }}).observe(document.querySelector('#peers'), {{childList: true}})"
    );
    page.page.run(&script, LIMIT).unwrap();
}

fn a_page_and_a_terminal(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page::trouble::glare: a page and a terminal") else {
        return;
    };
    let server = Server::start();
    let page = Ours::join(&browser, &server, "ann");
    page.page.run(WATCH, LIMIT).unwrap();
    for wait in WAITS {
        calls_who_comes(&page, wait);
        let call = Peer::start("call", &server, &[]);
        let [rang] = take_what_rings([&page]);
        page.hears(TONE);
        is_one_call(&page, rang);
        page.page.click("#hang-up").unwrap();
        page.is("ended");
        let (_, heard) = call.ends(0, tone(kind));
        is_enough(heard);
        page.page.click("#back").unwrap();
        page.is("joined");
        let alone = "!document.querySelector('#peers li')";
        page.page.wait_until(alone, LIMIT).unwrap();
        states(&page);
    }
    page.ends_well();
}

#[test]
fn a_page_in_chromium_and_a_terminal_that_call_each_other_have_one_call() {
    a_page_and_a_terminal(BrowserKind::Chromium);
}

#[test]
fn a_page_in_firefox_and_a_terminal_that_call_each_other_have_one_call() {
    a_page_and_a_terminal(BrowserKind::Firefox);
}
