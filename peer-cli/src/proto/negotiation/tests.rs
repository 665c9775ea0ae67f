//! Tables for the negotiation machine; random orders are in [`disorder`], too many candidates in
//! [`surplus`].
#![allow(clippy::unwrap_used)]

mod disorder;
mod surplus;

use proptest::prelude::*;
use shared::{Candidate, Description, PeerEvent, SdpType};

use super::{Input, MAX_CHAIN, MAX_REMOTE, MAX_WAITING, Negotiation, Output, Purpose};

fn sdp(name: &str) -> String {
    format!("v=0\r\no=- {name} 1 IN IP4 0.0.0.0\r\na=ice-ufrag:{name}\r\n")
}

fn offer(name: &str) -> PeerEvent {
    let kind = SdpType::Offer;
    let sdp = sdp(name);
    PeerEvent::Offer(Description { kind, sdp })
}

fn answer(name: &str) -> PeerEvent {
    let kind = SdpType::Answer;
    let sdp = sdp(name);
    PeerEvent::Answer(Description { kind, sdp })
}

fn candidate(number: usize, ufrag: Option<&str>) -> Candidate {
    Candidate {
        candidate: format!("candidate:{number} 1 udp 1 192.0.2.1 {number} typ host"),
        sdp_mid: None,
        sdp_m_line_index: Some(0),
        username_fragment: ufrag.map(str::to_owned),
    }
}

/// From a peer that numbers its offers.
fn numbered(event: PeerEvent, generation: u64) -> Input {
    Input::Remote {
        event,
        generation: Some(generation),
    }
}

/// From a page that numbers nothing.
fn bare(event: PeerEvent) -> Input {
    Input::Remote {
        event,
        generation: None,
    }
}

fn send(event: PeerEvent, generation: impl Into<Option<u64>>) -> Output {
    Output::Send {
        event,
        generation: generation.into(),
    }
}

fn all(machine: &mut Negotiation) -> Vec<Output> {
    std::iter::from_fn(|| machine.poll_output()).collect()
}

/// Each input, with what comes of it.
#[track_caller]
fn play(machine: &mut Negotiation, steps: Vec<(Input, Vec<Output>)>) {
    for (step, (input, expected)) in steps.into_iter().enumerate() {
        machine.handle(input.clone());
        assert_eq!(all(machine), expected, "step {step}: {input:?}");
    }
}

/// A machine that has answered `b`, number 1, with `a`.
fn answered(polite: bool) -> Negotiation {
    let mut machine = Negotiation::new(polite);
    machine.handle(numbered(offer("b"), 1));
    machine.handle(Input::Described(sdp("a")));
    all(&mut machine);
    machine
}

#[test]
fn the_offerers_candidates_follow_its_offer_and_theirs_wait_for_the_answer() {
    let mut machine = Negotiation::new(true);
    let sent = |number| send(PeerEvent::Candidate(candidate(number, Some("a"))), None);
    let theirs = || candidate(2, Some("b"));
    play(
        &mut machine,
        vec![
            (
                Input::Offer(Purpose::Begin),
                vec![Output::MakeOffer(Purpose::Begin)],
            ),
            (Input::Local(candidate(1, None)), vec![]),
            (bare(PeerEvent::Candidate(theirs())), vec![]),
            (
                Input::Described(sdp("a")),
                vec![send(offer("a"), 1), sent(1)],
            ),
            (numbered(answer("b"), 1), vec![Output::SetAnswer(sdp("b"))]),
            (Input::Accepted, vec![Output::AddCandidate(theirs())]),
            (bare(PeerEvent::Candidate(theirs())), vec![]),
        ],
    );
    machine.handle(Input::LocalEnd(None));
    let end = PeerEvent::CandidatesEnd {
        username_fragment: Some("a".into()),
    };
    assert_eq!(all(&mut machine), [send(end, None)]);
    assert!(machine.is_agreed() && !machine.is_offering());
}

#[test]
fn early_candidates_wait_for_the_offer_also_where_they_name_no_generation() {
    let mut machine = Negotiation::new(true);
    play(
        &mut machine,
        vec![
            (bare(PeerEvent::Candidate(candidate(1, None))), vec![]),
            (bare(offer("b")), vec![Output::MakeAnswer(sdp("b"))]),
            (
                Input::Described(sdp("a")),
                vec![
                    send(answer("a"), None),
                    Output::AddCandidate(candidate(1, None)),
                ],
            ),
        ],
    );
}

