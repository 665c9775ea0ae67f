#![allow(clippy::unwrap_used)]

use super::*;
use crate::incoming::{Event, Incoming};

fn id(text: &str) -> PeerId {
    PeerId::new(text).unwrap()
}

fn to_bob(event: PeerEvent) -> Outgoing {
    Outgoing {
        to: Some(id("bob")),
        from: None,
        session: Some(SessionId::new("s1").unwrap()),
        generation: None,
        event,
    }
}

/// Every frame of a peer, with its JSON to the byte.
fn peer_goldens() -> Vec<(Outgoing, &'static str)> {
    let sdp = |kind| Description {
        kind,
        sdp: "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n".into(),
    };
    let full = Candidate {
        candidate: "candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host".into(),
        sdp_mid: Some("0".into()),
        sdp_m_line_index: Some(0),
        username_fragment: Some("EsAw".into()),
    };
    let bare = Candidate {
        candidate: "candidate:1".into(),
        sdp_mid: None,
        sdp_m_line_index: None,
        username_fragment: None,
    };
    let bye = Bye {
        reason: "hung up".into(),
        outcome: Some(Outcome::Direct),
        setup_ms: Some(24.5),
    };
    let plain = Outgoing {
        to: None,
        from: Some(id("me")),
        session: None,
        generation: None,
        event: PeerEvent::Busy,
    };
    let numbered = Outgoing {
        generation: Some(2),
        ..to_bob(PeerEvent::Answer(sdp(SdpType::Answer)))
    };
    let end = |f: Option<&str>| PeerEvent::CandidatesEnd {
        username_fragment: f.map(Into::into),
    };
    vec![
        (
            to_bob(PeerEvent::Offer(sdp(SdpType::Offer))),
            r#"{"event":"offer","data":{"type":"offer","sdp":"v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n"},"to":"bob","session":"s1"}"#,
        ),
        (
            to_bob(PeerEvent::Answer(sdp(SdpType::Answer))),
            r#"{"event":"answer","data":{"type":"answer","sdp":"v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n"},"to":"bob","session":"s1"}"#,
        ),
        (
            to_bob(PeerEvent::Candidate(full)),
            r#"{"event":"candidate","data":{"candidate":"candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"EsAw"},"to":"bob","session":"s1"}"#,
        ),
        (
            to_bob(PeerEvent::Candidate(bare)),
            r#"{"event":"candidate","data":{"candidate":"candidate:1","sdpMid":null,"sdpMLineIndex":null,"usernameFragment":null},"to":"bob","session":"s1"}"#,
        ),
        (
            to_bob(end(Some("EsAw"))),
            r#"{"event":"candidates-end","data":{"usernameFragment":"EsAw"},"to":"bob","session":"s1"}"#,
        ),
        (
            to_bob(end(None)),
            r#"{"event":"candidates-end","data":{},"to":"bob","session":"s1"}"#,
        ),
        (
            to_bob(PeerEvent::Bye(bye)),
            r#"{"event":"bye","data":{"reason":"hung up","outcome":"direct","setup_ms":24.5},"to":"bob","session":"s1"}"#,
        ),
        (plain, r#"{"event":"busy","data":null,"from":"me"}"#),
        (
            numbered,
            r#"{"event":"answer","data":{"type":"answer","sdp":"v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n"},"to":"bob","session":"s1","generation":2}"#,
        ),
    ]
}

#[test]
fn peer_frames_have_exactly_this_json_both_ways() {
    for (frame, json) in peer_goldens() {
        assert_eq!(frame.to_text(), json);
        let back = Incoming::parse(json).unwrap();
        assert_eq!(back.event, Event::Peer(frame.event));
        assert_eq!(
            (back.from, back.to, back.session, back.generation),
            (frame.from, frame.to, frame.session, frame.generation)
        );
    }
}

#[test]
fn server_frames_have_exactly_this_json_both_ways() {
    let alice = PeerInfo {
        id: id("a1"),
        name: Some(Name::new("alice").unwrap()),
        role: Some(Role::Answer),
        app: Some(App::Call),
        origin: None,
    };
    let page = PeerInfo {
        id: id("t1"),
        name: None,
        role: None,
        app: None,
        origin: Some("https://example.org".into()),
    };
    let turn = IceServer {
        urls: vec!["turn:127.0.0.1:3478".into()],
        username: Some("u".into()),
        credential: Some(Secret::new("p")),
    };
    let stun = IceServer {
        urls: vec!["stun:x".into()],
        username: None,
        credential: None,
    };
    let welcome = |room: Option<&str>, peers, ice_servers| {
        let room = room.map(|r| Room::new(r).unwrap());
        ServerEvent::Welcome(Welcome {
            id: id("me"),
            room,
            peers,
            ice_servers,
        })
    };
    let error = ServerEvent::Error {
        code: "no-such-peer".into(),
        text: "bob left".into(),
    };
    let goldens = [
        (
            welcome(None, vec![], vec![]),
            r#"{"event":"welcome","data":{"id":"me","room":null,"peers":[],"iceServers":[]}}"#,
        ),
        (
            welcome(Some("demo"), vec![alice, page.clone()], vec![stun]),
            r#"{"event":"welcome","data":{"id":"me","room":"demo","peers":[{"id":"a1","name":"alice","role":"answer","app":"call","origin":null},{"id":"t1","name":null,"role":null,"app":null,"origin":"https://example.org"}],"iceServers":[{"urls":["stun:x"]}]}}"#,
        ),
        (
            ServerEvent::Joined(page),
            r#"{"event":"joined","data":{"id":"t1","name":null,"role":null,"app":null,"origin":"https://example.org"}}"#,
        ),
        (
            ServerEvent::Left { id: id("t1") },
            r#"{"event":"left","data":{"id":"t1"}}"#,
        ),
        (
            error,
            r#"{"event":"error","data":{"code":"no-such-peer","text":"bob left"}}"#,
        ),
        (
            ServerEvent::IceServers(vec![turn]),
            r#"{"event":"ice-servers","data":{"iceServers":[{"urls":["turn:127.0.0.1:3478"],"username":"u","credential":"p"}]}}"#,
        ),
    ];
    for (event, json) in goldens {
        assert_eq!(event.to_text(), json);
        let back = Incoming::parse(json).unwrap();
        assert_eq!(
            back,
            Incoming {
                from: None,
                to: None,
                session: None,
                generation: None,
                event: Event::Server(event)
            }
        );
    }
}

#[test]
fn hello_has_exactly_this_json_both_ways() {
    let hello = Hello {
        version: crate::VERSION,
        name: Some(Name::new("alice").unwrap()),
        role: Role::Either,
        app: App::Call,
        secret: Secret::new("0123456789abcdef"),
    };
    let json = r#"{"event":"hello","data":{"version":1,"name":"alice","role":"either","app":"call","secret":"0123456789abcdef"}}"#;
    assert_eq!(hello.to_text(), json);
    assert_eq!(Hello::parse(json).unwrap(), hello);
    assert_eq!(
        ice_servers_request(),
        r#"{"event":"ice-servers","data":null}"#
    );
}

#[test]
fn nothing_secret_is_printed_for_debugging() {
    let hello = Hello {
        version: 1,
        name: None,
        role: Role::Call,
        app: App::Call,
        secret: Secret::new("swordfish-swordfish"),
    };
    let sdp = Description {
        kind: SdpType::Offer,
        sdp: "a=ice-pwd:swordfish".into(),
    };
    let shown = format!("{hello:?} {sdp:?}");
    assert!(!shown.contains("swordfish"), "{shown}");
}
