//! A path that is lost for longer: what is told of it, and what ends it.

use std::thread::sleep;
use std::time::Duration;

use lab::{Conversation, Event, Family, First, Nat, Process, Servers, Side, Talk};

use super::Laboratory;

/// Longer than it takes to notice, by far more on a busy machine.
const DARK: Duration = Duration::from_secs(9);
/// For what comes within seconds.
const LIMIT: Duration = Duration::from_secs(60);

const STATS: &[&str] = &["--stats", "500ms"];

/// Packets of sound that came after the path was back; a new connection counts from 0.
fn heard_afterwards(events: &[Event]) -> u64 {
    let back = events.iter().position(|event| event.is("reconnected"));
    let counts: Vec<u64> = events[back.unwrap()..]
        .iter()
        .filter_map(|event| event.value["stats"].as_array())
        .flatten()
        .filter(|object| object["type"] == "inbound-rtp")
        .filter_map(|object| object["packetsReceived"].as_u64())
        .collect();
    counts.windows(2).map(|w| w[1].saturating_sub(w[0])).sum()
}

fn count(events: &[Event], name: &str) -> usize {
    events.iter().filter(|event| event.is(name)).count()
}

#[test]
fn a_long_blackout_is_told_and_so_is_its_end() {
    let test = "a_long_blackout_is_told_and_so_is_its_end";
    let Some(place) = Laboratory::new(test, Family::V4) else {
        return;
    };
    let conversation = Conversation::start(&place.lab, &place.peer, Servers::Stun, STATS).unwrap();
    place.lab.dark(Side::A).unwrap();
    sleep(DARK);
    place.lab.light(Side::A).unwrap();
    let back = std::time::Instant::now();
    sleep(Duration::from_secs(4));
    let report = conversation.end(Some(back)).unwrap();
    for (events, delivery) in report.events.iter().zip(&report.deliveries) {
        assert!(delivery.is_exact(), "{delivery}");
        let course: Vec<&str> = events
            .iter()
            .filter_map(|event| event.value["event"].as_str())
            .filter(|name| ["warning", "reconnecting", "reconnected", "ended"].contains(name))
            .collect();
        assert!(
            course.starts_with(&["warning", "reconnecting"]),
            "{course:?}"
        );
        assert_eq!(count(events, "reconnected"), 1, "{course:?}");
        // Fifty a second; sound that had not moved over would end with the old connection.
        let heard = heard_afterwards(events);
        assert!(heard > 75, "{heard} packets");
        assert_eq!((count(events, "connected"), count(events, "ended")), (1, 1));
        let first = events.iter().find(|event| event.is("reconnecting"));
        assert_eq!(first.unwrap().value["attempt"], 1);
    }
    let signaling = |state: &str| {
        let of_this = |event: &&Event| event.is("signaling") && event.value["state"] == state;
        report.events[0].iter().filter(of_this).count()
    };
    assert_eq!((signaling("lost"), signaling("reconnected")), (1, 1));
}

/// Two that were connected, and have lost their path but not the server.
fn lost(place: &mut Laboratory, words: [&[&str]; 2]) -> Talk {
    let (first, servers) = (First::Answer, Servers::Stun);
    let mut talk = Talk::start(&place.lab, &place.peer, servers, first, words).unwrap();
    talk.outcome().unwrap();
    place.lab.set(Side::A, Nat::UdpBlocked).unwrap();
    for peer in talk.both() {
        peer.wait_for("reconnecting", LIMIT).unwrap();
    }
    talk
}

#[test]
fn who_hangs_up_while_the_path_is_lost_ends_the_call() {
    let test = "who_hangs_up_while_the_path_is_lost_ends_the_call";
    let Some(mut place) = Laboratory::new(test, Family::V4) else {
        return;
    };
    let mut talk = lost(&mut place, [&[], &[]]);
    talk.call.interrupt().unwrap();
    let ended = talk.answer.wait_for("ended", LIMIT).unwrap();
    assert_eq!(ended.value["by"], "remote");
    assert_eq!(talk.answer.finish(LIMIT).unwrap(), 0);
    assert_eq!(talk.call.finish(LIMIT).unwrap(), 130);
}

#[test]
fn a_kept_answerer_outlives_a_caller_that_vanished() {
    let test = "a_kept_answerer_outlives_a_caller_that_vanished";
    let Some(mut place) = Laboratory::new(test, Family::V4) else {
        return;
    };
    let words: [&[&str]; 2] = [&[], &["--keep", "--timeout", "3s"]];
    let mut talk = lost(&mut place, words);
    talk.call.kill().unwrap();
    let ended = talk.answer.wait_for("ended", LIMIT).unwrap();
    assert_eq!(ended.value["by"], "lost");
    place.lab.set(Side::A, Nat::FullCone).unwrap();
    let command = place
        .lab
        .peer(Side::A, &place.peer, Servers::Stun, &["call"]);
    let mut next = Process::start("next", command).unwrap();
    next.wait_for("connected", LIMIT).unwrap();
    talk.answer.wait_for("connected", LIMIT).unwrap();
    next.interrupt().unwrap();
    assert_eq!(next.finish(LIMIT).unwrap(), 130);
}
