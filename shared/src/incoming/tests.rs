#![allow(clippy::unwrap_used)]

use super::*;
use crate::message::{Bye, Role};

mod random;

fn complaint(frame: &str) -> String {
    Incoming::parse(frame).map_or_else(|e| e.to_string(), |ok| format!("accepted {ok:?}"))
}

fn event(frame: &str) -> Event {
    Incoming::parse(frame)
        .unwrap_or_else(|e| panic!("{frame}: {e}"))
        .event
}

#[test]
fn bad_frames_say_briefly_what_is_wrong() {
    for (frame, what) in [
        ("", "not JSON: EOF while parsing a value at line 1 column 0"),
        ("[1]", "not a JSON object"),
        (" \"x\" ", "not a JSON object"),
        ("null", "not a JSON object"),
        ("{}", "event is missing"),
        (r#"{"event":null}"#, "event is null, not a string"),
        (r#"{"event":7}"#, "event is a number, not a string"),
        (
            r#"{"event":"busy","from":7}"#,
            "from is a number, not a string",
        ),
        (
            r#"{"event":"busy","from":null}"#,
            "from is null, not a string",
        ),
        (r#"{"event":"busy","to":[]}"#, "to is a list, not a string"),
        (
            r#"{"event":"busy","session":"a b"}"#,
            r#"session "a b" contains ' ': use letters, digits, ".", "_" and "-""#,
        ),
        (r#"{"event":"offer"}"#, "offer: data is null, not an object"),
        (
            r#"{"event":"offer","data":"v=0"}"#,
            "offer: data is a string, not an object",
        ),
        (
            r#"{"event":"offer","data":{"sdp":"v=0"}}"#,
            "offer: type is missing",
        ),
        (
            r#"{"event":"offer","data":{"type":"answer","sdp":"v=0"}}"#,
            "offer: type is not offer",
        ),
        (
            r#"{"event":"answer","data":{"type":"answer"}}"#,
            "answer: sdp is missing",
        ),
        (
            r#"{"event":"answer","data":{"type":"answer","sdp":""}}"#,
            "answer: sdp is empty",
        ),
        (
            r#"{"event":"candidate","data":{"candidate":5}}"#,
            "candidate: candidate is a number, not a string",
        ),
        (
            r#"{"event":"candidate","data":{"candidate":"c","sdpMLineIndex":-1}}"#,
            "candidate: sdpMLineIndex is a number, not a whole number",
        ),
        (
            r#"{"event":"candidate","data":{"candidate":"c","sdpMLineIndex":65536}}"#,
            "candidate: sdpMLineIndex is too large",
        ),
        (
            r#"{"event":"welcome","data":{"peers":[]}}"#,
            "welcome: id is missing",
        ),
        (
            r#"{"event":"welcome","data":{"id":"a","peers":[1]}}"#,
            "welcome: peer is a number, not an object",
        ),
        (
            r#"{"event":"ice-servers","data":{"iceServers":[{"urls":[null]}]}}"#,
            "ice-servers: urls is null, not a string",
        ),
    ] {
        assert_eq!(complaint(frame), what, "{frame}");
    }
    assert!(complaint(&"[".repeat(100_000)).starts_with("not JSON: "));
    let deep = format!(r#"{{"event":"offer","data":{}"#, "[".repeat(30_000));
    assert!(complaint(&deep).starts_with("not JSON: "));
    assert!(complaint(r#"{"event":"busy"} x"#).starts_with("not JSON: "));
}

#[test]
fn nobody_speaks_for_the_server() {
    let welcome = r#""event":"welcome","data":{"id":"me","peers":[]}"#;
    assert!(matches!(
        event(&format!("{{{welcome}}}")),
        Event::Server(ServerEvent::Welcome(_))
    ));
    for from in [
        r#""from":"mallory""#,
        r#""from":null"#,
        r#""from":7"#,
        r#""\u0066rom":"mallory""#,
    ] {
        for frame in [
            format!("{{{from},{welcome}}}"),
            format!("{{{welcome},{from}}}"),
        ] {
            assert_eq!(
                complaint(&frame),
                "welcome from somebody who is not the server"
            );
        }
    }
    for name in ["joined", "left", "error", "ice-servers"] {
        let frame = format!(r#"{{"from":"m","event":"x","event":"{name}","data":{{}}}}"#);
        assert_eq!(
            complaint(&frame),
            format!("{name} from somebody who is not the server")
        );
    }
}

#[test]
fn two_senders_are_none() {
    for second in [r#""from":"b""#, r#""from":null"#, r#""fro\u006d":"b""#] {
        let frame = format!(r#"{{"event":"busy","from":"a",{second}}}"#);
        assert_eq!(complaint(&frame), "from is given twice");
    }
}

#[test]
fn of_other_repeated_members_the_last_counts_as_in_a_browser() {
    let frame =
        r#"{"event":"welcome","event":"busy","session":"a","session":"b","to":"x","to":null}"#;
    let got = Incoming::parse(frame).unwrap();
    assert_eq!(got.event, Event::Peer(PeerEvent::Busy));
    assert_eq!(got.session.unwrap().as_str(), "b");
    assert_eq!(got.to, None);
}

#[test]
fn every_way_to_end_candidates_is_understood() {
    let end = |f: Option<&str>| {
        Event::Peer(PeerEvent::CandidatesEnd {
            username_fragment: f.map(Into::into),
        })
    };
    for (frame, expected) in [
        (r#"{"event":"candidate","data":null}"#, end(None)),
        (r#"{"event":"candidate"}"#, end(None)),
        (
            r#"{"event":"candidate","data":{"candidate":""}}"#,
            end(None),
        ),
        (
            r#"{"event":"candidate","data":{"candidate":null,"sdpMid":"0"}}"#,
            end(None),
        ),
        (
            r#"{"event":"candidate","data":{"candidate":"","usernameFragment":"u"}}"#,
            end(Some("u")),
        ),
        (r#"{"event":"candidates-end"}"#, end(None)),
        (
            r#"{"event":"candidates-end","data":{"usernameFragment":"u"}}"#,
            end(Some("u")),
        ),
    ] {
        assert_eq!(event(frame), expected, "{frame}");
    }
}

#[test]
fn extra_members_and_later_words_are_tolerated() {
    let frame =
        r#"{"v":9,"event":"joined","data":{"id":"p","role":"watch","app":"video","x":[1e999]}}"#;
    assert!(
        complaint(frame).starts_with("not JSON"),
        "a number no double can hold, in data"
    );
    let Event::Server(ServerEvent::Joined(peer)) = event(&frame.replace("1e999", "{}")) else {
        panic!("no joined")
    };
    assert_eq!(peer.role, Some(Role::Unknown));
    assert_eq!(
        event(r#"{"event":"wave","x":1e999,"data":3}"#),
        Event::Unknown("wave".into())
    );
    let Event::Unknown(name) = event(&format!(r#"{{"event":"\u001b[2J{}"}}"#, "é".repeat(500)))
    else {
        panic!("known")
    };
    assert!(
        name.starts_with("?[2Jé") && name.chars().count() == 64,
        "{name}"
    );
    assert_eq!(
        event(r#"{"event":"bye"}"#),
        Event::Peer(PeerEvent::Bye(Bye {
            reason: String::new(),
            outcome: None,
            setup_ms: None
        }))
    );
}

#[test]
fn a_w3c_list_of_one_url_may_be_a_string() {
    let frame =
        r#"{"event":"ice-servers","data":{"iceServers":[{"urls":"stun:a"},{"urls":["b","c"]}]}}"#;
    let Event::Server(ServerEvent::IceServers(list)) = event(frame) else {
        panic!("no list")
    };
    let urls: Vec<_> = list.iter().map(|s| s.urls.join(" ")).collect();
    assert_eq!(urls, ["stun:a", "b c"]);
}

#[test]
fn a_bad_hello_says_what_without_repeating_the_secret() {
    let hello = |data: &str| {
        let frame = format!(r#"{{"event":"hello","data":{{{data}}}}}"#);
        Hello::parse(&frame).map_or_else(|e| e.to_string(), |_| "accepted".into())
    };
    let good = r#""version":1,"role":"call","app":"call","secret":"swordfish0123456""#;
    assert_eq!(hello(good), "accepted");
    let change = |from: &str, to: &str| hello(&good.replace(from, to));
    assert_eq!(
        change(":1", ":0"),
        "hello: version is 0: the first one is 1"
    );
    assert_eq!(
        change(":1", ":\"1\""),
        "hello: version is a string, not a whole number"
    );
    assert_eq!(
        change("\"role\":\"call\"", "\"x\":1"),
        "hello: role is missing"
    );
    for word in ["unknown", "watch", "CALL"] {
        let role = format!("\"role\":\"{word}\"");
        assert_eq!(
            change("\"role\":\"call\"", &role),
            "hello: role must be call, answer or either"
        );
    }
    assert_eq!(
        change("swordfish0123456", "swordfish"),
        "hello: secret must have 16 to 256 bytes"
    );
    assert_eq!(
        change("\"swordfish0123456\"", "77"),
        "hello: secret is a number, not a string"
    );
    assert_eq!(
        Hello::parse(r#"{"event":"offer"}"#)
            .unwrap_err()
            .to_string(),
        "the first frame is not hello"
    );
}
