//! What stands around the WebSocket.

use std::net::SocketAddr;
use std::time::Duration;

use signaling::{Limits, ServerOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::Client;
use super::house::{House, LIMIT};

pub(super) const UPGRADE: &str = "Connection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

pub(super) async fn ask(house: &House, request: &str, headers: &str) -> String {
    ask_at(house.addr, request, headers).await
}

pub(super) async fn ask_at(addr: SocketAddr, request: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.expect("the server listens");
    let request = format!("{request} HTTP/1.1\r\nHost: {addr}\r\n{headers}\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("the server reads");
    let mut answer = Vec::new();
    timeout(LIMIT, stream.read_to_end(&mut answer))
        .await
        .expect("an end")
        .expect("an answer");
    String::from_utf8(answer).expect("text")
}

/// A WebSocket, as bytes: the head of its answer is read.
pub(super) async fn upgraded(house: &House, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(house.addr)
        .await
        .expect("the server listens");
    let request = format!("GET /socket HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("the server reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = timeout(LIMIT, stream.read_u8()).await.expect("in time");
        head.push(byte.expect("a head"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{head:?}");
    stream
}

pub(super) const CLOSE: &str = "Connection: close\r\n";

#[tokio::test]
async fn every_path_says_something_useful() {
    let house = House::usual().await;
    for (request, status, says) in [
        ("GET /healthz", "200", "ok"),
        ("GET /", "200", "peer-cli answer --server ws://127.0.0.1:"),
        ("GET /socket", "426", "connect with ws://"),
        ("POST /socket", "426", "connect with ws://"),
        ("GET /socket/", "404", "did you mean /socket?room=NAME?"),
        ("GET /%00", "404", "the WebSocket is at /socket"),
        ("POST /healthz", "405", ""),
    ] {
        let answer = ask(&house, request, CLOSE).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
        assert!(answer.contains(says), "{request}: {answer}");
    }
}

#[tokio::test]
async fn a_full_server_answers_503_until_somebody_leaves() {
    let house = House::limited(Limits {
        max_connections: 1,
        ..Limits::default()
    })
    .await;
    let mut only = Client::tutorial(&house, "").await;
    let answer = ask(&house, "GET /socket", UPGRADE).await;
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 5"),
        "{answer}"
    );
    assert!(
        ask(&house, "GET /healthz", CLOSE)
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    only.says("x").await;
    drop(only);
    let free = async {
        // Polls: the server learns of the end when the kernel tells it.
        while ask(&house, "GET /socket", &UPGRADE.replace("13", "12"))
            .await
            .contains(" 503 ")
        {}
    };
    timeout(LIMIT, free).await.expect("the place becomes free");
}

#[tokio::test]
async fn a_connection_that_asks_for_nothing_is_dropped() {
    let http_timeout = Duration::from_millis(100);
    let house = House::open(ServerOptions {
        http_timeout,
        ..ServerOptions::default()
    })
    .await;
    for begun in ["", "GET /socket HTTP/1.1\r\nHost: "] {
        let mut stream = TcpStream::connect(house.addr)
            .await
            .expect("the server listens");
        stream.write_all(begun.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        let ended = timeout(LIMIT, stream.read_to_end(&mut answer)).await;
        ended.expect("dropped").expect("not reset");
        assert!(answer.starts_with(b"HTTP/1.1 408 "), "{answer:?}");
    }
}
