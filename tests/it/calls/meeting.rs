//! Who calls whom.

use serde_json::Value;
use tests::{Ended, TestPeer, TestServer};

fn once_connected(peer: &Ended) -> &Value {
    let connected = peer.all("connected");
    assert_eq!(connected.len(), 1, "{connected:?}");
    connected[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_call_each_other_have_one_call() {
    let server = TestServer::start();
    let url = server.url();
    let words = "--mic tone:440 --expect tone=440 --duration 2500ms";
    let [ann, bob] = [(); 2].map(|()| TestPeer::call(&url, words));
    let (ann, bob) = tokio::join!(ann.exits(0), bob.exits(0));
    once_connected(&ann);
    once_connected(&bob);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_second_hears_busy_and_the_call_goes_on() {
    let server = TestServer::start();
    let url = server.url();
    let bob = TestPeer::answer(&url, "--name bob --stats 100ms")
        .is_waiting()
        .await;
    let mut ann = TestPeer::call(&url, "--mic tone:440").is_connected().await;
    let mut bob = bob.is_connected().await;
    let eve = TestPeer::call(&url, "").exits(4).await;
    assert!(eve.reason.contains("\"bob\" is busy"), "{:#?}", eve.events);
    bob.hears_packets(20).await;
    ann.hang_up();
    ann.sees("ended").await;
    let (bob, ann) = tokio::join!(bob.exits(0), ann.exits(130));
    once_connected(&bob);
    once_connected(&ann);
    assert_eq!(bob.all("ended")[0]["summary"]["loss"], 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_answerer_leaves_the_caller_to_the_next() {
    let server = TestServer::start();
    let url = server.url();
    let first = TestPeer::answer(&url, "--name first").is_waiting().await;
    let ann = TestPeer::call(&url, "").is_connected().await;
    let second = TestPeer::answer(&url, "--name second -m second")
        .is_waiting()
        .await;
    let eve = TestPeer::call(&url, "--expect message=^second$")
        .exits(0)
        .await;
    once_connected(&eve);
    second.exits(0).await;
    ann.hang_up();
    tokio::join!(ann.exits(130), first.exits(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_waits_for_a_late_answerer() {
    let server = TestServer::start();
    let url = server.url();
    let mut ann = TestPeer::call(&url, "demo --duration 200ms");
    let warning = ann.warns("nobody-waits").await;
    assert_eq!(warning["text"], "nobody waits in \"demo\" yet (30s)");
    let bob = TestPeer::answer(&url, "demo");
    let (ann, _) = tokio::join!(ann.exits(0), bob.exits(0));
    let setup = &once_connected(&ann)["setup_ms"];
    assert!(
        setup["total"].as_f64().is_some_and(|ms| ms < 5_000.0),
        "{setup}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_to_call_is_exit_4_in_time() {
    let server = TestServer::start();
    let ann = TestPeer::call(&server.url(), "--timeout 300ms").exits(4);
    let bob = TestPeer::answer(&server.url(), "elsewhere --timeout 300ms").exits(4);
    let (ann, bob) = tokio::join!(ann, bob);
    assert!(ann.reason.contains("nobody answered"), "{}", ann.reason);
    assert!(
        bob.reason.contains("nobody called in \"elsewhere\""),
        "{}",
        bob.reason
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_wait_are_told_so() {
    let server = TestServer::start();
    let url = server.url();
    let bob = TestPeer::answer(&url, "").is_waiting().await;
    let mut eve = TestPeer::answer(&url, "");
    eve.warns("everybody-waits").await;
    eve.hang_up();
    eve.exits(130).await;
    let ann = TestPeer::call(&url, "--duration 100ms");
    tokio::join!(ann.exits(0), bob.exits(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_answerer_takes_one_call_after_the_other() {
    let server = TestServer::start();
    let url = server.url();
    // The last 400 ms of a call are still to be played when the next one comes.
    let mut bob = TestPeer::answer(&url, "--keep -m welcome --jitter 400")
        .is_waiting()
        .await;
    for _ in 0..3 {
        let words = "--mic tone:440 --expect message=welcome --duration 500ms";
        let ann = TestPeer::call(&url, words);
        assert_eq!(ann.exits(0).await.texts(), ["welcome"]);
    }
    // The last one may still be played.
    let mut ended = 0;
    bob.wait_for("three ends", |event| {
        ended += usize::from(event["event"] == "ended");
        ended == 3
    })
    .await;
    bob.hang_up();
    let bob = bob.exits(130).await;
    assert_eq!(bob.all("connected").len(), 3);
    assert_eq!(bob.all("ended").len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_goes_to_the_one_that_is_named() {
    let server = TestServer::start();
    let url = server.url();
    let mut others = Vec::new();
    for name in ["first", "third"] {
        others.push(
            TestPeer::answer(&url, &format!("--name {name}"))
                .is_waiting()
                .await,
        );
    }
    let second = TestPeer::answer(&url, "--name second -m second")
        .is_waiting()
        .await;
    let ann = TestPeer::call(&url, "--to second --expect message=^second$");
    tokio::join!(ann.exits(0), second.exits(0));
    let nobody = TestPeer::call(&url, "--to fourth --timeout 500ms");
    nobody.exits(4).await;
    for mut other in others {
        assert_eq!(other.count(|event| event["event"] == "connected"), 0);
        other.hang_up();
        other.exits(130).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_do_not_hear_each_other() {
    let server = TestServer::start();
    let url = server.url();
    let rooms = ["red", "blue", ""];
    let answers = rooms.map(|room| TestPeer::answer(&url, &format!("{room} -m in:{room}")));
    let calls =
        rooms.map(|room| TestPeer::call(&url, &format!("{room} --expect message=^in:{room}$")));
    for (call, room) in calls.into_iter().zip(rooms) {
        let call = call.exits(0).await;
        assert_eq!(call.texts(), [format!("in:{room}")]);
        let met = call.all("peer");
        assert!(
            met.iter().filter(|p| p["state"] == "joined").count() == 1,
            "{met:?}"
        );
    }
    for answer in answers {
        answer.exits(0).await;
    }
}
