//! One line of a table is one thing that happens, and what comes of it.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Cause, Input, Options, Output, Purpose, Recovery};

const LIMIT: Duration = Duration::from_secs(30);

fn machine(can_rebuild: bool, leads: bool) -> Recovery {
    let options = Options {
        limit: LIMIT,
        can_rebuild,
        leads,
        seed: 7,
    };
    Recovery::new(options, true)
}

fn attempt(number: u32, purpose: Purpose, cause: Cause) -> Output {
    Output::Attempt {
        number,
        purpose,
        cause,
    }
}

/// At this many milliseconds, this, and what comes of it.
#[track_caller]
fn play(mut machine: Recovery, steps: &[(u64, Input, &[Output])]) -> (Recovery, Instant) {
    let start = Instant::now();
    for (ms, input, expected) in steps {
        machine.handle(start + Duration::from_millis(*ms), *input);
        let outputs: Vec<_> = std::iter::from_fn(|| machine.poll_output()).collect();
        assert_eq!(&outputs, expected, "{input:?} at {ms} ms");
    }
    (machine, start)
}

const SILENCE: Input = Input::Lost(Cause::Silence);

#[test]
fn a_silent_path_is_rebuilt_by_who_called_and_may_come_back_meanwhile() {
    let first = attempt(1, Purpose::Rebuild, Cause::Silence);
    let second = attempt(2, Purpose::Rebuild, Cause::Silence);
    let after = Duration::from_millis(3500);
    play(
        machine(true, true),
        &[
            (0, SILENCE, &[Output::Warn, first]),
            (10, SILENCE, &[]),
            (1900, Input::Timeout, &[]),
            (2400, Input::Timeout, &[second]),
            (3500, Input::Heard, &[Output::Recovered { after }]),
            (3600, Input::Heard, &[]),
            (90_000, Input::Timeout, &[]),
        ],
    );
}

#[test]
fn news_in_flocks_do_not_replace_an_attempt_that_has_only_just_begun() {
    let gone = Input::Lost(Cause::Network);
    let first = attempt(1, Purpose::Restart, Cause::Network);
    let second = attempt(2, Purpose::Restart, Cause::Network);
    let broken = attempt(3, Purpose::Rebuild, Cause::Broken);
    play(
        machine(true, true),
        &[
            (0, gone, &[first]),
            (150, Input::Addresses, &[]),
            (180, gone, &[]),
            (499, Input::Timeout, &[]),
            (500, Input::Timeout, &[second]),
            // What cannot be used any more is not waited for.
            (600, Input::Lost(Cause::Broken), &[broken]),
        ],
    );
}

#[test]
fn who_was_called_lets_the_other_begin() {
    let ours = attempt(1, Purpose::Rebuild, Cause::Silence);
    play(
        machine(true, false),
        &[
            (0, SILENCE, &[Output::Warn]),
            (999, Input::Timeout, &[]),
            (1000, Input::Timeout, &[ours]),
        ],
    );
    let theirs = Output::Joined {
        number: 1,
        cause: Cause::Silence,
    };
    let ours = attempt(2, Purpose::Rebuild, Cause::Silence);
    play(
        machine(true, false),
        &[
            (0, SILENCE, &[Output::Warn]),
            (500, Input::TheirTurn, &[theirs]),
            (2400, Input::Timeout, &[]),
            (2900, Input::Timeout, &[ours]),
        ],
    );
}

#[test]
fn a_changed_network_restarts_at_once_and_is_rebuilt_if_that_does_not_help() {
    let lost = Input::Lost(Cause::Network);
    play(
        machine(true, false),
        &[
            (0, lost, &[attempt(1, Purpose::Restart, Cause::Network)]),
            (100, Input::Failed, &[]),
            (
                800,
                Input::Timeout,
                &[attempt(2, Purpose::Rebuild, Cause::Network)],
            ),
        ],
    );
}

#[test]
fn a_restart_that_nobody_could_hear_of_is_offered_anew() {
    let lost = Input::Lost(Cause::Network);
    let restart = |number| attempt(number, Purpose::Restart, Cause::Network);
    play(
        machine(true, true),
        &[
            (0, lost, &[restart(1)]),
            (300, Input::Signaling(false), &[]),
            (600, Input::Signaling(true), &[restart(2)]),
            (
                4000,
                Input::Timeout,
                &[attempt(3, Purpose::Rebuild, Cause::Network)],
            ),
        ],
    );
}

