//! A page that tells no address, only a name of mDNS, and `peer-cli` on another machine of the same network.

use std::ffi::OsStr;

use lab::{Browser, BrowserKind, BrowserOptions, Lan, Microphone, Page, Process, Side};
use tests::{LIMIT, program};

use super::listening::{complains_of_nothing, hears, is_in};
use super::peers::TONE;

/// A server beside the browser; where it is for that, and for the other machine.
fn server(lan: &Lan) -> (Process, String, String) {
    let mut command = lan.command(Side::A, program("signaling"));
    command.args(["--listen", "0.0.0.0:0", "--json"]);
    let mut server = Process::start("signaling", command).unwrap();
    let listening = server.wait_for("listening", LIMIT).unwrap().value;
    let addr = listening["addr"].as_str().unwrap();
    let port = addr.rsplit(':').next().unwrap();
    let page = format!("http://127.0.0.1:{port}/");
    let url = format!("ws://{}:{port}/socket", lan.address(Side::A));
    (server, page, url)
}

fn peer(lan: &Lan, verb: &str, url: &str) -> Process {
    let mut command = lan.command(Side::B, program("peer-cli"));
    command.args([verb, "--json", "--server", url, "--stun", "off"]);
    command.args(["--mic", &format!("tone:{TONE}"), "--speaker", "null"]);
    Process::start("peer-cli", command).unwrap()
}

/// What `peer-cli` was told of the page is names, and it was one of them by which it reached it.
fn reaches(peer: &mut Process) {
    let mut names = Vec::new();
    loop {
        let event = peer.wait_for_one(&["candidate", "connected"], LIMIT);
        let event = event.unwrap().value;
        if event["event"] == "connected" {
            let remote = &event["remote"];
            assert_eq!(remote["type"], "host", "{event}");
            assert!(names.contains(&remote["address"]), "{event}, {names:?}");
            return;
        }
        if event["direction"] == "remote" {
            let address = event["address"].as_str().unwrap();
            assert!(address.contains(".local"), "{event}");
            names.push(event["address"].clone());
        }
    }
}

/// In either direction, and without a check of the page reaching `peer-cli` before one of its own went to the address behind the name.
fn is_reached(kind: BrowserKind) {
    let test = "browser::hidden: a page that tells no address";
    if !kind.is_here(test) || !lab::may_build(test) {
        return;
    }
    let lan = Lan::new().unwrap();
    lan.guard(Side::B).unwrap();
    let (_server, address, url) = server(&lan);
    let place = |program: &OsStr| lan.command(Side::A, program);
    let options = BrowserOptions {
        microphone: Microphone::Denied,
        hides_addresses: true,
        place: Some(&place),
        ..BrowserOptions::default()
    };
    let browser = Browser::start(kind, &options).unwrap();
    let page = browser.page().unwrap();
    page.open(&address).unwrap();
    is_in(&page, "start");
    page.click("#name").unwrap();
    page.press("Enter").unwrap();
    is_in(&page, "joined");

    let mut answer = peer(&lan, "answer", &url);
    page.wait_until("document.querySelector('#peers button')", LIMIT)
        .unwrap();
    page.click("#peers button").unwrap();
    reaches(&mut answer);
    talks(&page, answer);

    page.click("#back").unwrap();
    let mut call = peer(&lan, "call", &url);
    is_in(&page, "ringing");
    page.click("#answer").unwrap();
    reaches(&mut call);
    talks(&page, call);
    complains_of_nothing(&page);
}

fn talks(page: &Page, mut peer: Process) {
    is_in(page, "call");
    hears(page, TONE);
    page.click("#hang-up").unwrap();
    peer.succeed(LIMIT).unwrap();
    is_in(page, "ended");
}

#[test]
fn a_page_in_chromium_that_tells_no_address_is_reached_by_its_name() {
    is_reached(BrowserKind::Chromium);
}

#[test]
fn a_page_in_firefox_that_tells_no_address_is_reached_by_its_name() {
    is_reached(BrowserKind::Firefox);
}
