//! A path that falls silent under a page behind one NAT and `peer-cli` behind another.

use std::ffi::OsStr;
use std::sync::Arc;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use lab::{
    Browser, BrowserKind, BrowserOptions, Event, Family, Microphone, Nat, NatLab, Presence,
    Process, Side,
};
use serde_json::json;
use tests::{LIMIT, program};

use super::super::Ours;
use crate::browser::peers::{Peer, TONE};
use crate::browser::tone;

/// The embedded relay, which is the STUN server of the page, too.
const RELAY: [&str; 4] = ["--relay", "203.0.113.1:3600", "--relay-ip", "203.0.113.1"];
/// Of darkness: more than silence is waited for, and less than a lost path is.
const BLACKOUT: Duration = Duration::from_secs(10);
/// Until it is seen, another path found, and what waited has arrived.
const RECOVERY: Duration = Duration::from_secs(40);
/// At the end of what a peer heard, in seconds: what is judged, and what hanging up may cut off. The page listens for longer before it
/// hangs up; a machine with three browsers halts for a second now and then.
const LAST: f64 = 3.0;
const CUT: f64 = 0.4;

/// From now on the page knows whether it ever lost the path.
const REMEMBER: &str =
    "void new MutationObserver(() => { window.wasLost ||= document.body.dataset.lost === 'true'; })
    .observe(document.body, {attributeFilter: ['data-lost']})";

/// A page at A and `peer-cli` at B.
struct Apart {
    page: Ours,
    peer: Peer,
    /// Texts that the peer has read.
    arrived: Vec<String>,
    lab: NatLab,
    _server: Process,
    kind: BrowserKind,
}

/// Who calls whom.
#[derive(Clone, Copy, PartialEq)]
enum Caller {
    Page,
    Terminal,
}

/// Beside the one that is taken.
#[derive(Clone, Copy, PartialEq)]
enum Ways {
    /// None.
    One,
    /// Through a relay, by UDP and TCP.
    Many,
}

/// In the room, behind its NAT.
fn join(kind: BrowserKind, lab: &NatLab) -> Ours {
    let socket = lab.socket();
    let address = socket
        .replace("ws://", "http://")
        .replace(":80/socket", "/");
    let place = |browser: &OsStr| lab.command(Side::A, browser);
    let options = BrowserOptions {
        microphone: Microphone::Tone(tone(kind)),
        secure: &[address.trim_end_matches('/')],
        place: Some(&place),
        ..BrowserOptions::default()
    };
    let browser = Arc::new(Browser::start(kind, &options).unwrap());
    let page = Ours::open_at(&browser, address);
    page.enter("ann");
    page
}

impl Apart {
    /// In a call, with sound both ways; nothing where this machine cannot have it, which is then said.
    fn in_call(kind: BrowserKind, caller: Caller, ways: Ways, test: &str) -> Option<Self> {
        let test = format!("browser::page::trouble::silence::{test}");
        if !kind.is_here(&test) || !lab::may_build(&test) {
            return None;
        }
        let mut lab = NatLab::new(Family::V4).unwrap();
        // Without a server's STUN the page has none, and one of the two has to let it in.
        let words = if ways == Ways::Many { &RELAY[..] } else { &[] };
        lab.set(
            Side::B,
            if ways == Ways::Many {
                Nat::PortRestricted
            } else {
                Nat::FullCone
            },
        )
        .unwrap();
        let server = lab.start_signaling(&program("signaling"), words).unwrap();
        let start = |verb| {
            let command = lab.command(Side::B, program("peer-cli"));
            let stun = lab.stun();
            let words = ["--stun", stun.as_str()];
            Peer::start_as(command, verb, &lab.socket(), &words)
        };
        let (page, mut peer) = if caller == Caller::Page {
            let peer = start("answer").waits();
            let page = join(kind, &lab);
            page.calls();
            (page, peer)
        } else {
            let page = join(kind, &lab);
            let peer = start("call");
            page.answers();
            (page, peer)
        };
        page.is("call");
        peer.sees("connected");
        page.hears(TONE);
        page.page.run(REMEMBER, LIMIT).unwrap();
        Some(Self {
            page,
            peer,
            arrived: Vec::new(),
            lab,
            _server: server,
            kind,
        })
    }

    /// Both write, one after the other. The focus stays in the field, which moves down with each message that comes.
    fn write(&mut self, numbers: std::ops::Range<u32>) {
        let focus = "void document.querySelector('#text').focus()";
        self.page.page.run(focus, LIMIT).unwrap();
        for number in numbers {
            self.page.page.write(&format!("a{number}")).unwrap();
            self.page.page.press("Enter").unwrap();
            self.peer.process.write(&format!("b{number}")).unwrap();
        }
    }

    /// Reads what the peer tells until this.
    fn told(&mut self, wanted: impl Fn(&Event) -> bool) {
        let deadline = Instant::now() + RECOVERY;
        loop {
            let event = self.peer.process.next(deadline).unwrap().unwrap();
            if event.is("message") {
                let text = event.value["text"].as_str().unwrap();
                self.arrived.push(text.to_owned());
            }
            if wanted(&event) {
                return;
            }
        }
    }

