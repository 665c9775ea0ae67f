//! Calls through the relay of the signaling server, with the credentials that it hands out.

use peer_cli::cli::{CallOptions, Command};
use peer_cli::rtc::TurnServer;
use serde_json::Value;
use shared::Secret;
use tests::{Ended, TestPeer, TestServer};

/// Tells a command of one TURN server, as `--turn` and the environment would.
fn with_turn(url: String, user: &'static str) -> impl FnOnce(&mut Command) {
    move |command| {
        if let Command::Call(options) | Command::Answer(options) = command {
            let options: &mut CallOptions = options;
            let server = TurnServer::new(&url, user, Secret::new("wrong")).expect("a TURN URL");
            options.network.turn.push(server);
        }
    }
}

fn path(peer: &Ended) -> &Value {
    &peer.all("connected")[0]["path"]
}

/// What the last statistics say of our own relayed candidates.
fn relay_protocols(peer: &Ended) -> Vec<&str> {
    let stats = peer.all("stats").pop().expect("statistics");
    let objects = stats["stats"].as_array().expect("objects");
    objects
        .iter()
        .filter(|object| object["type"] == "local-candidate")
        .filter_map(|object| object["relayProtocol"].as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_and_messages_go_through_the_relay_that_the_server_offers() {
    let server = TestServer::with_relay();
    let url = server.url();
    let words = "--relay-only --mic tone:440 --expect tone=440 --expect relay --stats 100ms";
    let bob = TestPeer::start("answer", &url, words, &["from bob"])
        .is_waiting()
        .await;
    let ann = TestPeer::start("call", &url, words, &["from ann"]);
    let (ann, bob) = tokio::join!(ann.exits(0), bob.exits(0));
    assert_eq!((path(&ann), path(&bob)), (&"relay".into(), &"relay".into()));
    assert_eq!(ann.texts(), ["from bob"]);
    assert_eq!(bob.texts(), ["from ann"]);
    let candidates = ann.all("candidate");
    assert!(
        candidates.iter().all(|c| c["type"] == "relay"),
        "an address got out: {candidates:?}"
    );
    assert!(!relay_protocols(&ann).is_empty());
    // Hanging up frees the allocations at once.
    let usage = server.relay_usage().clone();
    tests::until("no allocation is left", || usage.allocations() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_offered_takes_no_call_from_a_direct_path() {
    let server = TestServer::with_relay();
    let url = server.url();
    for _ in 0..5 {
        let bob = TestPeer::answer(&url, "").is_waiting().await;
        let ann = TestPeer::call(&url, "--expect direct");
        let (ann, bob) = tokio::join!(ann.exits(0), bob.exits(0));
        assert_eq!(path(&bob), "direct");
        assert_eq!(path(&ann), "direct");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_hides_behind_a_relay_meets_one_who_does_not() {
    let server = TestServer::with_relay();
    let url = server.url();
    let bob = TestPeer::answer(&url, "").is_waiting().await;
    let ann = TestPeer::call(&url, "--relay-only --expect relay");
    let (ann, bob) = tokio::join!(ann.exits(0), bob.exits(0));
    assert_eq!((path(&ann), path(&bob)), (&"relay".into(), &"relay".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_only_a_relay_will_do_and_there_is_none_that_is_said_at_once() {
    let server = TestServer::start();
    let ann = TestPeer::call(&server.url(), "--relay-only").exits(5).await;
    assert!(ann.reason.contains("no relay is known"), "{}", ann.reason);
    let unused = TestServer::with_relay();
    let url = unused.url();
    let bob = TestPeer::answer(&url, "").is_waiting().await;
    let ann = TestPeer::call(&url, "--no-relay --expect connected");
    let (ann, _bob) = tokio::join!(ann.exits(0), bob.exits(0));
    assert!(ann.all("candidate").iter().all(|c| {
        let own = c["direction"] == "local";
        !own || c["type"] == "host"
    }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_refuse_or_are_not_there_are_named_and_cost_nothing() {
    let server = TestServer::with_relay();
    let url = server.url();
    let relay = server.relay();
    let bob = TestPeer::answer(&url, "").is_waiting().await;
    let turn = format!("turn:{relay}?transport=tcp");
    let mut ann = TestPeer::with("call", &url, "--no-relay", &[], |command| {
        if let Command::Call(options) = command {
            options.network.relay = peer_cli::rtc::RelayPolicy::Allowed;
        }
        with_turn(turn, "mallory")(command);
        // Nobody listens there.
        with_turn("turn:127.0.0.1:9?transport=tcp".to_owned(), "nobody")(command);
    });
    let texts = [
        format!("TURN {relay} over tcp: 401"),
        "TURN 127.0.0.1:9 over tcp: connection refused".to_owned(),
    ];
    for text in &texts {
        ann.wait_for(text, |event| {
            event["code"] == "turn"
                && event["text"]
                    .as_str()
                    .is_some_and(|told| told.contains(text.as_str()))
        })
        .await;
    }
    let told = ann
        .wait_for("the user", |event| {
            event["text"]
                .as_str()
                .is_some_and(|text| text.contains("(user \"mallory\")"))
        })
        .await;
    assert!(!told.to_string().contains("wrong"), "a password got out");
    ann.sees("connected").await;
    ann.hang_up();
    let (ann, _bob) = tokio::join!(ann.exits(130), bob.exits(0));
    let setup = &ann.all("connected")[0]["setup_ms"]["total"];
    assert!(setup.as_f64().is_some_and(|ms| ms < 3000.0), "{setup}");
}
