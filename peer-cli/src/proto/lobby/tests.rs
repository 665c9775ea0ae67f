//! Rooms, one event a line.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use shared::{App, Name, PeerId, PeerInfo, Role};

use super::{Glare, Input, Lobby, Options, Output, glare};

fn id(text: &str) -> PeerId {
    PeerId::new(text).unwrap()
}

fn peer(text: &str, role: Option<Role>) -> PeerInfo {
    PeerInfo {
        id: id(text),
        name: role.map(|_| Name::new(format!("name-{text}")).unwrap()),
        role,
        app: role.map(|_| App::Call),
        origin: None,
    }
}

fn lobby(role: Role) -> Lobby {
    Lobby::new(Options {
        role,
        to: None,
        capacity: 1,
    })
}

fn entered(peers: &[PeerInfo]) -> Input {
    Input::Entered {
        me: id("m"),
        peers: peers.to_vec(),
    }
}

fn all(lobby: &mut Lobby) -> Vec<Output> {
    std::iter::from_fn(|| lobby.poll_output()).collect()
}

fn offer(text: &str) -> Vec<Output> {
    vec![Output::Offer(Some(id(text)))]
}

#[test]
fn the_oldest_answerer_is_called_then_the_next_when_it_is_busy() {
    let now = Instant::now();
    let mut room = lobby(Role::Call);
    let answer = Some(Role::Answer);
    room.handle(
        now,
        entered(&[peer("t", None), peer("b", answer), peer("a", answer)]),
    );
    assert_eq!(all(&mut room), offer("b"));
    room.handle(now, Input::Busy(id("b")));
    assert_eq!(all(&mut room), offer("a"));
    room.handle(now, Input::Busy(id("a")));
    assert_eq!(all(&mut room), offer("t"));
    room.handle(now, Input::Busy(id("t")));
    assert_eq!(all(&mut room), [Output::AllBusy(id("t"))]);
}

#[test]
fn the_end_of_the_refused_session_does_not_hide_that_everybody_is_busy() {
    let now = Instant::now();
    let mut room = lobby(Role::Call);
    let (answer, call) = (Some(Role::Answer), Some(Role::Call));
    room.handle(now, entered(&[peer("b", answer), peer("z", call)]));
    assert_eq!(all(&mut room), offer("b"));
    room.handle(now, Input::Started(id("b")));
    room.handle(now, Input::Ended(id("b")));
    room.handle(now, Input::Busy(id("b")));
    assert_eq!(all(&mut room), [Output::AllBusy(id("b"))]);
}

#[test]
fn a_caller_alone_says_so_once_and_calls_who_comes() {
    let now = Instant::now();
    let mut room = lobby(Role::Call);
    room.handle(now, entered(&[]));
    assert_eq!(all(&mut room), [Output::NobodyWaits]);
    room.handle(now, Input::Timeout);
    assert_eq!(all(&mut room), []);
    room.handle(now, Input::Joined(peer("b", Some(Role::Answer))));
    assert_eq!(all(&mut room), offer("b"));
}

#[test]
fn two_callers_wait_a_second_and_the_lower_id_offers() {
    let now = Instant::now();
    let caller = Some(Role::Call);
    let mut room = lobby(Role::Call);
    room.handle(now, entered(&[peer("z", caller), peer("a", caller)]));
    assert_eq!(all(&mut room), [Output::NobodyWaits]);
    let due = room.poll_timeout().unwrap();
    assert_eq!(due, now + Duration::from_secs(1));
    room.handle(due, Input::Timeout);
    assert_eq!(
        all(&mut room),
        offer("z"),
        "never \"a\": it is lower and offers itself"
    );
}

#[test]
fn other_apps_are_not_called() {
    let now = Instant::now();
    let mut room = lobby(Role::Call);
    let mut pipe = peer("p", Some(Role::Answer));
    pipe.app = Some(App::Pipe);
    room.handle(now, entered(&[pipe]));
    assert_eq!(all(&mut room), [Output::NobodyWaits]);
}

