//! Our page and that of a tutorial, which knows nothing but the broadcast.

use lab::BrowserKind;
use tests::LIMIT;

use super::Ours;
use crate::browser::peers::Server;
use crate::browser::tutorial::Tutorial;
use crate::browser::{browser, tone};

/// Whose page calls.
#[derive(PartialEq)]
enum Caller {
    Ours,
    Tutorial,
}

fn talk(ours: BrowserKind, theirs: BrowserKind, caller: Caller) {
    let test = "page: with a tutorial's page";
    let [Some(first), Some(second)] = [ours, theirs].map(|kind| browser(kind, test)) else {
        return;
    };
    let server = Server::start();
    let page = Ours::join(&first, &server, "ann");
    let other = Tutorial::open(&second, &server, "&ondatachannel");
    if caller == Caller::Ours {
        page.calls();
    } else {
        other.page.click("#call").unwrap();
        page.answers();
    }
    page.is("call");
    other.is("connected");
    page.says("hi there");
    other.reads("hi there");
    // Nobody tells whether it has arrived.
    let marks =
        "[...document.querySelectorAll('#messages small')].map(one => one.textContent).join()";
    let sent = format!("{marks} === 'You · sent'");
    page.page.wait_until(&sent, LIMIT).unwrap();
    other.says("hello");
    page.reads("hello");
    page.hears(tone(theirs));
    other.hears(tone(ours));
    if caller == Caller::Ours {
        page.hangs_up();
        other.is_left();
    } else {
        other.page.click("#hangup").unwrap();
        page.is_left();
    }
    page.ends_well();
    other.ends_well();
}

#[test]
fn the_page_in_firefox_calls_a_tutorials_page_in_chromium() {
    talk(BrowserKind::Firefox, BrowserKind::Chromium, Caller::Ours);
}

#[test]
fn a_tutorials_page_in_firefox_calls_the_page_in_chromium() {
    talk(
        BrowserKind::Chromium,
        BrowserKind::Firefox,
        Caller::Tutorial,
    );
}
