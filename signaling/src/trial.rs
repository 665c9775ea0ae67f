//! What must hold whatever bytes come. The fuzz targets (tests/fuzz) call these with bytes that a fuzzer makes up; the tests
//! below do, on any toolchain, with bytes at random and with some that chance seldom finds.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use shared::{Event, Hello, Incoming, PeerId};

pub use crate::auth::trial::token;
use crate::envelope::Envelope;
use crate::{exchange, hub};

/// A client's frame: what the server relays means what was sent, but for its sender, and nobody can speak for the server.
pub fn frame(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    for complaint in [
        Incoming::parse(text).err().map(|why| why.to_string()),
        Hello::parse(text).err().map(|why| why.to_string()),
    ]
    .into_iter()
    .flatten()
    {
        let short = complaint.chars().count() < 200;
        assert!(
            short && !complaint.chars().any(char::is_control),
            "{complaint:?}"
        );
    }
    let Some(envelope) = Envelope::parse(text) else {
        // Numbers aside, whatever is an object can be relayed.
        assert!(!serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object()));
        return;
    };
    let relayed = envelope.with_from(&PeerId::new("somebody").unwrap());
    if let Ok(mut sent) = serde_json::from_str::<Value>(text) {
        sent["from"] = "somebody".into();
        assert_eq!(serde_json::from_str::<Value>(&relayed).unwrap(), sent);
    }
    if let Ok(heard) = Incoming::parse(&relayed) {
        assert!(!matches!(heard.event, Event::Server(_)), "{relayed}");
        assert_eq!(heard.from.map(|id| id.to_string()).unwrap(), "somebody");
    }
}

/// What happens in rooms, in steps of three bytes.
pub fn rooms(bytes: &[u8]) {
    hub::tests::random::story(bytes);
}

/// What comes from a broker, from whoever may write there.
pub fn broker(bytes: &[u8]) {
    exchange::tests::broker::story(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// JSON that is nearly a frame, or claims: the pieces matter more than the bytes between them.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "null",
            "true",
            "1e999",
            "-0",
            "1",
            "\"\"",
            "\"event\"",
            "\"from\"",
            "\"to\"",
            "\"\\u0066rom\"",
            "\"welcome\"",
            "\"offer\"",
            "\"data\"",
            "\"room\"",
            "\"kitchen\"",
            "\"exp\"",
            "4000000000",
            "\"name\"",
            "\"\\ud800\"",
            "\"\\u0000\"",
            " ",
            "\u{feff}",
            "\u{2028}",
        ]);
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn frames(bytes in any::<Vec<u8>>(), text in any::<String>(), pieces in pieces()) {
            frame(&bytes);
            frame(text.as_bytes());
            frame(pieces.as_bytes());
        }

        #[test]
        fn stories(steps in prop::collection::vec(any::<[u8; 3]>(), 0..120)) {
            rooms(steps.as_flattened());
        }

        #[test]
        fn brokers(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            broker(&bytes);
        }

        #[test]
        fn tokens(how in any::<u8>(), bytes in any::<Vec<u8>>(), pieces in pieces()) {
            token(&[&[how], bytes.as_slice()].concat());
            token(&[&[how], pieces.as_bytes()].concat());
        }
    }

    #[test]
    fn what_chance_seldom_finds() {
        token(&[3]);
        token(&[2]);
        for claims in [
            r#"{"exp":4000000000}"#,
            r#"{"exp":1,"room":"kitchen"}"#,
            r#"{"exp":4000000000,"room":"attic"}"#,
        ] {
            token(&[b"\x01", claims.as_bytes()].concat());
        }
    }
}
