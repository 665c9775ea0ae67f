//! Exit 130 and 143: goodbye first; the second time at once.

use std::time::Duration;

use super::ends::{call_with, pair};
use super::house::House;
use super::peer::send;

/// How soon the other side has ended too.
const SOON: Duration = Duration::from_secs(1);

#[test]
fn goodbye_is_said_before_the_end() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let house = House::open();
        let (caller, answerer) = pair(&house, &[], &[]);
        caller.signal(signal);
        let caller = caller.finish().expect_code(code);
        let answerer = answerer.finish().expect_code(0);
        assert!(answerer.at.saturating_duration_since(caller.at) < SOON);
        assert_eq!(caller.one("ended")["by"], "local");
        assert_eq!(answerer.one("ended")["by"], "remote");
        assert_eq!(caller.one("warning")["text"], "hanging up");
    }
}

#[test]
fn who_only_waits_can_be_interrupted_too() {
    let house = House::open();
    for verb in ["call", "answer"] {
        let mut peer = call_with(verb, &house, &[]);
        peer.wait_for("signaling");
        peer.signal("-INT");
        let ended = peer.finish().expect_code(130);
        assert!(ended.all("ended").is_empty());
    }
}

#[test]
fn the_second_time_is_at_once() {
    let house = House::open();
    let (mut caller, answerer) = pair(&house, &[], &[]);
    // Nobody confirms the last message, nor the goodbye: hanging up takes its time.
    answerer.signal("-STOP");
    send("-STOP", house.id());
    caller.type_line("nobody reads this");
    caller.signal("-INT");
    caller.wait_until("warning", |event| event["code"] == "hanging-up");
    caller.signal("-INT");
    let caller = caller.finish().expect_code(130);
    // The first time would have waited for the goodbye, and told how the call was.
    assert!(caller.all("ended").is_empty(), "{caller:#?}");
}