    /// The page has lost the path, which another one may have replaced since: that takes no longer than a look at the page.
    fn was_lost(&self) {
        self.page
            .page
            .wait_until("window.wasLost", RECOVERY)
            .unwrap();
    }

    fn is_found(&self) {
        let found = "document.body.dataset.lost === 'false'";
        self.page.page.wait_until(found, RECOVERY).unwrap();
    }

    /// What the page reads of the other, once the last has come.
    fn read(&self, last: u32) -> Vec<String> {
        let lines = "[...document.querySelectorAll('#messages div:not(.mine) p')].map((one) => one.textContent)";
        let script = format!("{lines}.includes({})", json!(format!("b{last}")));
        self.page.page.wait_until(&script, RECOVERY).unwrap();
        let lines = self.page.page.run(lines, LIMIT).unwrap();
        serde_json::from_value(lines).unwrap()
    }

    /// The same call goes on: `last` messages each way, each once and in order; then sound at both ends, until the page hangs up.
    fn goes_on(mut self, last: u32) {
        let expected = |who: &str| (1..=last).map(|number| format!("{who}{number}")).collect();
        if self.arrived.last() != Some(&format!("a{last}")) {
            self.told(|event| event.value["text"] == format!("a{last}"));
        }
        let wanted: Vec<String> = expected("a");
        assert_eq!(self.arrived, wanted, "{}", self.page.text("#messages"));
        let wanted: Vec<String> = expected("b");
        assert_eq!(self.read(last), wanted);
        self.is_found();
        self.page.hears(TONE);
        self.page.hears(TONE);
        self.page.is("call");
        assert_eq!(self.read(last), wanted);
        self.page.page.click("#hang-up").unwrap();
        self.page.is("ended");
        assert_eq!(self.page.reason(), "hung-up");
        let (_, heard) = self.peer.ends_having_heard(0, tone(self.kind));
        is_heard_at_the_end(&heard);
        self.page.ends_well();
    }
}

fn is_heard_at_the_end(heard: &Presence) {
    let end = heard.seconds() - CUT;
    let gap = heard.longest_gap(end - LAST, end);
    assert!(
        gap < LAST * 0.75,
        "{gap:.2} s of silence at the end of {end:.2} s"
    );
}

/// Nothing comes through for a while, not even to the server.
fn darkness(kind: BrowserKind, caller: Caller, side: Side, test: &str) {
    let Some(mut apart) = Apart::in_call(kind, caller, Ways::Many, test) else {
        return;
    };
    apart.write(1..3);
    let until = Instant::now() + BLACKOUT;
    apart.lab.dark(side).unwrap();
    apart.write(3..5);
    apart.was_lost();
    apart.write(5..7);
    sleep(until.saturating_duration_since(Instant::now()));
    apart.lab.light(side).unwrap();
    apart.write(7..9);
    apart.goes_on(8);
}

/// The path is dead for good, and only another connection goes on: the terminal, which misses packets first, makes it.
fn death(caller: Caller, ways: Ways, test: &str) {
    let Some(mut apart) = Apart::in_call(BrowserKind::Chromium, caller, ways, test) else {
        return;
    };
    apart.write(1..3);
    apart.lab.kill_flows(Side::A).unwrap();
    apart.write(3..5);
    apart.told(|event| event.is("reconnecting"));
    apart.write(5..7);
    apart.told(|event| event.is("reconnected"));
    apart.write(7..9);
    apart.goes_on(8);
}

/// Nothing comes to the page any more, and the terminal misses nothing: the page makes the other connection.
fn deafness(kind: BrowserKind, caller: Caller, ways: Ways, test: &str) {
    let Some(mut apart) = Apart::in_call(kind, caller, ways, test) else {
        return;
    };
    apart.write(1..3);
    apart.lab.deafen_flows(Side::A).unwrap();
    apart.write(3..5);
    apart.was_lost();
    apart.write(5..7);
    apart.is_found();
    apart.write(7..9);
    apart.goes_on(8);
}

/// Those of one kind at the same time: they wait, most of it.
fn at_once(cases: &[&(dyn Fn() + Sync)]) {
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(case);
        }
    });
}

#[test]
fn darkness_ends_no_call() {
    let test = "darkness_ends_no_call";
    at_once(&[
        &|| darkness(BrowserKind::Chromium, Caller::Page, Side::A, test),
        &|| darkness(BrowserKind::Chromium, Caller::Terminal, Side::B, test),
    ]);
}

#[test]
fn a_path_that_dies_is_replaced() {
    let test = "a_path_that_dies_is_replaced";
    at_once(&[&|| death(Caller::Page, Ways::One, test), &|| {
        death(Caller::Terminal, Ways::Many, test)
    }]);
}

#[test]
fn a_page_that_hears_nothing_makes_another_connection() {
    let test = "a_page_that_hears_nothing_makes_another_connection";
    at_once(&[
        &|| deafness(BrowserKind::Firefox, Caller::Page, Ways::One, test),
        &|| deafness(BrowserKind::Chromium, Caller::Terminal, Ways::One, test),
        // It takes the relay by itself and stays content; the other side does not follow, and is not heard.
        &|| deafness(BrowserKind::Chromium, Caller::Page, Ways::Many, test),
    ]);
}
