//! Tables and random orders for the negotiation machine.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use shared::{Candidate, Description, PeerEvent, SdpType};

use super::{Input, MAX_WAITING, Negotiation, Output};

fn sdp(name: &str) -> String {
    format!("v=0\r\no=- {name} 1 IN IP4 0.0.0.0\r\na=ice-ufrag:{name}\r\n")
}

fn offer(name: &str) -> PeerEvent {
    PeerEvent::Offer(Description {
        kind: SdpType::Offer,
        sdp: sdp(name),
    })
}

fn answer(name: &str) -> PeerEvent {
    PeerEvent::Answer(Description {
        kind: SdpType::Answer,
        sdp: sdp(name),
    })
}

fn candidate(number: usize) -> Candidate {
    Candidate {
        candidate: format!("candidate:{number} 1 udp 1 192.0.2.1 {number} typ host"),
        sdp_mid: None,
        sdp_m_line_index: Some(0),
        username_fragment: None,
    }
}

fn all(machine: &mut Negotiation) -> Vec<Output> {
    std::iter::from_fn(|| machine.poll_output()).collect()
}

#[test]
fn the_offerers_candidates_follow_its_offer_and_theirs_wait_for_the_answer() {
    let mut machine = Negotiation::new();
    machine.handle(Input::Start);
    assert_eq!(all(&mut machine), [Output::MakeOffer]);
    machine.handle(Input::Local(candidate(1)));
    machine.handle(Input::Remote(PeerEvent::Candidate(candidate(2))));
    assert_eq!(all(&mut machine), []);
    machine.handle(Input::Described(sdp("a")));
    assert_eq!(
        all(&mut machine),
        [
            Output::Send(offer("a")),
            Output::Send(PeerEvent::Candidate(candidate(1)))
        ]
    );
    machine.handle(Input::Remote(answer("b")));
    assert_eq!(all(&mut machine), [Output::SetAnswer(sdp("b"))]);
    machine.handle(Input::Accepted);
    assert_eq!(all(&mut machine), [Output::AddCandidate(candidate(2))]);
    machine.handle(Input::LocalEnd);
    let end = PeerEvent::CandidatesEnd {
        username_fragment: Some("a".into()),
    };
    assert_eq!(all(&mut machine), [Output::Send(end)]);
    assert!(machine.is_stable());
}

#[test]
fn early_candidates_wait_for_the_offer() {
    let mut machine = Negotiation::new();
    machine.handle(Input::Remote(PeerEvent::Candidate(candidate(1))));
    machine.handle(Input::Remote(offer("b")));
    assert_eq!(all(&mut machine), [Output::MakeAnswer(sdp("b"))]);
    machine.handle(Input::Described(sdp("a")));
    assert_eq!(
        all(&mut machine),
        [
            Output::Send(answer("a")),
            Output::AddCandidate(candidate(1))
        ]
    );
}

#[test]
fn a_repeated_offer_is_ignored_and_a_new_version_renegotiates() {
    let mut machine = Negotiation::new();
    machine.handle(Input::Remote(offer("b")));
    machine.handle(Input::Described(sdp("a")));
    all(&mut machine);
    machine.handle(Input::Remote(offer("b")));
    assert_eq!(all(&mut machine), []);
    let mut again = sdp("b");
    again = again.replace("b 1 IN", "b 2 IN");
    machine.handle(Input::Remote(PeerEvent::Offer(Description {
        kind: SdpType::Offer,
        sdp: again.clone(),
    })));
    assert_eq!(all(&mut machine), [Output::MakeAnswer(again)]);
}

#[test]
fn a_second_answer_is_complained_about_once() {
    let mut machine = Negotiation::new();
    machine.handle(Input::Start);
    machine.handle(Input::Described(sdp("a")));
    machine.handle(Input::Remote(answer("b")));
    machine.handle(Input::Accepted);
    all(&mut machine);
    for _ in 0..3 {
        machine.handle(Input::Remote(answer("c")));
    }
    assert_eq!(
        all(&mut machine),
        [Output::Complain("a second answer was ignored")]
    );
}