#[test]
fn without_signaling_one_offer_waits_unless_the_addresses_changed() {
    let (machine, start) = play(
        machine(true, true),
        &[
            (0, Input::Signaling(false), &[]),
            (
                0,
                SILENCE,
                &[Output::Warn, attempt(1, Purpose::Rebuild, Cause::Silence)],
            ),
            (9000, Input::Timeout, &[]),
            (
                9000,
                Input::Addresses,
                &[attempt(2, Purpose::Rebuild, Cause::Silence)],
            ),
        ],
    );
    assert_eq!(machine.poll_timeout(), Some(start + LIMIT));
    play(
        machine,
        &[
            (11_000, Input::Timeout, &[]),
            (
                12_000,
                Input::Signaling(true),
                &[attempt(3, Purpose::Rebuild, Cause::Silence)],
            ),
        ],
    );
}

#[test]
fn an_attempt_has_its_time_once_the_other_side_can_hear_of_it() {
    let second = attempt(2, Purpose::Rebuild, Cause::Silence);
    play(
        machine(true, true),
        &[
            (
                0,
                SILENCE,
                &[Output::Warn, attempt(1, Purpose::Rebuild, Cause::Silence)],
            ),
            (1900, Input::Arrived, &[]),
            (4200, Input::Timeout, &[]),
            (4600, Input::Timeout, &[second]),
        ],
    );
}

#[test]
fn a_page_is_restarted_and_never_rebuilt() {
    let first = attempt(1, Purpose::Restart, Cause::Silence);
    let second = attempt(2, Purpose::Restart, Cause::Silence);
    play(
        machine(false, true),
        &[
            (0, SILENCE, &[Output::Warn, first]),
            (2500, Input::Timeout, &[second]),
            (2600, Input::Lost(Cause::Broken), &[Output::GiveUp]),
        ],
    );
}

#[test]
fn a_broken_connection_is_rebuilt_at_once() {
    let first = attempt(1, Purpose::Rebuild, Cause::Silence);
    let second = attempt(2, Purpose::Rebuild, Cause::Broken);
    play(
        machine(true, true),
        &[
            (0, SILENCE, &[Output::Warn, first]),
            (100, Input::Lost(Cause::Broken), &[second]),
        ],
    );
}

#[test]
fn in_the_end_the_peer_has_vanished() {
    let first = attempt(1, Purpose::Rebuild, Cause::Silence);
    play(
        machine(true, true),
        &[
            (0, SILENCE, &[Output::Warn, first]),
            (0, Input::Signaling(false), &[]),
            (29_999, Input::Timeout, &[]),
            (30_000, Input::Timeout, &[Output::GiveUp]),
            (60_000, Input::Timeout, &[]),
        ],
    );
}

#[test]
fn attempts_come_ever_more_slowly() {
    let mut machine = machine(true, true);
    let start = Instant::now();
    machine.handle(start, SILENCE);
    let mut at = vec![start];
    while let Some(due) = machine.poll_timeout().filter(|due| *due < start + LIMIT) {
        machine.handle(due, Input::Timeout);
        at.push(due);
    }
    let waits: Vec<f64> = at.windows(2).map(|w| (w[1] - w[0]).as_secs_f64()).collect();
    assert!((5..=8).contains(&waits.len()), "{waits:?}");
    assert!(waits.first() < waits.last(), "{waits:?}");
}

proptest! {
    /// Whatever happens, an outage ends in time: the path is heard, or the peer given up.
    #[test]
    fn no_outage_is_forgotten(inputs in proptest::collection::vec((0_u8..9, 0_u64..3000), 0..60)) {
        let mut machine = machine(true, true);
        let mut now = Instant::now();
        for (kind, ms) in inputs {
            now += Duration::from_millis(ms);
            machine.handle(now, match kind {
                0 => SILENCE,
                1 => Input::Lost(Cause::Broken),
                2 => Input::Lost(Cause::Network),
                3 => Input::Failed,
                4 => Input::TheirTurn,
                5 => Input::Addresses,
                6 => Input::Signaling(true),
                7 => Input::Signaling(false),
                _ => Input::Timeout,
            });
        }
        let start = now;
        while let Some(due) = machine.poll_timeout() {
            prop_assert!(due > now || now == start, "time stands still");
            now = due.max(now);
            machine.handle(now, Input::Timeout);
        }
        prop_assert!(now <= start + LIMIT && !machine.is_lost());
    }
}