#[test]
fn to_is_a_name_or_an_id() {
    let now = Instant::now();
    for to in ["b", "name-b"] {
        let mut room = Lobby::new(Options {
            role: Role::Call,
            to: Some(to.into()),
            capacity: 1,
        });
        let answer = Some(Role::Answer);
        room.handle(now, entered(&[peer("a", answer), peer("b", answer)]));
        assert_eq!(all(&mut room), offer("b"));
    }
}

#[test]
fn an_answerer_never_offers_and_says_when_all_wait() {
    let now = Instant::now();
    let mut room = lobby(Role::Answer);
    room.handle(now, entered(&[peer("a", Some(Role::Answer))]));
    assert_eq!(all(&mut room), [Output::EverybodyWaits]);
    room.handle(now, Input::Joined(peer("c", Some(Role::Call))));
    room.handle(now, Input::Joined(peer("t", None)));
    assert_eq!(all(&mut room), []);
}

#[test]
fn a_full_peer_calls_nobody_and_one_with_room_goes_on() {
    let now = Instant::now();
    let mut room = Lobby::new(Options {
        role: Role::Call,
        to: None,
        capacity: 2,
    });
    room.handle(now, entered(&[peer("a", Some(Role::Answer))]));
    assert_eq!(all(&mut room), offer("a"));
    room.handle(now, Input::Started(id("a")));
    room.handle(now, Input::Joined(peer("b", Some(Role::Answer))));
    assert_eq!(all(&mut room), offer("b"));
    room.handle(now, Input::Started(id("b")));
    assert!(!room.has_room());
    room.handle(now, Input::Joined(peer("c", Some(Role::Answer))));
    assert_eq!(all(&mut room), []);
}

#[test]
fn after_a_reconnect_a_finished_call_is_not_repeated() {
    let now = Instant::now();
    let mut room = lobby(Role::Call);
    let peers = [peer("a", Some(Role::Answer))];
    room.handle(now, entered(&peers));
    all(&mut room);
    room.handle(now, Input::Started(id("a")));
    room.handle(now, entered(&peers));
    room.handle(now, Input::Ended(id("a")));
    assert!(!all(&mut room).contains(&Output::Offer(Some(id("a")))));
}

#[test]
fn a_plain_room_is_offered_to_as_a_whole() {
    let mut room = lobby(Role::Call);
    room.handle(Instant::now(), Input::EnteredPlain);
    assert_eq!(all(&mut room), [Output::Offer(None)]);
    let mut room = lobby(Role::Answer);
    room.handle(Instant::now(), Input::EnteredPlain);
    assert_eq!(all(&mut room), []);
}

#[test]
fn exactly_one_side_yields() {
    assert_eq!(glare(&id("a"), Some(&id("b"))), Glare::Yield);
    assert_eq!(glare(&id("b"), Some(&id("a"))), Glare::Insist);
    assert_eq!(glare(&id("b"), None), Glare::Yield);
}

proptest! {
    #[test]
    fn never_more_offers_than_calls_fit(steps in proptest::collection::vec((0_u8..7, 0_u8..5), 0..100)) {
        let now = Instant::now();
        let mut room = Lobby::new(Options { role: Role::Call, to: None, capacity: 2 });
        let mut held: Vec<PeerId> = vec![];
        let roles = [Some(Role::Answer), Some(Role::Call), None, Some(Role::Either), Some(Role::Unknown)];
        for (kind, who) in steps {
            let who_id = id(&format!("p{who}"));
            match kind {
                0 => room.handle(now, entered(&[peer("p1", Some(Role::Answer))])),
                1 | 2 => room.handle(now, Input::Joined(peer(&format!("p{who}"), roles[usize::from(who)]))),
                3 => room.handle(now, Input::Left(who_id)),
                4 => room.handle(now, Input::Busy(who_id)),
                5 => if let Some(peer) = held.pop() { room.handle(now, Input::Ended(peer)) },
                _ => room.handle(now + Duration::from_secs(2), Input::Timeout),
            }
            while let Some(output) = room.poll_output() {
                if let Output::Offer(Some(peer)) = output {
                    prop_assert!(!held.contains(&peer), "called twice");
                    held.push(peer.clone());
                    room.handle(now, Input::Started(peer));
                }
            }
            prop_assert!(held.len() <= 2);
        }
    }
}
