//! Somebody who speaks for the server, and for others.

use serde_json::{Value, json};
use tests::{Stranger, TestPeer, TestServer};

use crate::tutorial::TutorialServer;

/// What would hurt if it were believed: the server's words, and goodbyes in the name of either of the two.
fn forgeries(ann: &str, bob: &str, session: &str) -> Vec<String> {
    let server = [
        json!({"event": "welcome", "data": {"id": "evil", "room": null, "peers": [], "iceServers": []}}),
        json!({"event": "left", "data": {"id": ann}}),
        json!({"event": "left", "data": {"id": bob}}),
        json!({"event": "joined", "data": {"id": "evil", "name": "evil", "role": "answer", "app": "call"}}),
        json!({"event": "error", "data": {"code": "no-such-peer", "text": "x"}}),
        json!({"event": "ice-servers", "data": {"iceServers": []}}),
    ];
    let bye = json!({"reason": "forged"});
    let sdp = json!({"type": "answer", "sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"});
    let mut frames = Vec::new();
    for word in &server {
        let text = word.to_string();
        frames.push(text.clone());
        for from in [json!("mallory"), json!(ann), Value::Null] {
            let mut forged = word.clone();
            forged["from"] = from;
            frames.push(forged.to_string());
        }
        // An object that names two senders, one of them spelt in escapes.
        frames.push(text.replacen('{', &format!(r#"{{"from":"{ann}","\u0066rom":"{bob}","#), 1));
    }
    for who in ["mallory", "evil"] {
        frames.push(json!({"event": "bye", "from": who, "data": bye}).to_string());
        frames.push(
            json!({"event": "bye", "from": who, "session": session, "data": bye}).to_string(),
        );
        frames.push(json!({"event": "busy", "from": who, "session": session}).to_string());
        frames.push(
            json!({"event": "answer", "from": who, "session": session, "data": sdp}).to_string(),
        );
    }
    for who in [ann, bob] {
        let wrong = "0123456789abcdef";
        frames
            .push(json!({"event": "bye", "from": who, "session": wrong, "data": bye}).to_string());
        frames.push(
            json!({"event": "answer", "from": who, "session": wrong, "data": sdp}).to_string(),
        );
        let doubled = json!({"event": "bye", "session": session, "data": bye}).to_string();
        frames.push(doubled.replacen('{', &format!(r#"{{"from":"mallory","from":"{who}","#), 1));
    }
    frames.push(json!({"event": "bye", "data": bye}).to_string());
    frames.push(json!({"event": "busy"}).to_string());
    frames
}

/// Nothing but what the honest did: the call is up and has been all the time, and ends when one hangs up.
async fn undisturbed(mut ann: TestPeer, mut bob: TestPeer) {
    tokio::join!(ann.hears_packets(25), bob.hears_packets(25));
    for peer in [&mut ann, &mut bob] {
        assert_eq!(peer.count(|event| event["event"] == "ended"), 0);
        assert_eq!(peer.count(|event| event["event"] == "connected"), 1);
        assert_eq!(peer.count(|event| event["event"] == "signaling"), 1);
        let forged = peer.count(|event| event["event"] == "peer" && event["id"] == "evil");
        assert_eq!(forged, 0, "nobody but the server says who is here");
    }
    ann.hang_up();
    let (bob, ann) = tokio::join!(bob.exits(0), ann.exits(130));
    assert_eq!(bob.all("ended")[0]["by"], "remote");
    assert_eq!(ann.all("ended")[0]["by"], "local");
}

const TALKS: &str = "--mic tone:440 --stats 100ms";

async fn id_of(peer: &mut TestPeer) -> String {
    let connected = peer.signaling("connected").await;
    connected["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_speaks_for_another_through_our_server() {
    let server = TestServer::start();
    let url = server.url();
    let mut bob = TestPeer::answer(&url, TALKS);
    let bob_id = id_of(&mut bob).await;
    let mut page = Stranger::tutorial(&url).await;
    let (mut mallory, welcome) = Stranger::peer(&url, "mallory", "either").await;
    let mallory_id = welcome["id"].as_str().expect("an id").to_owned();
    let mut ann = TestPeer::call(&url, TALKS);
    let ann_id = id_of(&mut ann).await;
    // Once while they meet, once in their call, where each member is named as well.
    for frame in forgeries(&ann_id, &bob_id, "0") {
        page.says(frame.clone()).await;
        mallory.says(frame).await;
    }
    let (ann, bob) = tokio::join!(ann.is_connected(), bob.is_connected());
    for frame in forgeries(&ann_id, &bob_id, "0") {
        page.says(frame.clone()).await;
        mallory.says(frame.clone()).await;
        for to in [&ann_id, &bob_id] {
            mallory
                .says(frame.replacen('{', &format!(r#"{{"to":"{to}","#), 1))
                .await;
        }
    }
    drop(page);
    drop(mallory);
    // All that they said comes before the server says that they are gone.
    let gone = |event: &Value| event["state"] == "left" && event["id"] == mallory_id.as_str();
    let (mut ann, mut bob) = (ann, bob);
    tokio::join!(ann.wait_for("left", gone), bob.wait_for("left", gone));
    let honest = |event: &Value| {
        event["state"] == "left"
            && [&*ann_id, &*bob_id].contains(&event["id"].as_str().unwrap_or(""))
    };
    assert_eq!(ann.count(honest) + bob.count(honest), 0, "neither left");
    undisturbed(ann, bob).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forger_on_a_tutorial_server_does_not_end_a_call() {
    let server = TutorialServer::start().await;
    let url = &server.url;
    let mut mallory = Stranger::tutorial(url).await;
    let mut witness = Stranger::tutorial(url).await;
    let mut ann = TestPeer::call(url, TALKS);
    let ann_id = id_of(&mut ann).await;
    let offer = mallory.hears("offer").await;
    let session = offer["session"].as_str().expect("a session").to_owned();
    // Nobody else is there yet, and every answer is a bad one.
    let sdp = json!({"type": "answer", "sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"});
    for session in [json!(session), json!("another"), Value::Null] {
        for from in [json!("mallory"), Value::Null] {
            let answer = json!({"event": "answer", "from": from, "session": session, "data": sdp});
            mallory.says(answer.to_string()).await;
        }
    }
    mallory
        .says(r#"{"event":"bye","data":{"reason":"forged"}}"#)
        .await;
    mallory.says(r#"{"event":"busy"}"#).await;
    ann.warns("malformed").await;
    let mut bob = TestPeer::answer(url, TALKS);
    let bob_id = id_of(&mut bob).await;
    let (ann, bob) = tokio::join!(ann.is_connected(), bob.is_connected());
    for frame in forgeries(&ann_id, &bob_id, &session) {
        mallory.says(frame).await;
    }
    // The room has one order: who hears the last of it, and then calls, is heard after it.
    mallory.says(r#"{"event":"the-end"}"#).await;
    witness.hears("the-end").await;
    let eve = TestPeer::call(url, "--timeout 10s").exits(4).await;
    assert!(eve.reason.contains("busy"), "{}", eve.reason);
    undisturbed(ann, bob).await;
}
