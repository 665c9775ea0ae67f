//! The JSON lines of whole calls. Each line of each test is checked when its command ends; here is what must be among them.

use serde_json::Value;

use super::ends::{call_with, pair};
use super::house::House;
use super::peer::{Ended, run};
use super::schema;

/// Where an event stands.
#[track_caller]
fn place(ended: &Ended, name: &str) -> usize {
    ended
        .events
        .iter()
        .position(|event| event["event"] == name)
        .unwrap_or_else(|| panic!("no {name}: {ended:#?}"))
}

#[test]
fn a_call_tells_its_story_in_order() {
    let house = House::open();
    let caller = ["--mic", "tone:440", "--hangup-on-eof", "-m", "hello"];
    let (mut caller, mut answerer) = {
        let mut answerer = call_with(
            "answer",
            &house,
            &["demo", "--name", "bob", "--stats", "200ms"],
        );
        answerer.wait_for("signaling");
        let arguments = [
            &[
                "call",
                "demo",
                "--json",
                "-s",
                &house.url,
                "--speaker",
                "null",
            ][..],
            &caller,
        ]
        .concat();
        (super::peer::Peer::start(&arguments), answerer)
    };
    answerer.wait_for("audio");
    answerer.wait_for("stats");
    answerer.wait_for("message");
    caller.end_input();
    // The source is a tone: input is what ends.
    let caller = caller.finish().expect_code(0);
    let answerer = answerer.finish().expect_code(0);
    for ended in [&caller, &answerer] {
        let story = [
            "hello",
            "signaling",
            "candidate",
            "connected",
            "track",
            "ended",
            "exit",
        ];
        let places: Vec<usize> = story.iter().map(|name| place(ended, name)).collect();
        assert!(places.is_sorted(), "{story:?} at {places:?}");
        let hello = ended.one("hello");
        assert_eq!(
            (&hello["room"], &hello["server"]),
            (&"demo".into(), &house.url.as_str().into())
        );
        assert_eq!(ended.all("signaling")[0]["mode"], "peer.v1");
        let directions = |name| -> Vec<&Value> {
            ended
                .all(name)
                .iter()
                .map(|event| &event["direction"])
                .collect()
        };
        for name in ["candidate", "track"] {
            assert!(
                directions(name).contains(&&"local".into())
                    && directions(name).contains(&&"remote".into())
            );
        }
        // Only what was bound: no packet of a test leaves the machine.
        for candidate in ended.all("candidate") {
            assert!(
                candidate["address"]
                    .as_str()
                    .unwrap()
                    .starts_with("127.0.0.1:"),
                "{candidate}"
            );
        }
        assert_eq!(ended.one("ended")["summary"]["path"], "direct");
    }
    is_consistent(&caller, &answerer);
    assert_eq!(answerer.one("message")["text"], "hello");
}

/// Both sides tell of the same call.
fn is_consistent(caller: &Ended, answerer: &Ended) {
    let id = |ended: &Ended| ended.all("signaling")[0]["id"].clone();
    let (ours, theirs) = (caller.one("connected"), answerer.one("connected"));
    assert_eq!(
        (&ours["peer"], &theirs["peer"]),
        (&id(answerer), &id(caller))
    );
    assert_eq!(
        (&ours["local"]["address"], &ours["remote"]["address"]),
        (&theirs["remote"]["address"], &theirs["local"]["address"])
    );
    assert_eq!(theirs["setup_ms"]["signaling"], 0.0, "waiting is no set-up");
    assert!(ours["setup_ms"]["signaling"].as_f64() > Some(0.0));
    for setup in [&ours["setup_ms"], &theirs["setup_ms"]] {
        let phase = |name: &str| setup[name].as_f64().unwrap();
        let sum: f64 = ["signaling", "offer_answer", "ice", "dtls"]
            .map(phase)
            .iter()
            .sum();
        // Rounded, and a channel opens after DTLS.
        assert!(sum <= phase("total") + 0.5, "{setup}");
    }
    let named = answerer.events.iter().chain(&caller.events);
    assert!(
        named
            .filter(|event| event["event"] == "peer")
            .any(|event| event["name"] == "bob")
    );
}

#[test]
fn loopback_has_two_sides() {
    let ended = run(&["loopback", "--json", "--duration", "500ms"]).expect_code(0);
    for name in ["connected", "ended", "message"] {
        assert_eq!(ended.all(name).len(), 2, "{name}: {ended:#?}");
    }
    let hello = ended.one("hello");
    assert!(hello.get("room").is_none() && hello.get("server").is_none());
    for connected in ended.all("connected") {
        assert_eq!(connected["setup_ms"]["signaling"], 0.0);
    }
    assert!(
        ended.said.is_empty(),
        "with --json people are told errors only: {}",
        ended.said
    );
}

#[test]
fn statistics_are_shown_or_saved_or_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats.jsonl");
    let file = path.display().to_string();
    let ended = run(&[
        "loopback",
        "--json",
        "--duration",
        "1s",
        "--stats",
        "200ms",
        "--stats-file",
        &file,
    ])
    .expect_code(0);
    let shown = ended.all("stats");
    assert!(shown.len() >= 4, "{}", shown.len());
    let saved = std::fs::read_to_string(&path).unwrap();
    let saved: Vec<Value> = saved.lines().map(schema::event).collect();
    assert_eq!(shown, saved.iter().collect::<Vec<_>>());
    let types: Vec<&Value> = shown[shown.len() - 1]["stats"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| &object["type"])
        .collect();
    for wanted in [
        "candidate-pair",
        "local-candidate",
        "remote-candidate",
        "inbound-rtp",
        "outbound-rtp",
        "data-channel",
    ] {
        assert!(types.contains(&&wanted.into()), "{wanted}: {types:?}");
    }
    // A file alone shows nothing.
    let ended = run(&[
        "loopback",
        "--json",
        "--duration",
        "1500ms",
        "--stats-file",
        &file,
    ])
    .expect_code(0);
    assert!(ended.all("stats").is_empty());
    assert!(std::fs::read_to_string(&path).unwrap().lines().count() >= 2);
}

#[test]
fn numbers_of_a_clean_call_are_plausible() {
    let house = House::open();
    let (caller, answerer) = pair(&house, &["--duration", "2s"], &[]);
    caller.finish().expect_code(0);
    let ended = answerer.finish().expect_code(0);
    let summary = &ended.one("ended")["summary"];
    assert_eq!(summary["loss"], 0.0);
    let number = |name: &str| {
        summary[name]
            .as_f64()
            .unwrap_or_else(|| panic!("no {name}: {summary}"))
    };
    assert!(
        number("rtt") > 0.0 && number("rtt") < 0.2 && number("jitter") < 0.1,
        "{summary}"
    );
}
