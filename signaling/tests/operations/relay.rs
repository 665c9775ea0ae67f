//! Its own relay, and one elsewhere.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use super::house::{LIMIT, Running, signaling};
use super::socket::{Socket, UPGRADE};

#[test]
fn a_relay_is_announced_answers_and_ends_in_time() {
    let running = Running::start(&["--relay", "127.0.0.1:0", "--no-page"]);
    let (addr, relay) = (running.addr, running.relay.unwrap());
    let mut stream = TcpStream::connect(relay).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    // RFC 8489 section 5: a Binding request; among junk, of which nobody is told.
    let request = b"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl";
    for junk in [
        &b"\x00"[..],
        &[0; 500],
        b"\x00\x01\x00\x04\x21\x12\xa4\x42abcdefghijkl\xff\xff\xff\xff",
    ] {
        socket.send_to(junk, relay).unwrap();
    }
    socket.send_to(request, relay).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = [0; 20];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(
        (&answer[..2], &answer[8..]),
        (&[1, 1][..], &b"abcdefghijkl"[..])
    );
    let mut answer = [0; 100];
    let (_, from) = socket.recv_from(&mut answer).unwrap();
    assert_eq!((&answer[..2], from), (&[1, 1][..], relay));
    let start = Instant::now();
    running.signal("-TERM");
    let (code, said) = running.ends();
    let took = start.elapsed();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(1), "took {took:?}");
    let told = format!("listening on ws://{addr}/socket\nrelay on udp and tcp {relay}\n");
    assert!(said.ends_with(&told), "{said}");
    // Its port is free at once.
    let again = Running::start(&["--relay", &relay.to_string()]);
    assert_eq!(again.relay, Some(relay));
    let output = signaling(&["--listen", "127.0.0.1:0", "--relay", &relay.to_string()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!("error: cannot relay on {relay}: address in use");
    assert!(said.contains(&expected), "{said}");
}

#[test]
fn a_relay_elsewhere_needs_the_secret_and_nobody_is_told_it() {
    let arguments = ["--turn-url", "turn:relay.example:3478"];
    let output = signaling(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: --turn-url turn:relay.example:3478 needs the secret that it shares with that relay: \
         set SIGNALING_TURN_SECRET\n"
    );
    let mut command = signaling(&arguments);
    command
        .args(["--listen", "127.0.0.1:0"])
        .env("SIGNALING_TURN_SECRET", "not-to-be-seen")
        .env("RUST_LOG", "trace");
    let running = Running::run(&mut command);
    let (_peer, heard) = Socket::welcomed(running.connect(), UPGRADE, "0123456789abcdef");
    let credential = heard.split_once(r#""credential":""#).unwrap().1;
    let credential = credential.split_once('"').unwrap().0;
    assert!(
        credential.len() > 20 && !heard.contains("not-to-be-seen"),
        "{heard}"
    );
    running.signal("-TERM");
    let (_, said) = running.ends();
    assert!(
        !said.contains(credential) && !said.contains("not-to-be-seen"),
        "{said}"
    );
}
