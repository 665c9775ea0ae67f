//! Whoever is turned away, in whatever way, is told why where that can be, and is counted: all the ways that there are, but
//! for those that need many addresses or no descriptors (unit and process tests of `signaling`).

use std::time::Duration;

use signaling::{Limits, ServerOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::Client;
use super::house::{House, LIMIT};
use super::http::{CLOSE, UPGRADE, ask};
use super::metrics::becomes;

mod sockets;

/// Requests that became no WebSocket.
async fn refused(house: &House, reason: &str, times: u32) {
    let name = format!("signaling_refused_total{{reason=\"{reason}\"}}");
    becomes(house, &[(&name, f64::from(times))]).await;
}

/// With these bounds and a little patience.
async fn strict(limits: Limits) -> House {
    House::open(ServerOptions {
        limits,
        http_timeout: Duration::from_millis(300),
        hello_timeout: Duration::from_millis(300),
        ..ServerOptions::default()
    })
    .await
}

async fn connect(house: &House) -> TcpStream {
    TcpStream::connect(house.addr).await.expect("it listens")
}

/// Until the server ends it, by whatever means.
async fn ends(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let end = timeout(LIMIT, stream.read_to_end(&mut rest)).await;
    let _ = end.expect("an end");
    rest
}

#[tokio::test]
async fn requests_that_become_no_websocket() {
    let house = strict(Limits::default()).await;
    for (request, headers, status, reason) in [
        ("GET /socket", CLOSE, "426", "no WebSocket"),
        ("GET /nowhere", CLOSE, "404", "nothing there"),
        ("POST /healthz", CLOSE, "405", "not that method"),
    ] {
        let answer = ask(&house, request, headers).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        let (_, sentence) = answer.split_once("\r\n\r\n").expect("a whole answer");
        assert!(sentence.len() > 10, "{answer}");
        refused(&house, reason, 1).await;
    }
    let mut garbage = connect(&house).await;
    garbage
        .write_all(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        .await
        .expect("sent");
    assert!(ends(&mut garbage).await.starts_with(b"HTTP/1.1 400 "));
    refused(&house, "no HTTP", 1).await;
    let mut large = connect(&house).await;
    let head = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nCookie: {}",
        "x".repeat(60_000)
    );
    let _ = large.write_all(head.as_bytes()).await;
    ends(&mut large).await;
    refused(&house, "request too large", 1).await;
    let mut slow = connect(&house).await;
    slow.write_all(b"GET / HTTP/1.1\r\nHo").await.expect("sent");
    for mut late in [slow, connect(&house).await] {
        let told = String::from_utf8(ends(&mut late).await).expect("text");
        assert!(
            told.starts_with("HTTP/1.1 408 ") && told.contains("--http-timeout"),
            "{told}"
        );
    }
    refused(&house, "too slow to ask", 2).await;
    // Who was answered and asks nothing more is let go without a count.
    let mut kept = connect(&house).await;
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .expect("sent");
    assert!(ends(&mut kept).await.starts_with(b"HTTP/1.1 200 "));
    refused(&house, "too slow to ask", 2).await;
}

#[tokio::test]
async fn who_comes_while_the_server_drains() {
    // The only guest is told after half of it, and then all is over: not before this test is.
    let (house, gently) = House::draining(ServerOptions {
        drain: 4 * LIMIT,
        ..ServerOptions::default()
    })
    .await;
    let _guest = Client::tutorial(&house, "").await;
    gently.cancel();
    let answer = ask(&house, "GET /socket", UPGRADE).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("another one may answer"), "{answer}");
    refused(&house, "the server is stopping", 1).await;
}

#[tokio::test]
async fn who_asks_and_never_reads() {
    let house = strict(Limits::default()).await;
    let mut stream = connect(&house).await;
    let request = "GET /main.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    while timeout(
        Duration::from_millis(100),
        stream.write_all(request.as_bytes()),
    )
    .await
    .is_ok_and(|sent| sent.is_ok())
    {}
    refused(&house, "too slow to read an answer", 1).await;
}

#[tokio::test]
async fn too_many_connections() {
    let house = strict(Limits {
        max_connections: 1,
        max_half_open: 2,
        ..Limits::default()
    })
    .await;
    let _inside = Client::tutorial(&house, "").await;
    let answer = ask(&house, "GET /socket", UPGRADE).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    refused(&house, "the server is full", 1).await;
    // Until they are too slow nobody else is asked anything.
    let _silent = (connect(&house).await, connect(&house).await);
    let mut third = connect(&house).await;
    let told = String::from_utf8(ends(&mut third).await).expect("text");
    assert!(
        told.starts_with("HTTP/1.1 503 ") && told.contains("--max-half-open"),
        "{told}"
    );
    let mut free = String::new();
    while !free.starts_with("HTTP/1.1 200 ") {
        let mut stream = connect(&house).await;
        let _ = stream
            .write_all(format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{CLOSE}\r\n").as_bytes())
            .await;
        free = String::from_utf8(ends(&mut stream).await).expect("text");
    }
    let answer = ask(&house, "GET /metrics", CLOSE).await;
    let name = "signaling_refused_total{reason=\"too many half-open\"} ";
    let count = answer.lines().find_map(|line| line.strip_prefix(name));
    assert!(count.is_some_and(|count| count != "0"), "{answer}");
}
