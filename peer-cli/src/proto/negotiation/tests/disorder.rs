//! Two machines joined by queues that shuffle, drop, double and delay whatever they carry, while
//! both sides offer and restart when they like. Once the queues behave, and each side has said
//! again what was lost, there is one session: the same pair of descriptions on both sides, and each
//! candidate of the other's description applied once.

use std::collections::VecDeque;

use proptest::prelude::*;
use proptest::sample::Index;
use shared::{Candidate, PeerEvent};

use super::super::{Input, Negotiation, Output, Purpose};
use super::{candidate, sdp};
use crate::proto::sdp::ufrag;

/// Candidates that each description gathers.
const CANDIDATES: usize = 3;

/// Steps within which two machines come to rest.
const PATIENCE: usize = 2000;

#[derive(Clone, Debug)]
enum Action {
    Offer(usize, bool),
    /// One more candidate of ours is found.
    Gather(usize),
    /// To this side, whichever of those on their way.
    Deliver(usize, Index),
    Drop(usize, Index),
    Double(usize, Index),
    /// What is on its way stays there, behind what is said again or before it.
    Reconnect(usize),
    /// What is on its way to this side is lost with its connection.
    Cut(usize),
}

fn action() -> impl Strategy<Value = Action> {
    let side = || 0_usize..2;
    let which = || any::<Index>();
    prop_oneof![
        2 => (side(), any::<bool>()).prop_map(|(side, rebuild)| Action::Offer(side, rebuild)),
        6 => side().prop_map(Action::Gather),
        12 => (side(), which()).prop_map(|(side, which)| Action::Deliver(side, which)),
        2 => (side(), which()).prop_map(|(side, which)| Action::Drop(side, which)),
        2 => (side(), which()).prop_map(|(side, which)| Action::Double(side, which)),
        1 => side().prop_map(Action::Reconnect),
        1 => side().prop_map(Action::Cut),
    ]
}

/// Description names: the offer's, then the answer's.
type Pair = (String, String);

struct Side {
    name: &'static str,
    machine: Negotiation,
    made: usize,
    /// To find: the description and how many are left.
    to_gather: VecDeque<Candidate>,
    /// A restart gathers once it is answered.
    pending: Option<(String, Purpose)>,
    pair: Option<Pair>,
    remote: Option<String>,
    applied: Vec<Candidate>,
    outbox: VecDeque<Input>,
}

fn gathered(name: &str) -> impl Iterator<Item = Candidate> + '_ {
    (0..CANDIDATES).map(move |number| candidate(number, Some(name)))
}

impl Side {
    fn new(name: &'static str, polite: bool) -> Self {
        Self {
            name,
            machine: Negotiation::new(polite),
            made: 0,
            to_gather: VecDeque::new(),
            pending: None,
            pair: None,
            remote: None,
            applied: vec![],
            outbox: VecDeque::new(),
        }
    }

    fn describe(&mut self) -> String {
        self.made += 1;
        format!("{}{}", self.name, self.made)
    }

    fn set_remote(&mut self, name: &str) {
        self.remote = Some(name.to_owned());
        self.applied.clear();
    }

    fn handle(&mut self, input: Input) {
        self.machine.handle(input);
        while let Some(output) = self.machine.poll_output() {
            self.carry_out(output);
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::MakeOffer(purpose) => {
                let name = self.describe();
                if purpose != Purpose::Restart {
                    self.to_gather.extend(gathered(&name));
                }
                self.machine.handle(Input::Described(sdp(&name)));
                self.pending = Some((name, purpose));
            }
            Output::MakeAnswer(offer) => {
                assert!(self.pending.is_none(), "an answer while an offer is out");
                let theirs = ufrag(&offer).unwrap().to_owned();
                let name = self.describe();
                self.set_remote(&theirs);
                self.to_gather.extend(gathered(&name));
                self.machine.handle(Input::Described(sdp(&name)));
                self.pair = Some((theirs, name));
            }
            Output::SetAnswer(answer) => {
                let theirs = ufrag(&answer).unwrap().to_owned();
                let (name, purpose) = self.pending.take().expect("an offer is out");
                self.set_remote(&theirs);
                self.machine.handle(Input::Accepted);
                if purpose == Purpose::Restart {
                    self.to_gather.extend(gathered(&name));
                }
                self.pair = Some((name, theirs));
            }
            Output::Rollback => {
                let withdrawn = self.pending.take().expect("an offer is out");
                self.to_gather
                    .retain(|c| c.username_fragment.as_ref() != Some(&withdrawn.0));
            }
            Output::AddCandidate(candidate) => {
                assert_eq!(
                    candidate.username_fragment, self.remote,
                    "of another generation"
                );
                assert!(!self.applied.contains(&candidate), "{candidate:?} twice");
                self.applied.push(candidate);
            }
            Output::Send { event, generation } => {
                self.outbox.push_back(Input::Remote { event, generation });
            }
            Output::Complain(what) => panic!("{what}"),
            Output::Surplus => panic!("there are but {CANDIDATES}"),
        }
    }

