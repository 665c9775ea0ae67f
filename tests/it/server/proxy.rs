//! Behind a reverse proxy: whom it speaks for counts, if it is one of ours.

use signaling::{Limits, ServerOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::Client;
use super::house::House;
use super::http::{CLOSE, UPGRADE, ask};

fn behind(proxy: &str) -> ServerOptions {
    ServerOptions {
        trusted_proxies: vec![proxy.parse().expect("a network")],
        limits: Limits {
            max_connections_per_ip: 1,
            ..Limits::default()
        },
        ..ServerOptions::default()
    }
}

fn from(client: &str) -> String {
    format!("{UPGRADE}X-Forwarded-For: 6.6.6.6, {client}\r\n")
}

/// Stays open.
async fn enters(house: &House, headers: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(house.addr).await.expect("it listens");
    let request = format!("GET /socket HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut line = [0; 12];
    stream.read_exact(&mut line).await.expect("it answers");
    (stream, String::from_utf8_lossy(&line).into_owned())
}

#[tokio::test]
async fn each_client_has_its_own_limits_and_a_forged_address_is_of_no_use() {
    let house = House::open(behind("127.0.0.0/8")).await;
    let (_one, said) = enters(&house, &from("192.0.2.1")).await;
    assert_eq!(said, "HTTP/1.1 101");
    // The same client, whatever it writes in front; and one that is said to be on this machine.
    let forged = format!("{UPGRADE}X-Forwarded-For: 192.0.2.7, 192.0.2.1\r\n");
    assert_eq!(enters(&house, &forged).await.1, "HTTP/1.1 429");
    let rfc_7239 = format!("{UPGRADE}Forwarded: for=\"192.0.2.1:80\"\r\n");
    assert_eq!(enters(&house, &rfc_7239).await.1, "HTTP/1.1 429");
    let (_other, said) = enters(&house, &from("192.0.2.2")).await;
    assert_eq!(said, "HTTP/1.1 101");
    let local = format!("{UPGRADE}X-Forwarded-For: 127.0.0.1\r\n");
    let (_local, said) = enters(&house, &local).await;
    assert_eq!(said, "HTTP/1.1 101");
    assert_eq!(enters(&house, &local).await.1, "HTTP/1.1 429");
    // Who comes without a proxy from this machine is exempt, as ever.
    let _two = (
        Client::tutorial(&house, "").await,
        Client::tutorial(&house, "").await,
    );
}

#[tokio::test]
async fn others_are_believed_nothing() {
    let house = House::open(behind("192.0.2.0/24")).await;
    let (one, two) = (
        enters(&house, &from("192.0.2.1")).await,
        enters(&house, &from("192.0.2.1")).await,
    );
    assert_eq!([one.1, two.1], ["HTTP/1.1 101", "HTTP/1.1 101"]);
    let headers = format!("{CLOSE}X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n");
    let answer = ask(&house, "GET /", &headers).await;
    assert!(
        !answer.contains("evil.example") && !answer.contains("wss://"),
        "{answer}"
    );
}

#[tokio::test]
async fn urls_are_those_that_the_client_knows_and_metrics_stay_at_home() {
    let house = House::open(behind("127.0.0.1")).await;
    let proxied = format!(
        "{CLOSE}X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: calls.example\r\n"
    );
    let answer = ask(&house, "GET /", &proxied).await;
    assert!(
        answer.contains("--server wss://calls.example/socket"),
        "{answer}"
    );
    assert!(answer.contains("open https://calls.example/"), "{answer}");
    let page = ask(&house, "GET /", &format!("{proxied}Accept: text/html\r\n")).await;
    assert!(
        page.contains("connect-src 'self' ws://calls.example wss://calls.example;"),
        "{page}"
    );
    let answer = ask(&house, "GET /metrics", &proxied).await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    let answer = ask(&house, "GET /metrics", CLOSE).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
