//! The server goes; the call does not.

use tests::{TestPeer, TestServer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_outlives_its_server() {
    let server = TestServer::start();
    let url = server.url();
    let bob = TestPeer::answer(&url, "--mic tone:660 --stats 100ms")
        .is_waiting()
        .await;
    let mut ann = TestPeer::call(&url, "--mic tone:440 --stats 100ms")
        .is_connected()
        .await;
    let mut bob = bob.is_connected().await;
    server.kill();
    tokio::join!(ann.signaling("lost"), bob.signaling("lost"));
    tokio::join!(ann.hears_packets(50), bob.hears_packets(50));
    ann.hang_up();
    // There is no server to say it through: it came on the control channel.
    let (bob, ann) = tokio::join!(bob.exits(0), ann.exits(130));
    for peer in [ann, bob] {
        let ended = peer.all("ended");
        assert_eq!(ended.len(), 1);
        assert_eq!(ended[0]["summary"]["loss"], 0.0, "{}", ended[0]);
        assert!(peer.all("reconnecting").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_find_a_server_that_comes_back() {
    let server = TestServer::start();
    let (url, addr) = (server.url(), server.addr());
    let mut bob = TestPeer::answer(&url, "--mic tone:660 --stats 100ms");
    let id = bob.signaling("connected").await["id"].clone();
    let mut ann = TestPeer::call(&url, "--mic tone:440").is_connected().await;
    let mut bob = bob.is_connected().await;
    server.kill();
    tokio::join!(ann.signaling("lost"), bob.signaling("lost"));
    let server = TestServer::start_at(addr);
    let (_, back) = tokio::join!(ann.signaling("reconnected"), bob.signaling("reconnected"));
    assert_eq!(back["id"], id, "the same secret is the same peer");
    bob.hears_packets(20).await;
    // Neither takes the other, back in the room, for somebody new to call.
    let eve = TestPeer::call(&server.url(), "").exits(4).await;
    assert!(eve.reason.contains("is busy"), "{}", eve.reason);
    ann.hang_up();
    let (bob, ann) = tokio::join!(bob.exits(0), ann.exits(130));
    assert_eq!(
        (ann.all("connected").len(), bob.all("connected").len()),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_may_start_before_the_server() {
    let server = TestServer::start();
    let (url, addr) = (server.url(), server.addr());
    server.kill();
    let mut ann = TestPeer::call(&url, "--duration 100ms");
    let warning = ann.warns("unreachable").await;
    assert_eq!(
        warning["text"],
        format!("cannot reach {url}: connection refused")
    );
    let _server = TestServer::start_at(addr);
    let bob = TestPeer::answer(&url, "");
    tokio::join!(ann.exits(0), bob.exits(0));
}