#[test]
fn a_refused_answer_leaves_room_for_a_good_one() {
    let mut machine = Negotiation::new();
    machine.handle(Input::Start);
    machine.handle(Input::Described(sdp("a")));
    machine.handle(Input::Remote(answer("bad")));
    machine.handle(Input::Refused);
    all(&mut machine);
    machine.handle(Input::Remote(answer("good")));
    assert_eq!(all(&mut machine), [Output::SetAnswer(sdp("good"))]);
}

#[test]
fn a_flood_of_candidates_is_bounded() {
    let mut machine = Negotiation::new();
    for number in 0..10 * MAX_WAITING {
        machine.handle(Input::Remote(PeerEvent::Candidate(candidate(number))));
        machine.handle(Input::Local(candidate(number)));
    }
    assert_eq!(all(&mut machine).len(), 1, "one complaint");
    assert_eq!(machine.remote.len(), MAX_WAITING);
    assert_eq!(machine.local.len(), MAX_WAITING);
}

/// Two machines joined by queues that deliver in any interleaving always end in one stable session
/// with every candidate applied once, in order, after its description.
fn joined(order: &[bool], candidates: usize) -> (Side, Side) {
    let (mut a, mut b) = (Side::new("a"), Side::new("b"));
    a.machine.handle(Input::Start);
    let mut turns = order.iter().copied().cycle();
    for number in 0..candidates {
        a.to_gather.push(candidate(number));
        b.to_gather.push(candidate(1000 + number));
    }
    for _ in 0..50 * (candidates + 4) {
        let (from, to) = if turns.next().unwrap() {
            (&mut a, &mut b)
        } else {
            (&mut b, &mut a)
        };
        from.step();
        if !from.outbox.is_empty() {
            to.machine.handle(Input::Remote(from.outbox.remove(0)));
        }
        to.step();
    }
    (a, b)
}

struct Side {
    name: &'static str,
    machine: Negotiation,
    to_gather: Vec<Candidate>,
    outbox: Vec<PeerEvent>,
    applied: Vec<Candidate>,
    remote_set: bool,
}

impl Side {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            machine: Negotiation::new(),
            to_gather: vec![],
            outbox: vec![],
            applied: vec![],
            remote_set: false,
        }
    }

    fn step(&mut self) {
        if !self.to_gather.is_empty() {
            let next = self.to_gather.remove(0);
            self.machine.handle(Input::Local(next));
        }
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::MakeOffer => self.machine.handle(Input::Described(sdp(self.name))),
                Output::MakeAnswer(_) => {
                    self.remote_set = true;
                    self.machine.handle(Input::Described(sdp(self.name)));
                }
                Output::SetAnswer(_) => {
                    self.remote_set = true;
                    self.machine.handle(Input::Accepted);
                }
                Output::AddCandidate(candidate) => {
                    assert!(self.remote_set, "a candidate before its description");
                    self.applied.push(candidate);
                }
                Output::Send(event) => self.outbox.push(event),
                Output::Complain(what) => panic!("{what}"),
            }
        }
    }
}

proptest! {
    #[test]
    fn any_interleaving_ends_stable(mut order in proptest::collection::vec(any::<bool>(), 4..64), candidates in 0_usize..12) {
        // Both sides get their turn some time.
        order.extend([true, false]);
        let (a, b) = joined(&order, candidates);
        prop_assert!(a.machine.is_stable() && b.machine.is_stable());
        let numbers = |first: usize| (first..first + candidates).map(candidate).collect::<Vec<_>>();
        prop_assert_eq!(a.applied, numbers(1000));
        prop_assert_eq!(b.applied, numbers(0));
    }

    #[test]
    fn nothing_panics(inputs in proptest::collection::vec(0_u8..9, 0..200)) {
        let mut machine = Negotiation::new();
        for kind in inputs {
            machine.handle(match kind {
                0 => Input::Start,
                1 => Input::Described(sdp("a")),
                2 => Input::Accepted,
                3 => Input::Refused,
                4 => Input::Remote(offer("b")),
                5 => Input::Remote(answer("b")),
                6 => Input::Remote(PeerEvent::Candidate(candidate(1))),
                7 => Input::Local(candidate(2)),
                _ => Input::LocalEnd,
            });
            while machine.poll_output().is_some() {}
            prop_assert!(machine.remote.len() <= MAX_WAITING);
        }
    }
}