#[test]
fn a_repeated_offer_hears_the_answer_again_and_a_new_one_renegotiates() {
    let mut machine = answered(true);
    machine.handle(Input::Local(candidate(1, None)));
    let ours = send(PeerEvent::Candidate(candidate(1, Some("a"))), None);
    assert_eq!(all(&mut machine), std::slice::from_ref(&ours));
    let again = vec![send(answer("a"), 1), ours];
    play(
        &mut machine,
        vec![
            (numbered(offer("b"), 1), again),
            (numbered(offer("older"), 0), vec![]),
            (numbered(offer("c"), 2), vec![Output::MakeAnswer(sdp("c"))]),
        ],
    );
}

#[test]
fn without_numbers_the_version_tells_a_repeat() {
    let mut machine = Negotiation::new(true);
    machine.handle(bare(offer("b")));
    machine.handle(Input::Described(sdp("a")));
    all(&mut machine);
    let newer = sdp("b").replace("b 1 IN", "b 2 IN");
    let event = PeerEvent::Offer(Description {
        kind: SdpType::Offer,
        sdp: newer.clone(),
    });
    play(
        &mut machine,
        vec![
            (bare(offer("b")), vec![send(answer("a"), None)]),
            (bare(event), vec![Output::MakeAnswer(newer)]),
        ],
    );
}

#[test]
fn a_second_answer_is_complained_about_once_and_a_repeated_one_never() {
    let mut machine = Negotiation::new(true);
    machine.handle(Input::Offer(Purpose::Begin));
    machine.handle(Input::Described(sdp("a")));
    machine.handle(bare(answer("b")));
    machine.handle(Input::Accepted);
    all(&mut machine);
    let complaint = Output::Complain("a second answer was ignored");
    play(
        &mut machine,
        vec![
            (bare(answer("b")), vec![]),
            (numbered(answer("x"), 7), vec![]),
            (bare(answer("c")), vec![complaint]),
            (bare(answer("c")), vec![]),
        ],
    );
}

#[test]
fn a_refused_answer_leaves_room_for_a_good_one() {
    let mut machine = Negotiation::new(true);
    machine.handle(Input::Offer(Purpose::Begin));
    machine.handle(Input::Described(sdp("a")));
    machine.handle(bare(answer("bad")));
    machine.handle(Input::Refused);
    all(&mut machine);
    machine.handle(bare(answer("good")));
    assert_eq!(all(&mut machine), [Output::SetAnswer(sdp("good"))]);
}

#[test]
fn candidates_of_a_refused_offer_are_dropped_in_silence() {
    let mut machine = Negotiation::new(true);
    for ufrag in [Some("b"), None, Some("c")] {
        machine.handle(bare(PeerEvent::Candidate(candidate(1, ufrag))));
    }
    machine.handle(bare(offer("b")));
    machine.handle(Input::Refused);
    all(&mut machine);
    machine.handle(bare(offer("c")));
    machine.handle(Input::Described(sdp("a")));
    let applied = Output::AddCandidate(candidate(1, Some("c")));
    let outputs = all(&mut machine);
    assert_eq!(outputs[2..], [applied], "{outputs:?}");
}

#[test]
fn the_polite_side_makes_way_and_the_other_insists() {
    for polite in [true, false] {
        let mut machine = answered(polite);
        machine.handle(Input::Offer(Purpose::Restart));
        machine.handle(Input::Described(sdp("a2")));
        all(&mut machine);
        machine.handle(numbered(offer("b2"), 2));
        if polite {
            let made_way = [Output::Rollback, Output::MakeAnswer(sdp("b2"))];
            assert_eq!(all(&mut machine), made_way);
        } else {
            assert_eq!(all(&mut machine), []);
            machine.handle(numbered(answer("b3"), 1));
            assert_eq!(all(&mut machine), [Output::SetAnswer(sdp("b3"))]);
        }
    }
}

