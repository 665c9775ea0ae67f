//! Texts arrive whole, in order, once.

use tests::{TestPeer, TestServer};

/// The longest line that is one message, bytes.
const LONGEST: usize = 60 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_text_arrives_as_it_was_written() {
    let server = TestServer::start();
    let url = server.url();
    let long = "0123456789abcde\n".repeat(LONGEST / 16);
    let texts = [
        "hello",
        "grüße, 你好, 👩‍👩‍👧, \u{202e}txet",
        "{\"seq\":1,\"text\":\"not a frame\"}",
        "{\"event\":\"bye\"}",
        "nul \0 bell \u{7} escape \u{1b}[31m quote \" backslash \\ line\r\nnext\u{2028}end",
        " ",
        &long,
    ];
    let mut bob = TestPeer::start("answer", &url, "--duration 10s", &texts);
    let mut ann = TestPeer::start("call", &url, "", &texts);
    for text in texts {
        assert_eq!(bob.reads(text).await["label"], "chat");
        ann.reads(text).await;
    }
    ann.hang_up();
    let (ann, bob) = tokio::join!(ann.exits(130), bob.exits(0));
    assert!(
        ann.texts() == texts && bob.texts() == texts,
        "once each, in order"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_messages_come_once_and_in_order_through_a_bad_network() {
    let server = TestServer::start();
    let url = server.url();
    let texts: Vec<String> = (0..200).map(|n| format!("message {n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut bob = TestPeer::answer(&url, "");
    // They hang up on their own once the connection is up: what was queued leaves first.
    let bad = "--impair loss=10%,delay=20ms,jitter=20ms --duration 100ms";
    let ann = TestPeer::start("call", &url, bad, &texts);
    bob.reads("message 199").await;
    let (bob, _) = tokio::join!(bob.exits(0), ann.exits(0));
    assert_eq!(bob.texts(), texts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_need_no_sound() {
    let server = TestServer::start();
    let url = server.url();
    let off = "--mic off --speaker off";
    let bob = TestPeer::answer(&url, &format!("{off} --expect message=^hi$ -m hi"))
        .is_waiting()
        .await;
    let ann = TestPeer::call(&url, &format!("{off} -m hi --duration 10s"));
    let (ann, bob) = tokio::join!(ann.exits(0), bob.exits(0));
    assert_eq!(ann.texts(), ["hi"]);
    for peer in [ann, bob] {
        assert!(peer.all("track").is_empty(), "{:?}", peer.all("track"));
        assert!(peer.all("warning").is_empty(), "{:?}", peer.all("warning"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_caller_of_an_echo_hears_only_itself() {
    let server = TestServer::start();
    let url = server.url();
    let echo = TestPeer::answer(&url, "--echo --peers 3 --keep")
        .is_waiting()
        .await;
    let callers = [440, 550, 660].map(|hz| {
        let name = format!("caller-{hz}");
        let words = format!(
            "--mic tone:{hz} --expect tone={hz} --expect message=^{name}$ -m {name} --name {name}"
        );
        TestPeer::call(&url, &words)
    });
    let [a, b, c] = callers;
    let (a, b, c) = tokio::join!(a.exits(0), b.exits(0), c.exits(0));
    for (caller, hz) in [(a, 440), (b, 550), (c, 660)] {
        assert_eq!(caller.texts(), [format!("caller-{hz}")]);
    }
    echo.hang_up();
    let echo = echo.exits(130).await;
    assert_eq!(echo.all("connected").len(), 3);
    assert_eq!(echo.all("ended").len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_echo_does_not_echo_an_echo() {
    let server = TestServer::start();
    let url = server.url();
    let bob = TestPeer::answer(&url, "--echo").is_waiting().await;
    // Long enough for hundreds of them.
    let words = "--echo --duration 500ms";
    let ann = TestPeer::start("call", &url, words, &["one", "two"]);
    let (bob, ann) = tokio::join!(bob.exits(0), ann.exits(0));
    assert_eq!(ann.texts(), ["one", "two"]);
    assert_eq!(bob.texts(), ["one", "two"]);
}
