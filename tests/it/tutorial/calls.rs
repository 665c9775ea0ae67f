//! Our peers with tutorial pages, and on a tutorial server.

use tests::{TestPeer, TestServer};
use tokio::join;

use super::client::TutorialClient;
use super::server::TutorialServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_calls_peer_cli_answer() {
    let server = TestServer::start();
    let bob = TestPeer::answer(
        &server.url(),
        "-m hello --mic tone:440 --expect tone=440 --duration 30s",
    );
    page_calls(&server.url(), bob.is_waiting().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_calls_peer_cli_answer_on_its_own_server() {
    let server = TutorialServer::start().await;
    let bob = TestPeer::answer(
        &server.url,
        "-m hello --mic tone:440 --expect tone=440 --duration 30s",
    );
    page_calls(&server.url, bob.is_waiting().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_restarts_ice_stays_in_its_call() {
    let server = TutorialServer::start().await;
    let bob = TestPeer::answer(&server.url, "--mic tone:440 --stats 100ms");
    let mut bob = bob.is_waiting().await;
    let mut page = TutorialClient::open(&server.url).await;
    page.calls().await;
    page.is_open().await;
    for round in 0..2 {
        page.hears_more(50).await;
        page.restarts().await;
        page.hears_more(100).await;
        let text = format!("after restart {round}");
        page.says(&text).await;
        bob.reads(&text).await;
    }
    page.leaves().await;
    let bob = bob.exits(0).await;
    assert_eq!(bob.all("connected").len(), 1);
    assert_eq!(bob.all("ended").len(), 1);
}

/// Sound both ways (the page sends back what it hears), texts both ways on the page's channel, and the page is closed.
async fn page_calls(url: &str, mut bob: TestPeer) {
    let page = async {
        let mut page = TutorialClient::open(url).await;
        page.calls().await;
        page.is_open().await;
        page.says("grüße").await;
        page.says_bytes(&[0, 255, 128, 10]).await;
        page.reads("hello").await;
        page.hears(75).await;
        page
    };
    let heard = async {
        assert_eq!(bob.reads("grüße").await["label"], "dataChannel");
        bob.wait_for("bytes", |event| event["base64"] == "AP+ACg==")
            .await;
        bob.sees("audio").await;
        bob
    };
    let (page, bob) = join!(page, heard);
    page.leaves().await;
    let bob = bob.exits(0).await;
    assert_eq!(bob.all("connected").len(), 1);
    assert_eq!(bob.all("ended")[0]["by"], "remote");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_cli_call_calls_a_page() {
    let server = TestServer::start();
    let url = server.url();
    // The page is there first.
    let page = TutorialClient::open(&url).await;
    called(page, TestPeer::call(&url, CALLER)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_cli_call_calls_a_page_that_comes_later() {
    let server = TestServer::start();
    let url = server.url();
    let mut ann = TestPeer::call(&url, CALLER);
    ann.warns("nobody-waits").await;
    called(TutorialClient::open(&url).await, ann).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_cli_call_calls_a_page_on_its_own_server() {
    let server = TutorialServer::start().await;
    let page = TutorialClient::open(&server.url).await;
    called(page, TestPeer::call(&server.url, CALLER)).await;
}

/// With a duration: all of it is heard before the end.
const CALLER: &str =
    "-m hello -m again --mic tone:440 --expect tone=440 --expect message=^hi$ --duration 5s";

async fn called(mut page: TutorialClient, ann: TestPeer) {
    let page = async {
        page.is_open().await;
        page.says("hi").await;
        page.reads("again").await;
        page.hears(75).await;
        page.until_left().await
    };
    let (texts, ann) = join!(page, ann.exits(0));
    assert_eq!(texts, ["hello", "again"], "nothing but what the user says");
    assert_eq!(ann.texts(), ["hi"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn call_and_answer_meet_on_a_tutorial_server_in_either_order() {
    for answer_first in [true, false] {
        let server = TutorialServer::start().await;
        let (ann_says, bob_says) = (
            "--expect message=bob -m ann",
            "--expect message=ann -m bob --duration 10s",
        );
        let (mut ann, bob);
        if answer_first {
            bob = TestPeer::answer(&server.url, bob_says).is_waiting().await;
            ann = TestPeer::call(&server.url, ann_says);
        } else {
            ann = TestPeer::call(&server.url, ann_says).is_waiting().await;
            bob = TestPeer::answer(&server.url, bob_says);
        }
        assert_eq!(ann.signaling("connected").await["mode"], "plain");
        let (ann, bob) = join!(ann.exits(0), bob.exits(0));
        for peer in [ann, bob] {
            assert_eq!(peer.all("connected").len(), 1);
            assert!(peer.all("warning").is_empty(), "{:?}", peer.all("warning"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_call_each_other_on_a_tutorial_server_have_one_call() {
    let server = TutorialServer::start().await;
    let words = "--mic tone:440 --expect tone=440 --duration 3s";
    let [ann, bob] = [(); 2].map(|()| TestPeer::call(&server.url, words));
    let (ann, bob) = join!(ann.exits(0), bob.exits(0));
    assert_eq!(
        (ann.all("connected").len(), bob.all("connected").len()),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_finds_peer_cli_busy_disturbs_nobody() {
    let server = TestServer::start();
    let url = server.url();
    let bob = TestPeer::answer(&url, "--stats 100ms").is_waiting().await;
    let ann = TestPeer::call(&url, "--mic tone:440").is_connected().await;
    let mut bob = bob.is_connected().await;
    let mut page = TutorialClient::open(&url).await;
    page.calls().await;
    bob.wait_for("the page", |event| {
        event["event"] == "peer" && event["name"].is_null() && event["state"] == "joined"
    })
    .await;
    bob.hears_packets(20).await;
    page.leaves().await;
    bob.hears_packets(20).await;
    ann.hang_up();
    let (bob, _) = join!(bob.exits(0), ann.exits(130));
    assert_eq!(bob.all("connected").len(), 1);
}