#[test]
fn an_answer_to_an_offer_that_was_replaced_is_ignored() {
    let mut machine = answered(true);
    machine.handle(Input::Offer(Purpose::Restart));
    machine.handle(Input::Described(sdp("a2")));
    all(&mut machine);
    let replaced = vec![Output::Rollback, Output::MakeOffer(Purpose::Rebuild)];
    play(
        &mut machine,
        vec![
            (Input::Offer(Purpose::Rebuild), replaced),
            (Input::Described(sdp("a3")), vec![send(offer("a3"), 2)]),
            (numbered(answer("b2"), 1), vec![]),
            (
                numbered(answer("b3"), 2),
                vec![Output::SetAnswer(sdp("b3"))],
            ),
        ],
    );
}

#[test]
fn after_a_reconnect_what_is_unanswered_is_sent_again() {
    let mut machine = answered(true);
    machine.handle(Input::Local(candidate(1, None)));
    all(&mut machine);
    machine.handle(Input::Resend);
    let ours = |ufrag| send(PeerEvent::Candidate(candidate(1, Some(ufrag))), None);
    assert_eq!(all(&mut machine), [send(answer("a"), 1), ours("a")]);
    machine.handle(Input::Offer(Purpose::Rebuild));
    machine.handle(Input::Described(sdp("a2")));
    machine.handle(Input::Local(candidate(1, None)));
    all(&mut machine);
    machine.handle(Input::Resend);
    let both = [send(answer("a"), 1), send(offer("a2"), 1), ours("a2")];
    assert_eq!(all(&mut machine), both);
}

#[test]
fn candidates_of_another_generation_are_not_applied_and_ours_not_sent() {
    let mut machine = answered(true);
    let theirs = |ufrag| bare(PeerEvent::Candidate(candidate(1, Some(ufrag))));
    play(
        &mut machine,
        vec![
            (theirs("old"), vec![]),
            (
                theirs("b"),
                vec![Output::AddCandidate(candidate(1, Some("b")))],
            ),
            (Input::Local(candidate(1, Some("old"))), vec![]),
        ],
    );
}

#[test]
fn floods_are_bounded() {
    let mut machine = answered(true);
    for number in 0..10 * MAX_WAITING {
        let waits = candidate(number, Some("unknown"));
        machine.handle(bare(PeerEvent::Candidate(waits)));
        machine.handle(bare(PeerEvent::Candidate(candidate(number, None))));
    }
    let outputs = all(&mut machine);
    assert_eq!(outputs.len(), MAX_REMOTE + 1, "and one word about it");
    assert_eq!(outputs.last(), Some(&Output::Surplus));
    assert_eq!(machine.remote.waiting.len(), MAX_WAITING);
    machine.handle(Input::Offer(Purpose::Begin));
    for number in 0..10 * MAX_WAITING {
        machine.handle(Input::Local(candidate(number, None)));
    }
    assert_eq!(machine.chain.len(), MAX_CHAIN);
    let mut undescribed = Negotiation::new(true);
    for number in 0..10 * MAX_WAITING {
        undescribed.handle(Input::Local(candidate(number, None)));
    }
    assert_eq!(undescribed.local.waiting.len(), MAX_WAITING);
}

proptest! {
    #[test]
    fn nothing_panics(inputs in proptest::collection::vec(0_u8..14, 0..200), polite: bool) {
        let mut machine = Negotiation::new(polite);
        for kind in inputs {
            machine.handle(match kind {
                0 => Input::Offer(Purpose::Restart),
                1 => Input::Described(sdp("a")),
                2 => Input::Accepted,
                3 => Input::Refused,
                4 => bare(offer("b")),
                5 => bare(answer("b")),
                6 => bare(PeerEvent::Candidate(candidate(1, None))),
                7 => Input::Local(candidate(2, None)),
                8 => Input::Resend,
                9 => numbered(offer("c"), 2),
                10 => numbered(answer("c"), 1),
                11 => bare(PeerEvent::Candidate(candidate(1, Some("c")))),
                12 => Input::Described("not even a description".into()),
                _ => Input::LocalEnd(None),
            });
            while machine.poll_output().is_some() {}
            prop_assert!(machine.remote.waiting.len() <= MAX_WAITING);
        }
    }
}
