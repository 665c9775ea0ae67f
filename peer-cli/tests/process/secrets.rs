//! A token in a server's URL is for the server alone.

use std::net::TcpListener;
use std::process::Stdio;

use super::house::House;
use super::peer::{Ended, MUTE, Peer, command, run};

const SECRET: &str = "hunter2";

#[track_caller]
fn is_kept(ended: &Ended) {
    let all = format!("{}\n{}", ended.out.join("\n"), ended.said);
    assert!(!all.contains(SECRET), "{all}");
    assert!(!all.is_empty());
}

#[test]
fn it_is_in_no_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    for (url, code) in [
        (format!("ws://{addr}/socket?token={SECRET}"), 3),
        (format!("ws://user:{SECRET}@{addr}/socket"), 2),
        (format!("http://user:{SECRET}@{addr}/?token={SECRET}"), 2),
        (format!("ws://{addr}/?room=no/room&token={SECRET}"), 2),
    ] {
        for more in [&["--json"][..], &["-vv"]] {
            let arguments = [&["call", "-s", &url, "--timeout", "300ms"][..], &MUTE, more].concat();
            is_kept(&run(&arguments).expect_code(code));
        }
    }
}

#[test]
fn it_is_in_no_log_of_a_call_that_works() {
    let house = House::open();
    let url = format!("{}?token={SECRET}", house.url);
    let start = |verb, more: &[&str]| {
        let mut peer = Peer::start(&[&[verb, "-vv", "-s", &url][..], &MUTE, more].concat());
        peer.wait_for_words("in the global room");
        peer
    };
    let answerer = start("answer", &[]);
    let caller = start("call", &["--duration", "200ms"])
        .finish()
        .expect_code(0);
    let answerer = answerer.finish().expect_code(0);
    is_kept(&caller);
    is_kept(&answerer);
}

/// The crates below log more than they should: frames, with what they carry.
#[test]
fn it_is_in_no_log_of_the_crates_below() {
    let house = House::at("127.0.0.1:0", &["--relay", "127.0.0.1:0"]);
    let url = format!("{}?token={SECRET}", house.url);
    let start = |verb, more: &[&str]| {
        let mut command = command(&[&[verb, "-s", &url][..], &MUTE, more].concat());
        command.env("RUST_LOG", "trace").stdin(Stdio::piped());
        let mut peer = Peer::spawn(command, false);
        peer.wait_for_words("in the global room");
        peer
    };
    let answerer = start("answer", &[]);
    let caller = start("call", &["--duration", "200ms"]);
    for ended in [caller.finish(), answerer.finish()] {
        let ended = ended.expect_code(0);
        is_kept(&ended);
        assert!(ended.said.contains("TRACE"), "{}", ended.said);
        for word in ["credential", "remotePwd", "ice-pwd", "\"secret"] {
            assert!(!ended.said.contains(word), "{word}: {}", ended.said);
        }
    }
}
