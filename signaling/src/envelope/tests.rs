#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn relayed(frame: &str) -> Option<String> {
    let me = PeerId::new("me").unwrap();
    Envelope::parse(frame).map(|e| e.with_from(&me))
}

#[test]
fn members_keep_their_bytes_and_order() {
    for (sent, heard) in [
        ("{}", r#"{"from":"me"}"#),
        (r#"{"event":"x"}"#, r#"{"from":"me","event":"x"}"#),
        (
            r#" { "b" : 1.50e+2 , "a" : [ 1 , 2 ] , "\u0061" : "\u00e9\/" } "#,
            r#"{"from":"me","b":1.50e+2,"a":[ 1 , 2 ],"\u0061":"\u00e9\/"}"#,
        ),
        (
            r#"{"n":123456789012345678901234567890,"m":1e999,"lone":"\ud800","\ud800":0}"#,
            r#"{"from":"me","n":123456789012345678901234567890,"m":1e999,"lone":"\ud800","\ud800":0}"#,
        ),
    ] {
        assert_eq!(relayed(sent).as_deref(), Some(heard));
    }
}

#[test]
fn no_spelling_of_a_forged_from_survives() {
    for forged in [
        r#"{"from":"bob","event":"x"}"#,
        r#"{"event":"x","from":"bob"}"#,
        r#"{"from":"a","event":"x","from":"b"}"#,
        r#"{"\u0066rom":"a","event":"x","fro\u006D":{"from":1}}"#,
        r#"{"from":null,"event":"x","from":[1,2]}"#,
    ] {
        assert_eq!(
            relayed(forged).as_deref(),
            Some(r#"{"from":"me","event":"x"}"#),
            "{forged}"
        );
    }
    assert_eq!(
        relayed(r#"{"From":1,"data":{"from":2}}"#).unwrap(),
        r#"{"from":"me","From":1,"data":{"from":2}}"#
    );
}

#[test]
fn what_is_not_an_object_is_nothing() {
    let deep = "[".repeat(60_000);
    let cases = [
        "",
        "x",
        "1",
        "[{}]",
        "\"{}\"",
        "null",
        "{",
        "{}{}",
        "{'a':1}",
        r#"{"a":01}"#,
    ];
    for frame in cases.into_iter().chain([deep.as_str()]) {
        assert_eq!(relayed(frame), None, "{:?}", frame.get(..20));
    }
    let deep_member = format!("{{\"a\":{deep}{}}}", "]".repeat(60_000));
    assert!(
        relayed(&deep_member).is_some(),
        "deep nesting is relayed, not followed"
    );
}

#[test]
fn the_last_of_a_repeated_member_counts() {
    let envelope = Envelope::parse(r#"{"event":"a","to":"x","ev\u0065nt":"b","to":null}"#).unwrap();
    assert_eq!(envelope.event().as_deref(), Some("b"));
    assert_eq!(envelope.to(), To::Room);
    let to = |frame: &'static str| Envelope::parse(frame).unwrap().to();
    assert_eq!(to(r#"{"to":"\u0078"}"#), To::One("x".into()));
    assert_eq!(to(r#"{"to":7}"#), To::Nonsense);
    assert_eq!(to(r#"{"to":["x"]}"#), To::Nonsense);
    assert_eq!(to(r#"{"event":1}"#), To::Room);
    assert_eq!(Envelope::parse(r#"{"event":1}"#).unwrap().event(), None);
}

proptest! {
    #[test]
    fn the_relayed_frame_means_the_same_but_for_its_sender(
        members in proptest::collection::vec(
            (prop_oneof![Just("from".to_owned()), Just("to".to_owned()), any::<String>()], any::<String>()), 0..8),
    ) {
        let body: Vec<_> = members
            .iter()
            .map(|(k, v)| format!("{}: {}", Value::from(k.as_str()), Value::from(v.as_str())))
            .collect();
        let frame = format!("{{{}}}", body.join(" ,"));
        let heard: Value = serde_json::from_str(&relayed(&frame).unwrap()).unwrap();
        let mut expected: Value = serde_json::from_str(&frame).unwrap();
        expected["from"] = "me".into();
        prop_assert_eq!(heard, expected);
    }

    #[test]
    fn any_text_is_survived(frame in any::<String>()) {
        let _ = relayed(&frame);
    }
}
