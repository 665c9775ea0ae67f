//! The page behind one NAT, `peer-cli` behind another; ICE is restarted from the terminal's side when its network changes.

use std::ffi::OsStr;

use lab::{
    Browser, BrowserKind, BrowserOptions, Family, Microphone, Nat, NatLab, Page, Process, Side,
};
use tests::{LIMIT, program};

use super::listening::{complains_of_nothing, hears, is_in};
use super::peers::TONE;

/// The embedded relay, which is the STUN server too.
const RELAY: [&str; 4] = ["--relay", "203.0.113.1:3600", "--relay-ip", "203.0.113.1"];
/// What the page says, in hertz.
const THEIRS: u32 = 1000;

/// `peer-cli` behind the other NAT; it fails if it does not hear the page.
fn peer(lab: &NatLab, verb: &str) -> Process {
    let mut command = lab.command(Side::B, program("peer-cli"));
    command.args([verb, "--json", "--server", &lab.socket()]);
    command.args(["--stun", "stun:203.0.113.1:3600", "--speaker", "null"]);
    command.args(["--mic", &format!("tone:{TONE}")]);
    command.args(["--expect", &format!("tone={THEIRS}")]);
    // Not as soon as it has heard that.
    command.args(["--duration", "300s"]);
    Process::start("peer-cli", command).unwrap()
}

fn joins(page: &Page, origin: &str) {
    page.open(origin).unwrap();
    is_in(page, "start");
    page.click("#name").unwrap();
    page.press("Enter").unwrap();
    is_in(page, "joined");
}

/// A call, which the page or `peer-cli` begins.
fn call(lab: &NatLab, page: &Page, verb: &str) -> Process {
    let mut peer = peer(lab, verb);
    if verb == "answer" {
        page.wait_until("document.querySelector('#peers button')", LIMIT)
            .unwrap();
        page.click("#peers button").unwrap();
    } else {
        is_in(page, "ringing");
        page.click("#answer").unwrap();
    }
    is_in(page, "call");
    peer.wait_for("connected", LIMIT).unwrap();
    peer
}

fn is_on(page: &Page, path: &str) {
    page.wait_until(&format!("document.body.dataset.path === '{path}'"), LIMIT)
        .unwrap();
}

fn hangs_up(page: &Page, mut peer: Process) {
    page.click("#hang-up").unwrap();
    peer.succeed(LIMIT).unwrap();
    is_in(page, "ended");
    page.click("#back").unwrap();
    is_in(page, "joined");
}

/// Both open the way at once; then the terminal comes into another network, and begins anew from there.
fn moves(lab: &mut NatLab, page: &Page, verb: &str) {
    let mut peer = call(lab, page, verb);
    is_on(page, "direct");
    peer.wait_for("audio", LIMIT).unwrap();
    lab.delete_address(Side::B).unwrap();
    lab.add_address(Side::B).unwrap();
    let back = peer.wait_for("reconnected", LIMIT).unwrap().value;
    assert_eq!(back["path"], "direct", "{back}");
    hears(page, TONE);
    hangs_up(page, peer);
}

/// There is no way but the relay.
fn is_relayed(lab: &NatLab, page: &Page, verb: &str) {
    let peer = call(lab, page, verb);
    is_on(page, "relay");
    hears(page, TONE);
    hangs_up(page, peer);
}

fn talks_through_nats(kind: BrowserKind) {
    let test = "browser::nat: a page behind a NAT, a terminal behind another";
    if !kind.is_here(test) || !lab::may_build(test) {
        return;
    }
    let mut lab = NatLab::new(Family::V4).unwrap();
    let _server = lab.start_signaling(&program("signaling"), &RELAY).unwrap();
    let address = lab.socket().replace("ws://", "http://");
    let origin = address.trim_end_matches("/socket");
    let browser = {
        let place = |browser: &OsStr| lab.command(Side::A, browser);
        let options = BrowserOptions {
            microphone: Microphone::Tone(THEIRS),
            secure: &[origin],
            place: Some(&place),
            ..BrowserOptions::default()
        };
        Browser::start(kind, &options).unwrap()
    };
    let page = browser.page().unwrap();
    joins(&page, origin);
    moves(&mut lab, &page, "answer");
    moves(&mut lab, &page, "call");
    for side in [Side::A, Side::B] {
        lab.set(side, Nat::Symmetric).unwrap();
    }
    // Other NATs know nothing of the connection to the server.
    joins(&page, origin);
    is_relayed(&lab, &page, "answer");
    is_relayed(&lab, &page, "call");
    complains_of_nothing(&page);
}

#[test]
fn a_page_in_chromium_behind_a_nat_talks_with_a_terminal_behind_another() {
    talks_through_nats(BrowserKind::Chromium);
}

#[test]
fn a_page_in_firefox_behind_a_nat_talks_with_a_terminal_behind_another() {
    talks_through_nats(BrowserKind::Firefox);
}
