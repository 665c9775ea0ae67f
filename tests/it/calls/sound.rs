//! What one side says, the other hears.

use tests::{TestPeer, TestServer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tone_is_heard_both_ways() {
    let server = TestServer::start();
    let url = server.url();
    let bob = TestPeer::answer(&url, "--mic tone:660 --expect tone=440 --duration 3s");
    let ann = TestPeer::call(&url, "--mic tone:440 --expect tone=660 --duration 3s");
    let (ann, bob) = tokio::join!(ann.exits(0), bob.exits(0));
    for (peer, tone) in [(&ann, "tone=660"), (&bob, "tone=440")] {
        let checks = peer.all("expect");
        assert_eq!(checks.len(), 1);
        assert_eq!(
            (&checks[0]["check"], &checks[0]["ok"]),
            (&tone.into(), &true.into())
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_tone_is_told_from_the_right_one() {
    let server = TestServer::start();
    let url = server.url();
    let bob = TestPeer::answer(&url, "--expect tone=440 --duration 10s");
    let ann = TestPeer::call(&url, "--mic tone:450 --duration 2500ms");
    let bob = bob.exits(8).await;
    assert!(bob.reason.contains("tone=440"), "{}", bob.reason);
    ann.exits(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_can_flow_one_way_only() {
    for (caller, answerer) in [
        (
            "--mic tone:440 --speaker off --duration 10s",
            "--mic off --expect tone=440",
        ),
        (
            "--mic off --expect tone=440",
            "--mic tone:440 --speaker off --duration 10s",
        ),
    ] {
        let server = TestServer::start();
        let bob = TestPeer::answer(&server.url(), answerer);
        let ann = TestPeer::call(&server.url(), caller);
        tokio::join!(ann.exits(0), bob.exits(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_network_is_survived() {
    let server = TestServer::start();
    let url = server.url();
    let bad = "--impair loss=10%,delay=50ms,jitter=20ms";
    let bob = TestPeer::answer(
        &url,
        &format!("--mic tone:660 {bad} --expect tone=440 --duration 10s"),
    );
    let words = format!("--mic tone:440 {bad} --impair-seed 7 --expect tone=660 --duration 5s");
    let ann = TestPeer::call(&url, &words);
    let (ann, bob) = tokio::join!(ann.exits(0), bob.exits(0));
    for peer in [ann, bob] {
        let loss = peer.all("ended")[0]["summary"]["loss"].as_f64();
        assert!(
            loss.is_some_and(|loss| (0.02..0.25).contains(&loss)),
            "{loss:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_echo_comes_back() {
    let server = TestServer::start();
    let url = server.url();
    let echo = TestPeer::answer(&url, "--echo");
    let ann = TestPeer::call(
        &url,
        "--mic tone:523 --expect tone=523 --expect message=^hello$ -m hello",
    );
    ann.exits(0).await;
    echo.exits(0).await;
}
