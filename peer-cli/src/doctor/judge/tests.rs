#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::super::facts::{Device, Heard, Signaling, Stun};
use super::super::findings;
use super::super::nat::Measured;
use super::*;
use crate::audio::{AudioError, DeviceKind};
use crate::event::{Event, SignalingMode};
use crate::exit::Failure;
use crate::net::{DialError, TlsProblem};
use crate::rtc::probe::{Allocation, BindingFacts};

const MS: Duration = Duration::from_millis(1);

fn refused(code: u16) -> ProbeError {
    ProbeError::Refused {
        code,
        reason: "No".to_owned(),
    }
}

fn stun(host: &str, error: Option<ProbeError>) -> Stun {
    let facts = BindingFacts {
        server: "203.0.113.1:3478".parse().unwrap(),
        local: "192.168.1.10:5000".parse().unwrap(),
        mapped: "203.0.113.11:5000".parse().unwrap(),
        other: None,
        round_trip: MS,
    };
    Stun {
        url: format!("stun:{host}:3478"),
        host: host.to_owned(),
        result: error.map_or(Ok(facts), Err),
    }
}

fn allocation(echo: Result<Duration, ProbeError>) -> Allocation {
    Allocation {
        relayed: "203.0.113.1:49160".parse().unwrap(),
        mapped: None,
        round_trip: MS,
        echo,
    }
}

/// `udp`, or `tls` for anything over a stream.
fn turn(scheme: &str, result: Result<Allocation, ProbeError>) -> Turn {
    Turn {
        url: format!("{scheme}:t:1"),
        host: "t".to_owned(),
        udp: scheme == "udp",
        user: "u".to_owned(),
        offered: false,
        result,
    }
}

fn works(scheme: &str) -> Turn {
    turn(scheme, Ok(allocation(Ok(MS))))
}

fn signaling(host: &str, failure: Option<Failure>) -> Signaling {
    let ok = (SignalingMode::PeerV1, MS);
    Signaling {
        url: format!("ws://{host}/socket"),
        host: host.to_owned(),
        result: failure.map_or(Ok(ok), Err),
        unreadable: vec![],
    }
}

fn symmetric() -> Measured {
    let mapped = |port| Some(format!("203.0.113.11:{port}").parse().unwrap());
    Measured {
        first: mapped(1),
        other_address: mapped(2),
        ..Measured::default()
    }
}

fn device(kind: DeviceKind, named: bool, result: Result<Heard, AudioError>) -> Device {
    Device {
        kind,
        named,
        result,
    }
}

fn heard(peak: f32) -> Heard {
    Heard {
        name: "\"USB\"".to_owned(),
        took: MS,
        peak: Some(peak),
    }
}

/// A machine where all is well; what a case changes, it changes.
fn well(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = Facts {
        signaling: Some(signaling("s", None)),
        stun: vec![stun("a", None), stun("b", None)],
        ..Facts::default()
    };
    change(&mut facts);
    facts
}

#[track_caller]
fn is_judged(facts: &Facts, exit: Exit, codes: &[&str], words: &[&str]) {
    let verdict = facts.judge();
    let Event::Verdict {
        ok,
        codes: told,
        text,
    } = findings::of_verdict(facts, &verdict)
    else {
        panic!("no verdict");
    };
    assert_eq!((verdict.exit, told.as_slice()), (exit, codes), "{text}");
    assert_eq!(ok, exit == Exit::Done);
    for words in words {
        assert!(text.contains(words), "no {words:?} in: {text}");
    }
    // Lines and verdict agree: nothing fails in silence, nothing fails that is not missed.
    let failed = findings::of_network(facts)
        .iter()
        .any(|finding| !finding.ok);
    assert!(
        !failed || exit != Exit::Done,
        "a failed line, and all is well: {text}"
    );
}

#[test]
fn all_is_well() {
    is_judged(
        &well(|_| {}),
        Exit::Done,
        &[],
        &["there is no relay for where there is none."],
    );
    is_judged(
        &well(|facts| facts.turn = vec![works("udp")]),
        Exit::Done,
        &[],
        &["and a relay where"],
    );
    is_judged(
        &Facts::default(),
        Exit::Done,
        &[],
        &["no STUN or TURN server was asked"],
    );
}

