//! Exit 3 and 4: nobody there to introduce us, or nobody there to answer; and 2 where something else is.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::ends::{call_with, pair};
use super::house::House;
use super::peer::{Ended, MUTE, Peer, run};

fn call(url: &str, timeout: &str) -> Ended {
    let arguments = [
        &["call", "--json", "-s", url, "--timeout", timeout][..],
        &MUTE,
    ]
    .concat();
    run(&arguments)
}

/// A server that answers everybody with these bytes.
fn answering(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/socket", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.write_all(bytes).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            // Until the client has read it and gone.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    url
}

#[test]
fn nothing_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/socket", listener.local_addr().unwrap());
    drop(listener);
    let start = Instant::now();
    let ended = call(&url, "1s").expect_code(3);
    assert!(
        start.elapsed() >= Duration::from_secs(1),
        "it tries for as long as it may"
    );
    let words = format!("cannot reach {url}: connection refused (is \"signaling\" running?)");
    assert_eq!(ended.reason(), words);
    // Said at once, not only at the end.
    assert_eq!(
        ended.one("warning")["text"],
        words.split(" (").next().unwrap()
    );
    assert!(
        ended.said.contains(&format!("error: {words}")),
        "{}",
        ended.said
    );
}

#[test]
fn a_server_that_comes_late_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    drop(listener);
    let url = format!("ws://{addr}/socket");
    let mut answerer = Peer::start(&[&["answer", "--json", "-s", &url][..], &MUTE].concat());
    answerer.wait_until("warning", |event| event["code"] == "unreachable");
    let house = House::at(&addr, &[]);
    answerer.wait_until("signaling", |event| event["state"] == "connected");
    call_with("call", &house, &["--duration", "100ms"])
        .finish()
        .expect_code(0);
    answerer.finish().expect_code(0);
}

#[test]
fn something_else_listens() {
    let refused = answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let ended = call(&refused, "10s").expect_code(2);
    assert!(
        ended.reason().contains(&refused) && ended.reason().contains("404"),
        "{}",
        ended.reason()
    );
    assert!(
        ended.events.last().unwrap()["t"].as_f64().unwrap() < 5.0,
        "it is of no use to try again"
    );
    let mail = answering(b"220 mail.example ESMTP\r\n");
    let ended = call(&mail, "10s").expect_code(2);
    assert!(ended.reason().contains(&mail), "{}", ended.reason());
}

#[test]
fn the_room_is_full() {
    let house = House::at("127.0.0.1:0", &["--max-room", "1"]);
    let mut answerer = call_with("answer", &house, &[]);
    answerer.wait_for("signaling");
    let ended = call(&house.url, "10s").expect_code(3);
    assert!(ended.reason().contains("full"), "{}", ended.reason());
}

#[test]
fn the_server_is_full() {
    let house = House::at("127.0.0.1:0", &["--max-connections", "1"]);
    let mut answerer = call_with("answer", &house, &[]);
    answerer.wait_for("signaling");
    let ended = call(&house.url, "1s").expect_code(3);
    let words = format!(
        "cannot reach {}: the server answered 503 Service Unavailable: this server is full (1 connections, see --max-connections)",
        house.url
    );
    assert_eq!(ended.reason(), words);
    assert_eq!(ended.one("warning")["text"], words, "said at once");
}

#[test]
fn nobody_comes() {
    let house = House::open();
    let ended = call_with("call", &house, &["demo", "--timeout", "1s"])
        .finish()
        .expect_code(4);
    assert_eq!(
        ended.one("warning")["text"],
        "nobody waits in \"demo\" yet (1s)"
    );
    assert_eq!(ended.reason(), "nobody answered in \"demo\" within 1s");
    // Waiting has a limit only when it is given.
    let ended = call_with("answer", &house, &["--timeout", "300ms"])
        .finish()
        .expect_code(4);
    assert_eq!(ended.reason(), "nobody called in the room within 0.3s");
}

#[test]
fn a_busy_answerer_is_not_disturbed() {
    let house = House::open();
    let (mut caller, mut answerer) = pair(&house, &["--hangup-on-eof"], &["--name", "bob"]);
    let second = call_with("call", &house, &["--timeout", "10s"])
        .finish()
        .expect_code(4);
    assert_eq!(second.reason(), "\"bob\" is busy");
    assert!(second.all("connected").is_empty());
    caller.type_line("still talking");
    answerer.wait_until("message", |event| event["text"] == "still talking");
    caller.end_input();
    caller.finish().expect_code(0);
    let answerer = answerer.finish().expect_code(0);
    assert_eq!(answerer.all("connected").len(), 1);
}

#[test]
fn both_wait_or_both_call() {
    let house = House::open();
    let mut first = call_with("answer", &house, &[]);
    first.wait_for("signaling");
    let mut second = call_with("answer", &house, &[]);
    second.wait_until("warning", |event| {
        event["text"] == "the other peer waits too; run \"call\" on one side"
    });
    drop((first, second));

    let house = House::open();
    let more = ["--duration", "300ms", "--timeout", "15s"];
    let (first, second) = (
        call_with("call", &house, &more),
        call_with("call", &house, &more),
    );
    let (first, second) = (
        first.finish().expect_code(0),
        second.finish().expect_code(0),
    );
    first.one("connected");
    second.one("connected");
}
