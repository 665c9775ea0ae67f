//! What the server has counted, as Prometheus is told.

use std::collections::BTreeMap;
use std::time::Instant;

use tests::{TestPeer, TestServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::yield_now;

use super::client::Client;
use super::house::{House, LIMIT};
use super::http::{CLOSE, ask, ask_at};

/// Name with labels -> value.
type Numbers = BTreeMap<String, f64>;

fn read(answer: &str) -> Numbers {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    assert!(head.contains("application/openmetrics-text"), "{head}");
    assert!(body.trim_end().ends_with("# EOF"), "{body}");
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.rsplit_once(' '));
    let numbers = pairs.map(|(name, value)| (name.to_owned(), value.parse().expect("a number")));
    numbers.collect()
}

async fn of(house: &House) -> Numbers {
    read(&ask(house, "GET /metrics", CLOSE).await)
}

/// Until these numbers are so.
pub(super) async fn becomes(house: &House, wanted: &[(&str, f64)]) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let numbers = of(house).await;
        if wanted
            .iter()
            .all(|(name, value)| numbers.get(*name) == Some(value))
        {
            return;
        }
        assert!(Instant::now() < deadline, "{wanted:?}\n{numbers:#?}");
        yield_now().await;
    }
}

#[tokio::test]
async fn what_goes_through_is_counted() {
    let house = House::usual().await;
    let mut ann = Client::tutorial(&house, "?room=a").await;
    let mut bob = Client::tutorial(&house, "?room=a").await;
    let _eve = Client::tutorial(&house, "?room=b").await;
    becomes(&house, &[("signaling_rooms", 2.0)]).await;
    ann.says("0123456789").await;
    assert_eq!(bob.hears().await, "0123456789");
    becomes(
        &house,
        &[
            ("signaling_connections", 3.0),
            ("signaling_messages_total{direction=\"in\"}", 1.0),
            ("signaling_messages_total{direction=\"out\"}", 1.0),
            ("signaling_message_bytes_total{direction=\"out\"}", 10.0),
            ("signaling_relaying_seconds_count", 1.0),
            ("signaling_queued_bytes", 0.0),
        ],
    )
    .await;
    drop(ann);
    becomes(
        &house,
        &[
            ("signaling_connections", 2.0),
            ("signaling_connections_opened_total", 3.0),
            (
                "signaling_closed_total{code=\"\",reason=\"the client left\"}",
                1.0,
            ),
        ],
    )
    .await;
}

/// A listener of its own tells everybody, and the other one nobody any more.
#[tokio::test]
async fn a_listener_of_their_own() {
    let (house, metrics) = House::with_metrics().await;
    let elsewhere = async |path: &str| ask_at(metrics, path, CLOSE).await;
    let proxied = format!("{CLOSE}X-Forwarded-For: 192.0.2.1\r\n");
    let numbers = read(&ask_at(metrics, "GET /metrics", &proxied).await);
    assert_eq!(numbers["signaling_connections"], 0.0);
    for path in ["GET /healthz", "GET /readyz"] {
        assert!(elsewhere(path).await.starts_with("HTTP/1.1 200 "), "{path}");
        assert!(ask(&house, path, CLOSE).await.starts_with("HTTP/1.1 200 "));
    }
    for path in ["GET /", "GET /socket"] {
        assert!(elsewhere(path).await.starts_with("HTTP/1.1 404 "), "{path}");
    }
    let answer = ask(&house, "GET /metrics", CLOSE).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    house.stop();
    house.stopped().await;
}

/// How calls come out is what peers say at their end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_counted_by_how_they_come_out() {
    let server = TestServer::start();
    let url = server.url();
    let answer = TestPeer::answer(&url, "").is_waiting().await;
    let call = TestPeer::call(&url, "--duration 200ms").exits(0);
    tokio::join!(call, answer.exits(0));
    let name = "signaling_calls_total{outcome=\"direct\"}";
    let deadline = Instant::now() + LIMIT;
    let numbers = loop {
        let mut stream = TcpStream::connect(server.addr()).await.expect("it listens");
        let request = format!(
            "GET /metrics HTTP/1.1\r\nHost: {}\r\n{CLOSE}\r\n",
            server.addr()
        );
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it reads");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .await
            .expect("it answers");
        let numbers = read(&answer);
        if numbers.get(name) == Some(&2.0) {
            break numbers;
        }
        assert!(Instant::now() < deadline, "{numbers:#?}");
    };
    assert_eq!(numbers["signaling_call_setup_seconds_count"], 2.0);
    assert!(numbers["signaling_call_setup_seconds_sum"] > 0.0);
}

/// A proxy on this machine asks for everybody.
#[tokio::test]
async fn nobody_behind_a_proxy_reads_them() {
    let house = House::usual().await;
    for header in [
        "X-Forwarded-For: 192.0.2.1",
        "Forwarded: for=192.0.2.1",
        "X-Real-IP: 192.0.2.1",
        "Via: 1.1 proxy",
    ] {
        let headers = format!("{CLOSE}{header}\r\n");
        let answer = ask(&house, "GET /metrics", &headers).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    }
    let ready = ask(&house, "GET /readyz", CLOSE).await;
    assert!(ready.starts_with("HTTP/1.1 200 "), "{ready}");
}