#[test]
fn signaling_comes_first() {
    let failure = Failure::new(
        Exit::Signaling,
        "cannot reach ws://s/socket: connection refused",
    )
    .hint("is it running?");
    let facts = well(|facts| {
        facts.signaling = Some(signaling("s", Some(failure)));
        facts.turn = vec![turn("udp", Err(refused(401)))];
    });
    is_judged(
        &facts,
        Exit::Signaling,
        &["signaling", "turn-credentials"],
        &["connection refused (is it running?)"],
    );
    let facts = well(|facts| {
        facts.signaling.as_mut().unwrap().unreadable = vec!["\"x:\" is not".to_owned()]
    });
    is_judged(
        &facts,
        Exit::Done,
        &["offer-unreadable"],
        &["The signaling server offers \"x:\" is not"],
    );
}

#[test]
fn udp_is_blocked_or_servers_are_dead() {
    let silent = || Some(ProbeError::NoReply);
    let all_silent =
        |facts: &mut Facts| facts.stun = vec![stun("a", silent()), stun("b", silent())];
    is_judged(
        &well(all_silent),
        Exit::NoPath,
        &["udp-blocked"],
        &["UDP is blocked here: calls need a relay over TCP or TLS (--turn turns:HOST:443)."],
    );
    // One server, and it is there: over TCP.
    let facts = well(|facts| facts.stun = vec![stun("S", silent())]);
    is_judged(&facts, Exit::NoPath, &["udp-blocked"], &[]);
    // One server, and nothing else is known of it.
    let facts = well(|facts| facts.stun = vec![stun("x", silent())]);
    is_judged(
        &facts,
        Exit::NoPath,
        &["udp-silent"],
        &["No reply from stun:x:3478, the only server asked"],
    );
    // A relay over a stream makes up for it, and the one over UDP is not told again.
    let facts = well(|facts| {
        all_silent(facts);
        facts.turn = vec![turn("udp", Err(ProbeError::NoReply)), works("tls")];
    });
    is_judged(
        &facts,
        Exit::Done,
        &["udp-blocked"],
        &["UDP is blocked here: calls go through tls:t:1."],
    );
    // One of two is dead: nobody misses it.
    let facts = well(|facts| facts.stun[0] = stun("a", silent()));
    is_judged(&facts, Exit::Done, &[], &[]);
    // Both are closed: UDP goes out, and comes back as ICMP.
    let closed = || Some(ProbeError::Closed);
    let facts = well(|facts| facts.stun = vec![stun("a", closed()), stun("b", closed())]);
    is_judged(
        &facts,
        Exit::Expectation,
        &["stun"],
        &["No STUN server answers"],
    );
    let facts = well(|facts| {
        facts.stun = vec![stun("a", closed())];
        facts.turn = vec![works("udp")];
    });
    is_judged(&facts, Exit::Done, &["stun"], &["go through the relay"]);
}

#[test]
fn there_is_no_network() {
    let unknown = || Some(ProbeError::Unresolved("no such name".to_owned()));
    let facts = well(|facts| facts.stun = vec![stun("a", unknown()), stun("b", unknown())]);
    is_judged(
        &facts,
        Exit::NoPath,
        &["no-network"],
        &["stun:a:3478: no such name", "is this machine connected?"],
    );
    let facts = well(|facts| {
        facts.stun = vec![stun("a", unknown())];
        facts.turn = vec![works("tls")];
    });
    is_judged(
        &facts,
        Exit::Done,
        &["stun"],
        &["calls to other networks go through tls:t:1"],
    );
}

#[test]
fn a_symmetric_nat_needs_a_relay() {
    let facts = well(|facts| facts.nat = Some(symmetric()));
    is_judged(
        &facts,
        Exit::Done,
        &["nat-symmetric"],
        &["Your NAT is symmetric", "need a relay (--turn)"],
    );
    let facts = well(|facts| {
        facts.nat = Some(symmetric());
        facts.turn = vec![works("udp")];
    });
    is_judged(&facts, Exit::Done, &[], &["All is well"]);
}

