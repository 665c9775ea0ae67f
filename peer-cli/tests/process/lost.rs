//! Exit 5 and 6: no path to the peer, or none any more.

use super::ends::{call_with, pair};
use super::house::House;
use super::peer::{MUTE, Peer, command};

#[test]
fn every_packet_is_lost() {
    let house = House::open();
    let mut answerer = call_with("answer", &house, &["--name", "bob"]);
    answerer.wait_for("signaling");
    let more = ["--impair", "loss=100%", "--timeout", "3s"];
    let caller = call_with("call", &house, &more).finish().expect_code(5);
    assert!(
        caller.reason().contains("no path to bob"),
        "{}",
        caller.reason()
    );
    assert!(caller.all("connected").is_empty() && caller.all("ended").is_empty());
    // Who waits goes on waiting, for a caller with a better network.
    call_with("call", &house, &["--duration", "100ms"])
        .finish()
        .expect_code(0);
    let answerer = answerer.finish().expect_code(0);
    assert_eq!(answerer.all("connected").len(), 1);
}

#[test]
fn the_two_have_no_network_in_common() {
    if std::net::UdpSocket::bind("[::1]:0").is_err() {
        super::skipped(
            "lost::the_two_have_no_network_in_common: needs IPv6 on the loopback interface",
        );
        return;
    }
    let house = House::open();
    let mut answerer = call_with("answer", &house, &["--name", "bob"]);
    answerer.wait_for("signaling");
    let arguments = [
        &["call", "--json", "-s", &house.url, "--timeout", "3s"][..],
        &MUTE,
    ]
    .concat();
    let mut other = command(&arguments);
    other.env("PEER_BIND", "::1");
    let caller = Peer::spawn(other, true).finish().expect_code(5);
    assert!(
        caller.reason().contains("no path to bob"),
        "{}",
        caller.reason()
    );
    let ours = caller
        .all("candidate")
        .into_iter()
        .filter(|event| event["direction"] == "local");
    for candidate in ours {
        assert!(
            candidate["address"].as_str().unwrap().starts_with("[::1]:"),
            "only what was named: {candidate}"
        );
    }
}

#[test]
fn a_killed_peer_is_missed() {
    let house = House::open();
    let (mut caller, answerer) = pair(&house, &["--timeout", "2s"], &["--name", "bob"]);
    answerer.vanish();
    caller.wait_until("warning", |event| {
        event["text"] == "no packets from bob for 5s"
    });
    let caller = caller.finish().expect_code(6);
    assert_eq!(caller.reason(), "bob vanished");
    assert_eq!(caller.one("ended")["by"], "lost");
}
