//! The plainest machine there is: a network of its own with a loopback interface and nothing else, and no sound card.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod machine;

use std::time::{Duration, Instant};

use serde_json::Value;

use machine::Machine;

/// From the caller's start to its `connected`; a build without optimisation on a busy machine gets more than a second.
const SOON: Duration = Duration::from_secs(3);

/// The test's machine, or nothing where none can be made; then that is said past the test harness.
fn machine(test: &str) -> Option<Machine> {
    match Machine::new() {
        Ok(machine) => Some(machine),
        Err(why) => {
            lab::skipped(
                &format!("namespace::{test}"),
                &format!("needs root ({why})"),
            );
            None
        }
    }
}

#[test]
fn three_commands_without_an_argument_are_a_call() {
    let Some(machine) = machine("three_commands_without_an_argument_are_a_call") else {
        return;
    };
    let mut server = machine.start("signaling", &[]);
    server.says("listening on ws://127.0.0.1:8080/socket");
    let mut answerer = machine.start("peer-cli", &["answer"]);
    answerer.says("in the global room of ws://127.0.0.1:8080/socket");
    let start = Instant::now();
    let mut caller = machine.start("peer-cli", &["call"]);
    caller.says("connected directly in");
    let took = start.elapsed();
    assert!(took < SOON, "took {took:?}");
    answerer.says("connected directly in");
    // There is no sound card, which is no reason to give up.
    for peer in [&mut caller, &mut answerer] {
        peer.says("no microphone: sending silence (try --mic tone:440)");
        peer.says("no speaker: what arrives is not played");
    }
    caller.writes("hello");
    answerer.prints("hello");
    caller.interrupt();
    assert_eq!(caller.ends(), 130);
    answerer.says("hung up (00:0");
    assert_eq!(answerer.ends(), 0);
}

#[test]
fn who_calls_first_waits_for_the_answerer() {
    let Some(machine) = machine("who_calls_first_waits_for_the_answerer") else {
        return;
    };
    let mut server = machine.start("signaling", &[]);
    server.says("listening on");
    let mut caller = machine.start("peer-cli", &["call"]);
    caller.says("nobody waits in the room yet (30s)");
    let start = Instant::now();
    let mut answerer = machine.start("peer-cli", &["answer"]);
    answerer.says("connected directly in");
    caller.says("connected directly in");
    let took = start.elapsed();
    assert!(took < SOON, "took {took:?}");
}

#[test]
fn even_the_server_may_come_last() {
    let Some(machine) = machine("even_the_server_may_come_last") else {
        return;
    };
    let mut caller = machine.start("peer-cli", &["call"]);
    caller.says(
        "cannot reach ws://127.0.0.1:8080/socket: connection refused (is \"signaling\" running?)",
    );
    let mut answerer = machine.start("peer-cli", &["answer"]);
    answerer.says("cannot reach ws://127.0.0.1:8080/socket");
    let mut server = machine.start("signaling", &[]);
    server.says("listening on");
    caller.says("connected directly in");
    answerer.says("connected directly in");
}

#[test]
fn loopback_needs_nothing_at_all() {
    let Some(machine) = machine("loopback_needs_nothing_at_all") else {
        return;
    };
    let (code, output) = machine.run("peer-cli", &["loopback", "--json"]);
    assert_eq!(code, 0, "{output}");
    let events: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let connected = events.iter().filter(|event| event["event"] == "connected");
    assert_eq!(connected.count(), 2, "{output}");
    let heard = events.iter().filter(|event| event["event"] == "audio");
    assert_eq!(heard.count(), 2, "{output}");
    assert_eq!(events.last().unwrap()["event"], "exit");
}

#[test]
fn devices_says_that_there_are_none() {
    let Some(machine) = machine("devices_says_that_there_are_none") else {
        return;
    };
    let mut people = machine.start("peer-cli", &["devices"]);
    people.says(
        "no sound devices found (calls work with --mic tone:440 and --speaker file:heard.wav)",
    );
    assert_eq!(people.ends(), 0);
    let (code, output) = machine.run("peer-cli", &["devices", "--json"]);
    assert_eq!(code, 0, "{output}");
    let names: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = names
        .iter()
        .filter_map(|event: &Value| event["event"].as_str())
        .collect();
    assert_eq!(names, ["hello", "warning", "exit"]);
    // One that was named must be there.
    let mut named = machine.start("peer-cli", &["call", "--mic", "USB"]);
    named.says("error: microphone \"USB\": not found");
    assert_eq!(named.ends(), 7);
}
