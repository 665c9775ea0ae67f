//! The page behind one NAT, `peer-cli` behind another; ICE is restarted from the terminal's side when its network changes.

use std::ffi::OsStr;

use lab::{
    Browser, BrowserKind, BrowserOptions, Family, Microphone, Nat, NatLab, Page, Process, Side,
};
use tests::{LIMIT, program};

use super::listening::{complains_of_nothing, hears};
use super::peers::TONE;

/// The embedded relay, which is the STUN server too.
const RELAY: [&str; 4] = ["--relay", "203.0.113.1:3600", "--relay-ip", "203.0.113.1"];
/// What the page says, in hertz.
const THEIRS: u32 = 1000;

fn answer(lab: &NatLab) -> Process {
    let mut command = lab.command(Side::B, program("peer-cli"));
    command.args(["answer", "--json", "--server", &lab.socket()]);
    command.args(["--stun", "stun:203.0.113.1:3600", "--speaker", "null"]);
    command.args(["--mic", &format!("tone:{TONE}")]);
    let mut answer = Process::start("answer", command).unwrap();
    answer.wait_for("signaling", LIMIT).unwrap();
    answer
}

fn calls(page: &Page, address: &str) {
    page.open(address).unwrap();
    page.run(
        "void document.querySelector('#join').requestSubmit()",
        LIMIT,
    )
    .unwrap();
    page.wait_until("document.querySelector('#peers button')?.click() ?? document.body.dataset.state === 'calling'", LIMIT)
        .unwrap();
    page.wait_until("document.body.dataset.state === 'call'", LIMIT)
        .unwrap();
}

fn is_on(page: &Page, path: &str) {
    page.wait_until(&format!("document.body.dataset.path === '{path}'"), LIMIT)
        .unwrap();
}

fn hangs_up(page: &Page, mut answer: Process) {
    page.click("#hang-up").unwrap();
    answer.succeed(LIMIT).unwrap();
}

#[test]
fn a_page_behind_a_nat_talks_with_a_terminal_behind_another() {
    let test = "browser::nat::a_page_behind_a_nat_talks_with_a_terminal_behind_another";
    if !BrowserKind::Chromium.is_here(test) || !lab::may_build(test) {
        return;
    }
    let mut lab = NatLab::new(Family::V4).unwrap();
    let _server = lab.start_signaling(&program("signaling"), &RELAY).unwrap();
    let address = lab
        .socket()
        .replace("ws://", "http://")
        .replace("/socket", "/");
    let secure = format!(
        "--unsafely-treat-insecure-origin-as-secure={}",
        address.trim_end_matches('/')
    );
    let browser = {
        let place = |browser: &OsStr| lab.command(Side::A, browser);
        let options = BrowserOptions {
            microphone: Microphone::Tone(THEIRS),
            more: &[&secure],
            place: Some(&place),
            ..BrowserOptions::default()
        };
        Browser::start(BrowserKind::Chromium, &options).unwrap()
    };
    let page = browser.page().unwrap();

    // Both open the way at once; then the terminal comes into another network.
    let mut bob = answer(&lab);
    calls(&page, &address);
    let connected = bob.wait_for("connected", LIMIT).unwrap().value;
    assert_eq!(connected["path"], "direct", "{connected}");
    is_on(&page, "direct");
    hears(&page, TONE);
    lab.delete_address(Side::B).unwrap();
    lab.add_address(Side::B).unwrap();
    let back = bob.wait_for("reconnected", LIMIT).unwrap().value;
    assert_eq!(back["path"], "direct", "{back}");
    hears(&page, TONE);
    hangs_up(&page, bob);

    // No way but the relay.
    for side in [Side::A, Side::B] {
        lab.set(side, Nat::Symmetric).unwrap();
    }
    let bob = answer(&lab);
    calls(&page, &address);
    is_on(&page, "relay");
    hears(&page, TONE);
    hangs_up(&page, bob);
    complains_of_nothing(&page);
}
