//! A microphone, a speaker and the room between them, in virtual time.
#![allow(clippy::unwrap_used)]

mod acoustics;
mod alone;
mod clocks;
mod echo;

use super::*;
use acoustics::{Acoustics, decibels, power, speech};

/// Echo cancellation alone, what most of these tests are about.
const ECHO: Processing = Processing {
    echo: true,
    noise: false,
    gain: false,
};

#[test]
fn devices_are_processed_and_everything_else_is_sent_as_it_is() {
    let cases = [
        (
            "default",
            "default",
            [true, true, true],
            "microphone and speaker",
        ),
        ("#0", "USB", [true, true, true], "microphone and speaker"),
        (
            "default",
            "null",
            [false, true, true],
            "a microphone, no speaker",
        ),
        (
            "default",
            "off",
            [false, true, true],
            "a microphone, no speaker",
        ),
        ("tone:440", "default", [false; 3], "no microphone"),
        ("file:a.wav", "null", [false; 3], "no microphone"),
        ("off", "default", [false; 3], "no microphone"),
    ];
    for (source, sink, [echo, noise, gain], because) in cases {
        let choice = Choice::of(
            Asked::default(),
            &source.parse().unwrap(),
            &sink.parse().unwrap(),
        );
        let wanted = Processing { echo, noise, gain };
        assert_eq!(choice.processing, wanted, "{source} {sink}");
        assert_eq!(choice.because.to_string(), because, "{source} {sink}");
    }
}

#[test]
fn what_was_asked_for_wins_where_there_is_something_to_do() {
    let all = |wanted: bool| Asked {
        echo: Some(wanted),
        noise: Some(wanted),
        gain: Some(wanted),
    };
    let of = |asked, source: &str, sink: &str| {
        Choice::of(asked, &source.parse().unwrap(), &sink.parse().unwrap())
    };
    let on = of(all(true), "file:a.wav", "null");
    let Processing { echo, noise, gain } = on.processing;
    assert!(echo && noise && gain && on.because == Because::Asked);
    assert!(!of(all(false), "default", "default").processing.is_on());
    assert!(!of(all(true), "off", "null").processing.is_on());
    assert!(!of(all(true), "stdin", "off").processing.echo);
    let partly = Asked {
        noise: Some(false),
        ..Asked::default()
    };
    let Processing { echo, noise, gain } = of(partly, "default", "default").processing;
    assert!(echo && !noise && gain);
}
