//! A gentle end: readiness first, nobody new, and those who are in one after another.

use std::thread;
use std::time::{Duration, Instant};

use super::house::{Running, until};
use super::socket::{Heard, Socket, UPGRADE, ask};

const CLIENTS: usize = 50;

fn status(house: &Running, request: &str) -> String {
    let answer = ask(house.connect(), request);
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn is_draining(house: &Running) {
    let ready = || status(house, "GET /readyz");
    until("503 for /readyz", || ready() == "503", ready);
}

#[test]
fn everybody_is_told_in_their_turn() {
    let house = Running::start(&["--drain", "2s"]);
    let clients = (0..CLIENTS).map(|_| Socket::open(house.connect()));
    let clients: Vec<_> = clients.collect();
    assert_eq!(status(&house, "GET /readyz"), "200");
    let start = Instant::now();
    let told: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            thread::spawn(move || {
                let heard = client.hears();
                (start.elapsed(), heard)
            })
        })
        .collect();
    house.signal("-TERM");
    is_draining(&house);
    // At once: there are still some who have not been told.
    let waiting = told.iter().filter(|client| !client.is_finished()).count();
    assert!(waiting > 0, "readiness goes first");
    assert_eq!(status(&house, "GET /healthz"), "200");
    let refused = ask(house.connect(), UPGRADE);
    assert!(
        refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: 5"),
        "{refused}"
    );
    let (mut times, heard): (Vec<Duration>, Vec<Heard>) = told
        .into_iter()
        .map(|client| client.join().unwrap())
        .unzip();
    assert!(
        heard
            .iter()
            .all(|heard| *heard == Heard::Close(1001, "server going away".into())),
        "{heard:?}"
    );
    times.sort();
    let spread = times[CLIENTS - 1] - times[0];
    assert!(spread >= Duration::from_secs(1), "{times:?}");
    let (code, said) = house.ends();
    assert_eq!(code, Some(0));
    assert!(
        said.contains("draining for 2s") && said.contains("drained"),
        "{said}"
    );
}

#[test]
fn nobody_to_tell_is_no_reason_to_wait_and_the_second_signal_neither() {
    let house = Running::start(&["--drain", "10m"]);
    house.signal("-INT");
    assert_eq!(house.ends().0, Some(0));
    let house = Running::start(&["--drain", "10m"]);
    let mut client = Socket::open(house.connect());
    house.signal("-TERM");
    is_draining(&house);
    house.signal("-TERM");
    assert_eq!(
        client.hears(),
        Heard::Close(1001, "server going away".into())
    );
    assert_eq!(house.ends().0, Some(0));
}
