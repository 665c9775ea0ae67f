//! How a call ends, and how soon the other side knows.

use std::time::{Duration, Instant};

use tests::{TestPeer, TestServer};

/// "Within a second", the contract says.
const SOON: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn either_side_may_hang_up_and_the_other_knows_at_once() {
    for caller_hangs_up in [true, false] {
        let server = TestServer::start();
        let url = server.url();
        let bob = TestPeer::answer(&url, "--mic tone:660").is_waiting().await;
        let ann = TestPeer::call(&url, "--mic tone:440").is_connected().await;
        let bob = bob.is_connected().await;
        let (one, other) = if caller_hangs_up {
            (ann, bob)
        } else {
            (bob, ann)
        };
        let begin = Instant::now();
        one.hang_up();
        let other = other.exits(0).await;
        let took = begin.elapsed();
        assert!(took < SOON, "noticed after {took:?}");
        let ended = &other.all("ended")[0];
        assert_eq!(ended["by"], "remote");
        assert_eq!(ended["summary"]["path"], "direct");
        let one = one.exits(130).await;
        assert_eq!(one.all("ended")[0]["by"], "local");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_lasts_as_long_as_it_is_told_to() {
    let server = TestServer::start();
    let url = server.url();
    let bob = TestPeer::answer(&url, "--duration 700ms");
    let ann = TestPeer::call(&url, "--duration 10s");
    let (bob, ann) = tokio::join!(bob.exits(0), ann.exits(0));
    let ended = bob.all("ended")[0];
    assert_eq!(
        (&ended["by"], &ended["reason"]),
        (&"local".into(), &"duration is over".into())
    );
    let duration = ended["summary"]["duration"].as_f64();
    assert!(duration.is_some_and(|s| (0.7..3.0).contains(&s)), "{ended}");
    assert_eq!(ann.all("ended")[0]["by"], "remote");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_may_hang_up_at_once() {
    let server = TestServer::start();
    let url = server.url();
    let bob = TestPeer::answer(&url, "").is_waiting().await;
    let ann = TestPeer::call(&url, "").is_connected().await;
    let bob = bob.is_connected().await;
    ann.hang_up();
    bob.hang_up();
    // Whoever is heard first has hung up; the other may be the one that was hung up on.
    let (ann, bob) = tokio::join!(ann.exit(), bob.exit());
    for peer in [ann, bob] {
        assert!([0, 130].contains(&peer.code), "{}", peer.reason);
        assert_eq!(peer.all("ended").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_gives_up_while_waiting_leaves_no_trace() {
    let server = TestServer::start();
    let url = server.url();
    let mut bob = TestPeer::answer(&url, "--keep").is_waiting().await;
    for _ in 0..5 {
        let ann = TestPeer::call(&url, "").is_waiting().await;
        ann.hang_up();
        assert!([0, 130].contains(&ann.exit().await.code));
    }
    TestPeer::call(&url, "--duration 100ms").exits(0).await;
    bob.sees("connected").await;
    bob.hang_up();
    bob.exits(130).await;
}
