//! Goodbyes that come before the call they end: the way through the server may be the shorter one.

use serde_json::json;
use tests::{Stranger, TestPeer, TestServer};

use super::noise::real_offer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_up_first_and_hangs_up_has_called_all_the_same() {
    let server = TestServer::start();
    let url = server.url();
    // What it sends to the other side takes that long, and its goodbye through the server does not.
    let slow = "--expect direct --impair delay=60ms";
    for _ in 0..3 {
        let bob = TestPeer::answer(&url, slow).is_waiting().await;
        let ann = TestPeer::call(&url, "");
        let (ann, _bob) = tokio::join!(ann.exits(0), bob.exits(0));
        assert_eq!(ann.all("connected")[0]["path"], "direct");
        assert_eq!(ann.all("ended")[0]["by"], "remote");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_only_says_that_the_call_was_up_is_waited_for_and_not_for_long() {
    let server = TestServer::start();
    let url = server.url();
    let mut bob = TestPeer::answer(&url, "").is_waiting().await;
    let (mut liar, welcome) = Stranger::peer(&url, "liar", "call").await;
    let to = &welcome["peers"][0]["id"];
    let frame = |event: &str, data| {
        json!({"event": event, "to": to, "session": "never", "data": data}).to_string()
    };
    let sdp = real_offer().await;
    liar.says(frame("offer", json!({"type": "offer", "sdp": sdp})))
        .await;
    liar.hears("answer").await;
    for outcome in ["direct", "relay", "direct"] {
        liar.says(frame("bye", json!({"reason": "done", "outcome": outcome})))
            .await;
    }
    let told = "liar hung up before the call was up here: done";
    bob.wait_for(told, |event| event["text"] == told).await;
    // It goes on waiting, as after any call that came to nothing.
    let ann = TestPeer::call(&url, "--duration 100ms");
    let (_ann, bob) = tokio::join!(ann.exits(0), bob.exits(0));
    assert_eq!(bob.all("connected").len(), 1);
}
