//! How a socket ends, by its codes.

use std::time::Duration;

use signaling::{Limits, ServerOptions};
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, hello};
use super::house::House;

#[tokio::test]
async fn no_hello_in_time() {
    let hello_timeout = Duration::from_millis(200);
    let house = House::open(ServerOptions {
        hello_timeout,
        ..ServerOptions::default()
    })
    .await;
    let mut silent = Client::silent(&house, "").await;
    assert_eq!(
        silent.closed().await,
        (1008, "no hello within 0.2 s".to_owned())
    );
}

#[tokio::test]
async fn a_first_frame_that_is_no_hello() {
    let house = House::usual().await;
    let mut hasty = Client::silent(&house, "").await;
    hasty.says(r#"{"event":"offer"}"#).await;
    assert_eq!(
        hasty.closed().await,
        (1008, "the first frame is not hello".to_owned())
    );
    let mut short = Client::silent(&house, "").await;
    short
        .says(&hello(1).replace("a-secret-that-is-long-enough-1", "short"))
        .await;
    assert_eq!(
        short.closed().await,
        (1008, "hello: secret must have 16 to 256 bytes".to_owned())
    );
}

#[tokio::test]
async fn binary_frames() {
    let house = House::usual().await;
    let mut client = Client::tutorial(&house, "").await;
    client
        .sends(Message::binary(vec![1, 2, 3]))
        .await
        .expect("sent");
    assert_eq!(client.closed().await, (1003, "binary frame".to_owned()));
}

#[tokio::test]
async fn a_frame_of_exactly_the_limit_passes_and_a_larger_one_closes() {
    let house = House::usual().await;
    let mut reader = Client::tutorial(&house, "").await;
    let mut writer = Client::tutorial(&house, "").await;
    let full = "x".repeat(64 * 1024);
    writer.says(&full).await;
    assert_eq!(reader.hears().await, full);
    writer.says(&format!("{full}x")).await;
    assert_eq!(writer.closed().await, (1009, "frame too large".to_owned()));
}

#[tokio::test]
async fn megabytes_are_thrown_away_so_that_their_code_arrives() {
    let house = House::usual().await;
    for megabytes in [1, 16] {
        let mut client = Client::tutorial(&house, "").await;
        let huge = Message::text("x".repeat(megabytes << 20));
        client.sends(huge).await.expect("not reset in the middle");
        assert_eq!(client.closed().await.0, 1009);
    }
    let mut other = Client::tutorial(&house, "").await;
    let mut another = Client::tutorial(&house, "").await;
    other.heard_nothing_before(&mut another).await;
}

#[tokio::test]
async fn a_full_room() {
    let house = House::limited(Limits {
        max_room: 2,
        ..Limits::default()
    })
    .await;
    let _first = Client::tutorial(&house, "").await;
    let (_second, _) = Client::peer(&house, "", 1).await;
    let mut third = Client::tutorial(&house, "").await;
    assert_eq!(
        third.closed().await,
        (4003, "the global room is full (2 members)".to_owned())
    );
    let mut fourth = Client::silent(&house, "").await;
    fourth.says(&hello(2)).await;
    assert_eq!(fourth.closed().await.0, 4003);
    Client::peer(&house, "?room=other", 2).await;
}

#[tokio::test]
async fn too_many_messages() {
    let house = House::limited(Limits {
        max_rate: 1,
        ..Limits::default()
    })
    .await;
    let mut reader = Client::tutorial(&house, "").await;
    let mut writer = Client::tutorial(&house, "").await;
    for _ in 0..100 {
        if writer.sends(Message::text("x")).await.is_err() {
            break;
        }
    }
    assert_eq!(
        writer.closed().await,
        (4029, "too many messages".to_owned())
    );
    for _ in 0..4 {
        assert_eq!(
            reader.hears().await,
            "x",
            "four seconds' worth may come at once"
        );
    }
}

#[tokio::test]
async fn refusals_are_codes_since_browsers_cannot_read_a_status() {
    let origins = vec!["https://good.example".to_owned()];
    let house = House::open(ServerOptions {
        origins,
        ..ServerOptions::default()
    })
    .await;
    let mut evil = Client::open(&house, "", false, Some("https://evil.example")).await;
    let reason = "origin https://evil.example may not connect (see --origin)".to_owned();
    assert_eq!(evil.closed().await, (1008, reason));
    for query in ["?room=a%20b", "?room=a&room=b", "?room=%ff"] {
        assert_eq!(
            Client::tutorial(&house, query).await.closed().await.0,
            1008,
            "{query}"
        );
    }
    let mut good = Client::open(&house, "", false, Some("https://good.example")).await;
    let mut program = Client::tutorial(&house, "").await;
    good.heard_nothing_before(&mut program).await;
}

#[tokio::test]
async fn the_dead_are_found_by_ping_and_the_living_stay() {
    let options = ServerOptions {
        // Long over when the living are heard again: it does not count for WebSockets.
        http_timeout: Duration::from_millis(200),
        ping_every: Duration::from_millis(200),
        ping_deadline: Duration::from_millis(800),
        ..ServerOptions::default()
    };
    let house = House::open(options).await;
    let (mut alive, _) = Client::peer(&house, "", 1).await;
    // Never polled again, so it answers no ping.
    let mut dead = Client::tutorial(&house, "").await;
    let joined = alive.event("joined").await;
    let left = alive.event("left").await;
    assert_eq!(left["data"]["id"], joined["data"]["id"]);
    assert!(dead.next().await.is_err(), "reset, not closed");
    let mut other = Client::tutorial(&house, "").await;
    alive.event("joined").await;
    alive.heard_nothing_before(&mut other).await;
}