    fn gather(&mut self) {
        if let Some(candidate) = self.to_gather.pop_front() {
            self.handle(Input::Local(candidate));
        }
    }
}

/// `[0]` sends to `[1]` and back.
struct World([Side; 2]);

impl World {
    fn act(&mut self, action: Action) {
        match action {
            Action::Offer(side, rebuild) => {
                let purpose = if rebuild {
                    Purpose::Rebuild
                } else {
                    Purpose::Restart
                };
                self.0[side].handle(Input::Offer(purpose));
            }
            Action::Gather(side) => self.0[side].gather(),
            Action::Deliver(side, which) => self.deliver(side, |len| which.index(len)),
            Action::Drop(side, which) => drop(self.take(side, |len| which.index(len))),
            Action::Double(side, which) => {
                if let Some(frame) = self.take(side, |len| which.index(len)) {
                    let queue = &mut self.0[1 - side].outbox;
                    queue.push_front(frame.clone());
                    queue.push_back(frame);
                }
            }
            Action::Reconnect(side) => self.reconnect(side),
            Action::Cut(side) => self.0[1 - side].outbox.clear(),
        }
    }

    fn take(&mut self, to: usize, which: impl Fn(usize) -> usize) -> Option<Input> {
        let queue = &mut self.0[1 - to].outbox;
        (!queue.is_empty()).then(|| queue.remove(which(queue.len())))?
    }

    fn deliver(&mut self, to: usize, which: impl Fn(usize) -> usize) {
        if let Some(frame) = self.take(to, which) {
            self.0[to].handle(frame);
        }
    }

    /// The one side enters again, the other hears that it came.
    fn reconnect(&mut self, side: usize) {
        self.0[side].handle(Input::Resend);
        self.0[1 - side].handle(Input::Resend);
    }

    /// First come, first served, until nobody has anything to say.
    fn settle(&mut self) {
        for step in 0..PATIENCE {
            let side = step % 2;
            self.0[side].gather();
            self.deliver(side, |_| 0);
            if self
                .0
                .iter()
                .all(|side| side.outbox.is_empty() && side.to_gather.is_empty())
            {
                return;
            }
        }
        panic!("they never come to rest");
    }

    fn check(&self) {
        let [a, b] = &self.0;
        assert!(
            !a.machine.is_offering() && !b.machine.is_offering(),
            "an offer without answer"
        );
        assert!(a.machine.is_agreed() && b.machine.is_agreed());
        assert_eq!(a.pair, b.pair, "two sessions");
        for side in &self.0 {
            let mut applied = side.applied.clone();
            applied.sort_by(|x, y| x.candidate.cmp(&y.candidate));
            let expected: Vec<_> = gathered(side.remote.as_ref().unwrap()).collect();
            assert_eq!(applied, expected, "applied by {}", side.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_there_is_one_session_in_the_end(
        actions in proptest::collection::vec(action(), 0..80),
        first in 0_usize..2,
        last in 0_usize..2,
    ) {
        let mut world = World([Side::new("a", true), Side::new("b", false)]);
        world.0[first].handle(Input::Offer(Purpose::Begin));
        for action in actions {
            world.act(action);
        }
        // The last of what is late, then each says again what may be lost.
        world.settle();
        world.reconnect(last);
        world.settle();
        world.check();
    }

    /// A signaling connection keeps the order of each sender and loses only what was on its way when
    /// it was cut; repeats there are none. Then nothing need be said again that was not cut.
    #[test]
    fn an_orderly_room_needs_no_luck(
        actions in proptest::collection::vec(orderly(), 0..60),
        first in 0_usize..2,
    ) {
        let mut world = World([Side::new("a", true), Side::new("b", false)]);
        world.0[first].handle(Input::Offer(Purpose::Begin));
        for action in actions {
            match action {
                Action::Deliver(side, _) => world.deliver(side, |_| 0),
                Action::Reconnect(side) => {
                    world.act(Action::Cut(side));
                    world.reconnect(side);
                }
                other => world.act(other),
            }
        }
        world.settle();
        world.check();
    }
}

fn orderly() -> impl Strategy<Value = Action> {
    let side = || 0_usize..2;
    let any_index = || any::<Index>();
    prop_oneof![
        2 => (side(), any::<bool>()).prop_map(|(side, rebuild)| Action::Offer(side, rebuild)),
        6 => side().prop_map(Action::Gather),
        12 => (side(), any_index()).prop_map(|(side, which)| Action::Deliver(side, which)),
        1 => side().prop_map(Action::Reconnect),
    ]
}

#[test]
fn a_candidate_is_no_candidate_of_another_description() {
    let mut world = World([Side::new("a", true), Side::new("b", false)]);
    world.0[0].handle(Input::Offer(Purpose::Begin));
    world.settle();
    let stray = candidate(9, Some("a0"));
    world.0[1].handle(Input::Remote {
        event: PeerEvent::Candidate(stray),
        generation: None,
    });
    world.check();
}
