//! What no table thinks of.

use proptest::prelude::*;

use super::*;
use crate::message::{Candidate, Description, Outcome, Outgoing, SdpType};

fn word() -> impl Strategy<Value = String> {
    "[A-Za-z0-9._-]{1,64}"
}

fn peer_frame() -> impl Strategy<Value = Outgoing> {
    let description = |kind| {
        any::<String>()
            .prop_filter("sdp", |s| !s.is_empty())
            .prop_map(move |sdp| Description { kind, sdp })
    };
    let optional = || proptest::option::of(any::<String>());
    let candidate = (
        "candidate:.{0,80}",
        optional(),
        any::<Option<u16>>(),
        optional(),
    )
        .prop_map(
            |(candidate, sdp_mid, sdp_m_line_index, username_fragment)| {
                PeerEvent::Candidate(Candidate {
                    candidate,
                    sdp_mid,
                    sdp_m_line_index,
                    username_fragment,
                })
            },
        );
    let outcome = proptest::option::of(prop_oneof![
        Just(Outcome::Direct),
        Just(Outcome::Relay),
        Just(Outcome::Failed)
    ]);
    // Whole thousandths: what JSON prints is then what it reads.
    let millis = proptest::option::of((0..10_000_000u32).prop_map(|n| f64::from(n) / 1000.0));
    let bye = (any::<String>(), outcome, millis).prop_map(|(reason, outcome, setup_ms)| {
        PeerEvent::Bye(Bye {
            reason,
            outcome,
            setup_ms,
        })
    });
    let event = prop_oneof![
        description(SdpType::Offer).prop_map(PeerEvent::Offer),
        description(SdpType::Answer).prop_map(PeerEvent::Answer),
        candidate,
        optional().prop_map(|username_fragment| PeerEvent::CandidatesEnd { username_fragment }),
        bye,
        Just(PeerEvent::Busy),
    ];
    let words = || proptest::option::of(word());
    let generation = proptest::option::of(any::<u64>());
    (words(), words(), words(), generation, event).prop_map(
        |(to, from, session, generation, event)| Outgoing {
            to: to.map(|w| PeerId::new(w).unwrap()),
            from: from.map(|w| PeerId::new(w).unwrap()),
            session: session.map(|w| SessionId::new(w).unwrap()),
            generation,
            event,
        },
    )
}

/// JSON of any shape under the members that mean something.
fn odd_frame() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f32>().prop_map(|n| n.to_string()),
        any::<String>().prop_map(|s| Value::from(s).to_string()),
    ];
    let key = || {
        proptest::sample::select(vec![
            "event",
            "data",
            "from",
            "to",
            "session",
            "type",
            "sdp",
            "candidate",
            "sdpMid",
            "sdpMLineIndex",
            "usernameFragment",
            "id",
            "name",
            "role",
            "app",
            "origin",
            "peers",
            "iceServers",
            "urls",
            "reason",
            "outcome",
            "setup_ms",
            "code",
            "version",
            "secret",
        ])
    };
    let value = leaf.prop_recursive(4, 32, 6, move |inner| {
        let object = proptest::collection::vec((key(), inner.clone()), 0..6);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(|v| format!("[{}]", v.join(","))),
            object.prop_map(members),
        ]
    });
    let name = proptest::sample::select(vec![
        "offer",
        "answer",
        "candidate",
        "candidates-end",
        "bye",
        "busy",
        "welcome",
        "joined",
        "left",
        "error",
        "ice-servers",
        "hello",
        "other",
    ]);
    (name, proptest::collection::vec((key(), value), 0..6)).prop_map(|(name, mut rest)| {
        let quoted = format!("\"{name}\"");
        rest.retain(|(key, _)| *key != "event");
        rest.insert(0, ("event", quoted));
        members(rest)
    })
}

fn members(list: Vec<(&str, String)>) -> String {
    let list: Vec<_> = list
        .into_iter()
        .map(|(k, v)| format!("\"{k}\":{v}"))
        .collect();
    format!("{{{}}}", list.join(","))
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(frame in peer_frame()) {
        let back = Incoming::parse(&frame.to_text()).unwrap();
        prop_assert_eq!(back.event, Event::Peer(frame.event));
        prop_assert_eq!((back.from, back.to, back.session), (frame.from, frame.to, frame.session));
    }

    #[test]
    fn any_text_is_survived(frame in any::<String>()) {
        let _ = Incoming::parse(&frame);
        let _ = Hello::parse(&frame);
    }

    #[test]
    fn any_json_is_survived_and_complaints_are_short_single_lines(frame in odd_frame()) {
        for complaint in [
            Incoming::parse(&frame).err().map(|e| e.to_string()),
            Hello::parse(&frame).err().map(|e| e.to_string()),
        ].into_iter().flatten() {
            prop_assert!(complaint.chars().count() < 200, "{}", complaint);
            prop_assert!(!complaint.chars().any(char::is_control), "{:?}", complaint);
        }
    }

    #[test]
    fn a_frame_with_one_byte_changed_is_survived(
        frame in peer_frame(), at in any::<prop::sample::Index>(), byte in 0u8..128,
    ) {
        let mut bytes = frame.to_text().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            let _ = Incoming::parse(&text);
        }
    }

    #[test]
    fn a_from_always_disarms_a_server_event(frame in odd_frame(), at_end in any::<bool>()) {
        let inner = &frame[1..frame.len() - 1];
        let frame = if at_end {
            format!("{{{inner},\"from\":\"m\"}}")
        } else {
            format!("{{\"from\":\"m\",{inner}}}")
        };
        if let Ok(got) = Incoming::parse(&frame) {
            prop_assert!(!matches!(got.event, Event::Server(_)), "{}", frame);
        }
    }
}
