//! A call with a tone and numbered messages both ways, while something breaks for a short time.

use std::thread::sleep;
use std::time::{Duration, Instant};

use lab::{Conversation, Family, First, Report, Servers, Side, Talk};
use tests::program;

use super::Laboratory;

/// Between the start and the fault, and after its end.
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_secs(4);
/// Far more than on an idle machine: the proofs hold the real bars.
const SOUND: f64 = 10.0;
const MESSAGES: Duration = Duration::from_secs(15);

/// A conversation in which this happens; it says when the path is whole again.
fn survives(test: &str, happens: impl FnOnce(&mut Laboratory) -> Instant) {
    let Some(mut place) = Laboratory::new(test, Family::V4) else {
        return;
    };
    let conversation = Conversation::start(&place.lab, &place.peer, Servers::Stun, &[]).unwrap();
    sleep(BEFORE);
    let back = happens(&mut place);
    sleep(AFTER);
    let report = conversation.end(Some(back)).unwrap();
    judge(&report);
}

#[track_caller]
fn judge(report: &Report) {
    for delivery in &report.deliveries {
        assert!(delivery.is_exact(), "{delivery}");
        assert!(delivery.sent > 10, "{delivery}");
        assert!(delivery.slowest < MESSAGES, "{delivery:?}");
    }
    for back in report.sound_back {
        assert!(
            back.is_some_and(|seconds| seconds < SOUND),
            "{:?}",
            report.sound_back
        );
    }
}

#[test]
fn a_blackout() {
    survives("a_blackout", |place| {
        place.lab.dark(Side::A).unwrap();
        sleep(Duration::from_secs(4));
        place.lab.light(Side::A).unwrap();
        Instant::now()
    });
}

#[test]
fn another_address() {
    survives("another_address", |place| {
        place.lab.delete_address(Side::B).unwrap();
        sleep(Duration::from_millis(500));
        place.lab.add_address(Side::B).unwrap();
        Instant::now()
    });
}

#[test]
fn a_signaling_server_that_is_killed_and_comes_back() {
    survives(
        "a_signaling_server_that_is_killed_and_comes_back",
        |place| {
            place.server.kill().unwrap();
            sleep(Duration::from_secs(1));
            let server = program("signaling");
            place.server = place.lab.start_signaling(&server, &[]).unwrap();
            Instant::now()
        },
    );
}

#[test]
fn whose_peer_is_killed_waits_and_then_says_that_it_vanished() {
    let test = "whose_peer_is_killed_waits_and_then_says_that_it_vanished";
    let Some(place) = Laboratory::new(test, Family::V4) else {
        return;
    };
    let words: [&[&str]; 2] = [&["--timeout", "3s"]; 2];
    let (first, servers) = (First::Answer, Servers::Stun);
    let mut talk = Talk::start(&place.lab, &place.peer, servers, first, words).unwrap();
    talk.outcome().unwrap();
    talk.answer.kill().unwrap();
    assert_eq!(talk.call.finish(Duration::from_secs(40)).unwrap(), 6);
}
