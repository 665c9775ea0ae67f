//! Standard input and output as other programs use them.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

use super::ends::{call_with, pair};
use super::house::House;
use super::peer::{MUTE, PATIENCE, command};

#[test]
fn a_reader_that_has_had_enough_is_a_clean_end() {
    let house = House::open();
    let mut answerer = call_with("answer", &house, &[]);
    answerer.wait_for("signaling");
    // No duration: nothing but the closed pipe ends it.
    let arguments = [
        &["call", "--json", "-s", &house.url, "--stats", "100ms"][..],
        &MUTE,
    ]
    .concat();
    let mut child = command(&arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert_eq!(super::schema::event(line.trim_end())["event"], "hello");
    drop(output);
    let start = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(start.elapsed() < PATIENCE);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains("error"),
        "{output:?}"
    );
}

#[test]
fn messages_go_both_ways_in_order_and_none_is_lost_at_the_end() {
    let house = House::open();
    let (mut caller, answerer) = pair(
        &house,
        &["--hangup-on-eof", "-m", "one", "-m", "two"],
        &["-m", "back"],
    );
    let many: Vec<String> = (0..200).map(|number| format!("line {number}")).collect();
    for line in &many {
        caller.type_line(line);
    }
    caller.end_input();
    let caller = caller.finish().expect_code(0);
    let answerer = answerer.finish().expect_code(0);
    let texts = |ended: &super::peer::Ended| -> Vec<String> {
        ended
            .all("message")
            .iter()
            .map(|event| event["text"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(texts(&caller), ["back"]);
    assert_eq!(
        texts(&answerer),
        [&["one".to_owned(), "two".to_owned()][..], &many].concat()
    );
}

#[test]
fn lines_typed_before_anybody_is_there_are_kept() {
    let house = House::open();
    let mut caller = call_with("call", &house, &["--hangup-on-eof"]);
    caller.type_line("early");
    caller.wait_until("warning", |event| event["code"] == "nobody-waits");
    let answerer = call_with("answer", &house, &[]);
    caller.wait_for("connected");
    caller.end_input();
    caller.finish().expect_code(0);
    assert_eq!(
        answerer.finish().expect_code(0).one("message")["text"],
        "early"
    );
}
