//! A thousand frames that nobody should send, at an answerer that waits; then a call.

use serde_json::{Value, json};
use tests::{Dice, Stranger, TestPeer, TestServer};

use crate::tutorial::TutorialServer;

/// How many of each: a thousand together.
const WRONG_TYPES: usize = 300;
const CHANGED_OFFERS: usize = 100;
const STALE: usize = 150;
const CANDIDATES: usize = 300;
const GARBAGE: usize = 148;
const HUGE: usize = 2;

/// An offer of a real caller.
pub(crate) async fn real_offer() -> String {
    let server = TestServer::start();
    let (mut catcher, _) = Stranger::peer(&server.url(), "catcher", "answer").await;
    let _ann = TestPeer::call(&server.url(), "--mic tone:440");
    let offer = catcher.hears("offer").await;
    let sdp = offer["data"]["sdp"].as_str().expect("an offer has sdp");
    assert!(
        sdp.contains("m=audio") && sdp.contains("m=application"),
        "{sdp}"
    );
    sdp.to_owned()
}

/// Some value, of any type.
fn value(dice: &mut Dice) -> Value {
    let values = [
        "null",
        "7",
        "-1e300",
        "\"\"",
        "[]",
        "{}",
        "true",
        "\"x\"",
        "[[[[[]]]]]",
        r#"{"id":1}"#,
        r#"{"type":5,"sdp":[]}"#,
        r#"{"type":"offer"}"#,
        r#"{"type":"offer","sdp":"v=0"}"#,
        r#"{"type":"answer","sdp":""}"#,
        r#"{"candidate":7}"#,
        r#"{"candidate":"candidate:","sdpMLineIndex":-1}"#,
        r#"{"candidate":"candidate:1 1 udp 1 127.0.0.1 99999 typ host","sdpMid":"x"}"#,
        r#"{"reason":["why"],"outcome":1}"#,
        r#""\u0000""#,
    ];
    serde_json::from_str(dice.pick(&values)).expect("JSON")
}

const EVENTS: [&str; 12] = [
    "hello",
    "welcome",
    "joined",
    "left",
    "bye",
    "offer",
    "answer",
    "candidate",
    "candidates-end",
    "busy",
    "error",
    "ice-servers",
];

fn wrong_types(dice: &mut Dice) -> String {
    let mut frame = json!({});
    for key in ["event", "data", "from", "to", "session"] {
        if dice.roll(3) > 0 {
            frame[key] = value(dice);
        }
    }
    if dice.roll(5) > 0 {
        frame["event"] = dice.pick(&EVENTS).into();
    }
    frame.to_string()
}

/// One byte of it is another.
fn changed_offer(dice: &mut Dice, offer: &str, n: usize) -> String {
    let mut sdp = offer.as_bytes().to_vec();
    let at = dice.roll(sdp.len());
    sdp[at] = u8::try_from(dice.roll(128)).expect("ASCII");
    let sdp = String::from_utf8(sdp).expect("ASCII");
    let sdp = if n.is_multiple_of(10) {
        &sdp[..at]
    } else {
        &sdp
    };
    let data = json!({"type": "offer", "sdp": sdp});
    json!({"event": "offer", "session": format!("changed-{n}"), "data": data}).to_string()
}

fn stale(dice: &mut Dice, offer: &str) -> String {
    let session = format!("stale-{}", dice.roll(10));
    let event = *dice.pick(&[&"answer", &"candidate", &"candidates-end", &"bye", &"busy"]);
    let data = match event {
        "answer" => json!({"type": "answer", "sdp": offer}),
        "candidate" => candidate(dice),
        "bye" => json!({"reason": "stale"}),
        _ => Value::Null,
    };
    json!({"event": event, "session": session, "data": data}).to_string()
}

fn candidate(dice: &mut Dice) -> Value {
    let text = format!(
        "candidate:{} 1 udp {} 127.0.0.{} {} typ host",
        dice.roll(1000),
        dice.roll(1 << 31),
        1 + dice.roll(250),
        1 + dice.roll(60_000)
    );
    json!({"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": null})
}

fn garbage(dice: &mut Dice, offer: &str) -> String {
    let len = dice.roll(200);
    match dice.roll(4) {
        0 => dice.text(len),
        1 => "[".repeat(50_000),
        2 => format!(
            "{{\"event\":\"offer\",\"data\":{}",
            "{\"a\":".repeat(1 + len)
        ),
        _ => changed_offer(dice, offer, 1).chars().take(len).collect(),
    }
}

/// All of them, well shuffled.
pub(crate) fn thousand(offer: &str) -> Vec<String> {
    let mut dice = Dice::new(2);
    let dice = &mut dice;
    let mut frames: Vec<String> = Vec::new();
    frames.extend((0..WRONG_TYPES).map(|_| wrong_types(dice)));
    frames.extend((0..CHANGED_OFFERS).map(|n| changed_offer(dice, offer, n)));
    frames.extend((0..STALE).map(|_| stale(dice, offer)));
    frames.extend(
        (0..CANDIDATES).map(|_| json!({"event": "candidate", "data": candidate(dice)}).to_string()),
    );
    frames.extend((0..GARBAGE).map(|_| garbage(dice, offer)));
    let huge = json!({"event": "offer", "data": {"type": "offer", "sdp": "x".repeat(1_000_000)}});
    frames.extend((0..HUGE).map(|_| huge.to_string()));
    assert_eq!(frames.len(), 1000);
    for at in (1..frames.len()).rev() {
        frames.swap(at, dice.roll(at + 1));
    }
    frames
}

/// The next real call, with sound and messages.
async fn a_call_succeeds(url: &str, mut bob: TestPeer) {
    let ann = TestPeer::call(
        url,
        "--mic tone:440 --expect message=^bob$ -m ann --duration 2500ms",
    );
    bob.reads("ann").await;
    let (ann, bob) = tokio::join!(ann.exits(0), bob.exits(0));
    assert_eq!(ann.texts(), ["bob"]);
    assert_eq!(bob.all("connected").len(), 1);
    assert!(!bob.all("warning").is_empty(), "it said what it ignored");
}

const BOB: &str = "-m bob --expect tone=440 --duration 30s";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_bad_frames_from_a_broadcaster_leave_a_working_answerer() {
    let offer = real_offer().await;
    let server = TutorialServer::start().await;
    let bob = TestPeer::answer(&server.url, BOB).is_waiting().await;
    let mut stranger = Stranger::tutorial(&server.url).await;
    let mut witness = Stranger::tutorial(&server.url).await;
    for frame in thousand(&offer) {
        stranger.says(frame).await;
    }
    // The room has one order: who calls after the last of them is heard after all of them.
    stranger.says(r#"{"event":"the-end"}"#).await;
    witness.hears("the-end").await;
    a_call_succeeds(&server.url, bob).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_frames_through_our_server_leave_a_working_answerer() {
    let offer = real_offer().await;
    let server = TestServer::start();
    let url = server.url();
    let bob = TestPeer::answer(&url, BOB).is_waiting().await;
    let mut page = Stranger::tutorial(&url).await;
    let (mut peer, _) = Stranger::peer(&url, "noisy", "call").await;
    for (n, frame) in thousand(&offer).into_iter().enumerate() {
        // A larger one would only end the stranger's own connection.
        if frame.len() > 60_000 {
            continue;
        }
        let stranger = if n % 2 == 0 { &mut page } else { &mut peer };
        stranger.says(frame).await;
    }
    a_call_succeeds(&url, bob).await;
}
