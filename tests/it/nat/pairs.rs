//! Some of the thirty-six pairs, other ones in every form of the seed.

use std::time::{Duration, Instant};

use lab::{Family, First, Nat, Outcome, Servers, Side, Talk};
use tests::Dice;

use super::Laboratory;

/// Which pairs are tried; any seed must do.
const SEED: u64 = 3;
/// A call that waits for no server and no time-out is far below this, whatever else the machine does.
const SOON: f64 = 5000.0;

impl Laboratory {
    fn talk(&self, servers: Servers, first: First, words: &[&str]) -> Talk {
        Talk::start(&self.lab, &self.peer, servers, first, [words, words]).unwrap()
    }

    fn put(&mut self, (a, b): (Nat, Nat)) {
        self.lab.set(Side::A, a).unwrap();
        self.lab.set(Side::B, b).unwrap();
    }
}

/// So many pairs of all, with a direct path or without, in the order of the dice.
fn pairs(direct: bool, count: usize) -> Vec<(Nat, Nat)> {
    let mut all: Vec<(Nat, Nat)> = Nat::SIX
        .iter()
        .flat_map(|a| Nat::SIX.map(|b| (*a, b)))
        .filter(|(a, b)| a.allows_direct(*b) == direct)
        .collect();
    let mut dice = Dice::new(SEED);
    (0..count)
        .map(|_| all.swap_remove(dice.roll(all.len())))
        .collect()
}

#[track_caller]
fn connected(talk: &mut Talk, wanted: &str, what: &str) {
    assert_eq!(path(talk, what), wanted, "{what}");
}

/// Of a call that comes about, and keeps its path to its end.
#[track_caller]
fn path(talk: &mut Talk, what: &str) -> String {
    match talk.outcome().unwrap() {
        Outcome::Connected { path, total } => {
            assert!(total < SOON, "{what}: {total} ms");
            talk.hang_up(&path).unwrap();
            path
        }
        failed @ Outcome::Failed { .. } => panic!("{what}: {failed:?}"),
    }
}

#[test]
fn a_direct_path_is_taken_though_a_relay_is_offered() {
    let test = "a_direct_path_is_taken_though_a_relay_is_offered";
    let Some(mut place) = Laboratory::new(test, Family::V4) else {
        return;
    };
    // Where both must open the way at once a relay is ready before the direct path; and one of the others.
    let hard = [
        (Nat::PortRestricted, Nat::PortRestricted),
        (Nat::Symmetric, Nat::AddressRestricted),
    ];
    let mut relayed = Vec::new();
    for (a, b) in hard.into_iter().chain(pairs(true, 1)) {
        place.put((a, b));
        for first in [First::Answer, First::Call] {
            let what = format!("{a} to {b}, {first:?} first");
            let mut talk = place.talk(Servers::Relays, first, &[]);
            if path(&mut talk, &what) != "direct" {
                relayed.push(what);
            }
        }
    }
    // The direct path has half a second, which a process that gets no processor for so long may miss. All of 20 calls of every
    // pair is what `cargo xtask prove nat` asks for.
    assert!(relayed.len() <= 1, "through the relay: {relayed:?}");
}

#[test]
fn where_no_direct_path_is_the_relay_is_taken() {
    let test = "where_no_direct_path_is_the_relay_is_taken";
    let Some(mut place) = Laboratory::new(test, Family::V4) else {
        return;
    };
    for (a, b) in pairs(false, 3) {
        place.put((a, b));
        for first in [First::Answer, First::Call] {
            let mut talk = place.talk(Servers::Relays, first, &[]);
            connected(&mut talk, "relay", &format!("{a} to {b}, {first:?} first"));
        }
    }
}

#[test]
fn without_a_relay_the_impossible_is_said_and_why() {
    let test = "without_a_relay_the_impossible_is_said_and_why";
    let Some(mut place) = Laboratory::new(test, Family::V4) else {
        return;
    };
    for (a, b, cause) in [
        (Nat::Symmetric, Nat::Symmetric, "symmetric"),
        (Nat::PortRestricted, Nat::UdpBlocked, "UDP"),
    ] {
        place.put((a, b));
        let begun = Instant::now();
        let mut talk = place.talk(Servers::Stun, First::Answer, &["--no-relay"]);
        let Outcome::Failed { code, reason } = talk.outcome().unwrap() else {
            panic!("{a} to {b} is impossible");
        };
        assert_eq!(code, 5, "{a} to {b}: {reason}");
        assert!(reason.contains(cause), "{a} to {b}: {reason}");
        // Long before `--timeout`, which is 30 s.
        assert!(begun.elapsed() < Duration::from_secs(25), "{a} to {b}");
    }
    let (a, b) = pairs(true, 1)[0];
    place.put((a, b));
    let mut talk = place.talk(Servers::Stun, First::Call, &["--no-relay"]);
    connected(&mut talk, "direct", &format!("{a} to {b} without a relay"));
}

/// TLS on 443 is all that a strict office lets out; the relay is known by its name and the laboratory's own authority.
#[test]
fn an_office_that_lets_out_only_the_web_is_no_obstacle() {
    let test = "an_office_that_lets_out_only_the_web_is_no_obstacle";
    let Some(mut place) = Laboratory::new(test, Family::V4) else {
        return;
    };
    place.put((Nat::WebOnly, Nat::WebOnly));
    let (url, authority) = (place.lab.turn_tls_443(), place.lab.authority());
    let words = ["--turn", &url, "--turn-user", place.lab.credentials().0];
    let words = [&words[..], &["--ca", authority.to_str().unwrap()]].concat();
    let mut talk = place.talk(Servers::Named, First::Answer, &words);
    connected(&mut talk, "relay", "two offices");
}

#[test]
fn ipv6_alone_and_both_at_once() {
    for family in [Family::V6, Family::Dual] {
        let Some(mut place) = Laboratory::new("ipv6_alone_and_both_at_once", family) else {
            return;
        };
        let mut talk = place.talk(Servers::Relays, First::Answer, &[]);
        connected(&mut talk, "direct", &family.to_string());
        place.put((Nat::PortRestricted, Nat::UdpBlocked));
        let mut talk = place.talk(Servers::Relays, First::Call, &[]);
        connected(&mut talk, "relay", &format!("{family}, UDP blocked"));
    }
}
