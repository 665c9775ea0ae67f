#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::*;

mod during;

/// Every line of `--json`, one event a line: this table is the contract with scripts.
#[track_caller]
fn golden(millis: u64, event: Event, line: &str) {
    let stamped = Stamped::new(Duration::from_millis(millis), event);
    assert_eq!(stamped.to_json().unwrap(), line);
}

fn endpoint(kind: EndpointType, address: &str) -> Endpoint {
    Endpoint {
        kind,
        address: address.into(),
        protocol: Protocol::Udp,
    }
}

fn setup() -> Setup {
    Setup {
        signaling: Duration::from_micros(3_210),
        offer_answer: Some(Duration::from_micros(8_000)),
        ice: Some(Duration::from_micros(6_060)),
        dtls: Some(Duration::from_micros(5_949)),
        total: Duration::from_micros(23_250),
    }
}

#[test]
fn hello() {
    let (room, server) = (
        Some("demo".into()),
        Some("ws://127.0.0.1:8080/socket".into()),
    );
    golden(
        1,
        Event::Hello {
            version: "0.1.0".into(),
            room,
            server,
        },
        r#"{"event":"hello","t":0.001,"version":"0.1.0","room":"demo","server":"ws://127.0.0.1:8080/socket"}"#,
    );
    golden(
        0,
        Event::Hello {
            version: "0.1.0".into(),
            room: None,
            server: None,
        },
        r#"{"event":"hello","t":0.0,"version":"0.1.0"}"#,
    );
}

#[test]
fn signaling() {
    let id = Some("k7m2xq".into());
    golden(
        1234,
        Event::Signaling {
            state: SignalingState::Connected,
            id: id.clone(),
            mode: Some(SignalingMode::PeerV1),
        },
        r#"{"event":"signaling","t":1.234,"state":"connected","id":"k7m2xq","mode":"peer.v1"}"#,
    );
    golden(
        1500,
        Event::Signaling {
            state: SignalingState::Lost,
            id: None,
            mode: None,
        },
        r#"{"event":"signaling","t":1.5,"state":"lost"}"#,
    );
    golden(
        1750,
        Event::Signaling {
            state: SignalingState::Reconnected,
            id,
            mode: Some(SignalingMode::Plain),
        },
        r#"{"event":"signaling","t":1.75,"state":"reconnected","id":"k7m2xq","mode":"plain"}"#,
    );
}

#[test]
fn peer() {
    golden(
        2,
        Event::Peer {
            state: PeerState::Joined,
            id: "abc".into(),
            name: Some("bob".into()),
        },
        r#"{"event":"peer","t":0.002,"state":"joined","id":"abc","name":"bob"}"#,
    );
    golden(
        3,
        Event::Peer {
            state: PeerState::Left,
            id: "abc".into(),
            name: None,
        },
        r#"{"event":"peer","t":0.003,"state":"left","id":"abc"}"#,
    );
}

#[test]
fn candidate() {
    golden(
        4,
        Event::Candidate {
            peer: None,
            direction: Direction::Local,
            endpoint: endpoint(EndpointType::Host, "127.0.0.1:5000"),
        },
        r#"{"event":"candidate","t":0.004,"direction":"local","type":"host","address":"127.0.0.1:5000","protocol":"udp"}"#,
    );
    let tcp = Endpoint {
        protocol: Protocol::Tcp,
        ..endpoint(EndpointType::Prflx, "[::1]:9")
    };
    golden(
        4,
        Event::Candidate {
            peer: Some("abc".into()),
            direction: Direction::Remote,
            endpoint: tcp,
        },
        r#"{"event":"candidate","t":0.004,"peer":"abc","direction":"remote","type":"prflx","address":"[::1]:9","protocol":"tcp"}"#,
    );
}

#[test]
fn connected() {
    golden(
        30,
        Event::Connected {
            peer: "abc".into(),
            path: Path::Relay,
            local: Some(endpoint(EndpointType::Srflx, "192.0.2.1:5000")),
            remote: Some(endpoint(EndpointType::Relay, "192.0.2.2:6000")),
            setup_ms: setup(),
        },
        concat!(
            r#"{"event":"connected","t":0.03,"peer":"abc","path":"relay","#,
            r#""local":{"type":"srflx","address":"192.0.2.1:5000","protocol":"udp"},"#,
            r#""remote":{"type":"relay","address":"192.0.2.2:6000","protocol":"udp"},"#,
            r#""setup_ms":{"signaling":3.2,"offer_answer":8.0,"ice":6.1,"dtls":5.9,"total":23.3}}"#
        ),
    );
    let setup_ms = Setup {
        total: Duration::from_millis(9),
        ..Setup::default()
    };
    golden(
        30,
        Event::Connected {
            peer: "abc".into(),
            path: Path::Direct,
            local: None,
            remote: None,
            setup_ms,
        },
        r#"{"event":"connected","t":0.03,"peer":"abc","path":"direct","setup_ms":{"signaling":0.0,"total":9.0}}"#,
    );
}