#[test]
fn what_turn_servers_answer() {
    let untrusted = ProbeError::Dial(DialError::Tls(TlsProblem::UnknownAuthority));
    for (error, code, words) in [
        (
            refused(401),
            "turn-credentials",
            "refuses user \"u\": check --turn-user and PEER_TURN_PASSWORD",
        ),
        (
            ProbeError::Anonymous,
            "turn-credentials",
            "wants a user and password: give --turn-user",
        ),
        (refused(438), "turn-nonce", "(438)"),
        (
            refused(486),
            "turn-quota",
            "no more allocations (486, quota reached)",
        ),
        (refused(508), "turn-full", "no relay address left (508)"),
        (
            refused(403),
            "turn-refused",
            "refuses an allocation (403 No)",
        ),
        (untrusted, "turn-tls", "give its authority with --ca FILE"),
        (
            ProbeError::Closed,
            "turn-unreachable",
            "nobody listens there",
        ),
        (ProbeError::NoReply, "turn-unreachable", "no reply"),
    ] {
        let facts = well(|facts| facts.turn = vec![turn("udp", Err(error.clone()))]);
        is_judged(&facts, Exit::Expectation, &[code], &[words]);
        // Beside one that works, only a refusal is a mistake.
        let facts = well(|facts| facts.turn = vec![turn("udp", Err(error.clone())), works("tls")]);
        let refuses = matches!(error, ProbeError::Refused { .. } | ProbeError::Anonymous);
        is_judged(
            &facts,
            if refuses {
                Exit::Expectation
            } else {
                Exit::Done
            },
            &[code],
            &[words],
        );
    }
    let facts = well(|facts| {
        facts.turn = vec![turn("udp", Err(refused(401)))];
        facts.turn[0].offered = true;
    });
    is_judged(
        &facts,
        Exit::Expectation,
        &["turn-credentials"],
        &["that the signaling server hands out"],
    );
}

#[test]
fn a_relay_must_relay() {
    let facts =
        well(|facts| facts.turn = vec![turn("udp", Ok(allocation(Err(ProbeError::NoReply))))]);
    is_judged(
        &facts,
        Exit::Expectation,
        &["relay-mute"],
        &["lets nothing through", "203.0.113.1:49160"],
    );
    let facts = well(|facts| facts.turn = vec![turn("udp", Ok(allocation(Err(refused(403)))))]);
    is_judged(
        &facts,
        Exit::Done,
        &["relay-to-itself"],
        &["does not relay to its own addresses (403 No)"],
    );
}

#[test]
fn devices_count_when_they_are_named() {
    let none = || AudioError::NoDevice {
        kind: DeviceKind::Input,
        reason: "none found".to_owned(),
    };
    let facts = well(|facts| facts.devices = vec![device(DeviceKind::Input, false, Err(none()))]);
    is_judged(&facts, Exit::Done, &["microphone"], &["calls send silence"]);
    let missing = AudioError::Device {
        kind: DeviceKind::Output,
        name: "Desk".to_owned(),
        reason: "not found".to_owned(),
        devices: vec![],
    };
    let facts = well(|facts| facts.devices = vec![device(DeviceKind::Output, true, Err(missing))]);
    is_judged(&facts, Exit::Device, &["speaker"], &["\"Desk\": not found"]);
    let facts = well(|facts| facts.devices = vec![device(DeviceKind::Input, true, Ok(heard(0.0)))]);
    is_judged(
        &facts,
        Exit::Done,
        &["microphone-silent"],
        &["is it muted?"],
    );
    let facts = well(|facts| facts.devices = vec![device(DeviceKind::Input, true, Ok(heard(0.1)))]);
    is_judged(&facts, Exit::Done, &[], &[]);
}

#[test]
fn the_worst_stands_first_and_the_lowest_code_counts() {
    let facts = well(|facts| {
        facts.nat = Some(symmetric());
        facts.turn = vec![turn("udp", Err(refused(401)))];
    });
    is_judged(
        &facts,
        Exit::Expectation,
        &["turn-credentials", "nat-symmetric"],
        &[],
    );
}
