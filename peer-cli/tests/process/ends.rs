//! Exit 0: a call ends because somebody, or something, ends it.

use std::time::Duration;

use super::house::House;
use super::peer::{MUTE, Peer};

/// How soon the other side has ended too.
const SOON: Duration = Duration::from_secs(1);

pub(crate) fn call_with(verb: &str, house: &House, more: &[&str]) -> Peer {
    house.start(verb, &[&MUTE, more].concat())
}

/// A caller and an answerer who are connected.
pub(crate) fn pair(house: &House, caller: &[&str], answerer: &[&str]) -> (Peer, Peer) {
    let mut answerer = call_with("answer", house, answerer);
    answerer.wait_for("signaling");
    let mut caller = call_with("call", house, caller);
    caller.wait_for("connected");
    answerer.wait_for("connected");
    (caller, answerer)
}

#[test]
fn duration_ends_the_call_on_both_sides_within_a_second() {
    let house = House::open();
    let (caller, answerer) = pair(&house, &["--duration", "700ms"], &[]);
    let caller = caller.finish().expect_code(0);
    let answerer = answerer.finish().expect_code(0);
    assert!(answerer.at.saturating_duration_since(caller.at) < SOON);
    assert_eq!(caller.one("ended")["by"], "local");
    assert_eq!(answerer.one("ended")["by"], "remote");
    let lasted = caller.one("ended")["summary"]["duration"].as_f64().unwrap();
    assert!((0.7..2.0).contains(&lasted), "{lasted}");
    assert_eq!(caller.reason(), "duration is over");
    assert_eq!(answerer.reason(), "the other side hung up");
}

/// It is gone before its last packets leave, which would have opened the channels of the caller.
#[test]
fn whose_last_packets_are_lost_has_been_in_a_call() {
    let house = House::open();
    let slow = ["--expect", "direct", "--impair", "delay=300ms"];
    let mut answerer = call_with("answer", &house, &slow);
    answerer.wait_for("signaling");
    let caller = call_with("call", &house, &[]).finish().expect_code(0);
    answerer.finish().expect_code(0);
    assert_eq!(caller.one("connected")["path"], "direct");
    assert_eq!(caller.one("ended")["by"], "remote");
}

#[test]
fn the_answerer_may_hang_up_too() {
    let house = House::open();
    let (caller, answerer) = pair(&house, &[], &["--duration", "300ms"]);
    let answerer = answerer.finish().expect_code(0);
    let caller = caller.finish().expect_code(0);
    assert!(caller.at.saturating_duration_since(answerer.at) < SOON);
    assert_eq!(caller.one("ended")["by"], "remote");
}

#[test]
fn the_end_of_input_hangs_up_only_when_asked_to() {
    let house = House::open();
    let (mut caller, mut answerer) = pair(&house, &["--hangup-on-eof"], &[]);
    answerer.end_input();
    caller.type_line("the last words");
    caller.end_input();
    let caller = caller.finish().expect_code(0);
    let answerer = answerer.finish().expect_code(0);
    assert_eq!(caller.reason(), "end of input");
    // It was the caller's end of input, not the answerer's, and the queue was flushed first.
    assert_eq!(answerer.one("ended")["by"], "remote");
    assert_eq!(answerer.one("message")["text"], "the last words");
}

#[test]
fn keep_waits_for_the_next_call() {
    let house = House::open();
    let mut answerer = call_with("answer", &house, &["--keep"]);
    answerer.wait_for("signaling");
    for text in ["first", "second"] {
        let caller = call_with("call", &house, &["-m", text, "--duration", "200ms"]);
        let caller = caller.finish().expect_code(0);
        assert_eq!(caller.all("connected").len(), 1);
        answerer.wait_until("message", |event| event["text"] == text);
    }
    answerer.signal("-TERM");
    let answerer = answerer.finish().expect_code(143);
    assert_eq!(answerer.all("ended").len(), 2);
}

#[test]
fn a_call_outlives_its_server() {
    let house = House::open();
    let (mut caller, mut answerer) = pair(&house, &["--hangup-on-eof"], &[]);
    drop(house);
    caller.wait_until("signaling", |event| event["state"] == "lost");
    answerer.wait_until("signaling", |event| event["state"] == "lost");
    caller.type_line("still here");
    answerer.wait_until("message", |event| event["text"] == "still here");
    caller.end_input();
    caller.finish().expect_code(0);
    let answerer = answerer.finish().expect_code(0);
    assert_eq!(answerer.one("ended")["by"], "remote");
}
