//! Without `--json`: results on stdout, words on stderr, and not more of them than asked for.

use std::process::Command;

use super::house::House;
use super::peer::{self, Ended, MUTE, Peer};

/// A call between two people, and what both saw: the caller, then the answerer.
fn talk(caller: &[&str], answerer: &[&str]) -> (Ended, Ended) {
    let house = House::open();
    let start = |verb, more: &[&str]| {
        Peer::start(&[&[verb, "demo", "-s", &house.url][..], &MUTE, more].concat())
    };
    let mut second = start("answer", answerer);
    let mut first = start(
        "call",
        &[caller, &["--hangup-on-eof", "--name", "alice"]].concat(),
    );
    first.type_line("hello \u{1b}[31mred");
    second.wait_for_output("hello");
    second.type_line("good evening");
    first.wait_for_output("good evening");
    first.end_input();
    (
        first.finish().expect_code(0),
        second.finish().expect_code(0),
    )
}

#[test]
fn stdout_carries_messages_and_nothing_else() {
    let (caller, answerer) = talk(&[], &["--name", "bob"]);
    assert_eq!(caller.out, ["good evening"]);
    // What others write does not colour this terminal.
    assert_eq!(answerer.out, ["hello \\u{1b}[31mred"]);
    for (said, parts) in [
        (
            &caller.said,
            [
                "room \"demo\"",
                "bob: connected directly in",
                "hung up on bob (00:0",
            ],
        ),
        (
            &answerer.said,
            [
                "room \"demo\"",
                "alice: connected directly in",
                "alice hung up (00:0",
            ],
        ),
    ] {
        for part in parts {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(
            !said.contains('\u{1b}') && !said.contains("candidate"),
            "{said}"
        );
    }
}

#[test]
fn quiet_prints_results_only() {
    let (caller, answerer) = talk(&["-q"], &["-q"]);
    assert_eq!((caller.out.len(), answerer.out.len()), (1, 1));
    assert_eq!((&*caller.said, &*answerer.said), ("", ""));
}

#[test]
fn verbose_tells_candidates_and_where_the_time_went() {
    let (caller, answerer) = talk(&["-v"], &["-v", "--name", "bob"]);
    for said in [&caller.said, &answerer.said] {
        for part in [
            "our candidate: udp 127.0.0.1:",
            "their candidate: udp 127.0.0.1:",
            "DTLS ",
            "sending sound to",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    assert!(
        answerer.said.contains("alice is in the room"),
        "{}",
        answerer.said
    );
}

#[test]
fn errors_are_told_also_when_quiet() {
    let ended = peer::run(&["loopback", "-q", "--mic", "file:/nonexistent.wav"]).expect_code(9);
    assert_eq!(
        ended.said,
        "error: /nonexistent.wav: cannot be read: no such file or directory"
    );
    assert!(ended.out.is_empty());
}

/// On a terminal, which `script` makes; everything the program writes there.
fn on_a_terminal(arguments: &str, no_colour: bool) -> Option<String> {
    let line = format!("'{}' {arguments}", env!("CARGO_BIN_EXE_peer-cli"));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    command
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .env_remove("RUST_LOG");
    if no_colour {
        command.env("NO_COLOR", "1");
    }
    let output = command.stdin(std::process::Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("pseudo-terminal") {
        super::skipped(&format!(
            "people::colours_come_on_a_terminal_unless_no_color_is_set: {said}"
        ));
        return None;
    }
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn colours_come_on_a_terminal_unless_no_color_is_set() {
    let version = Command::new("script").arg("--version").output();
    if !version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("util-linux")) {
        super::skipped(
            "people::colours_come_on_a_terminal_unless_no_color_is_set: needs script of util-linux",
        );
        return;
    }
    let Some(page) = on_a_terminal("call --help", false) else {
        return;
    };
    assert!(
        page.contains("\u{1b}["),
        "help is set in bold on a terminal: {page}"
    );
    for arguments in ["call --help", "loopback -vv --duration 300ms"] {
        let plain = on_a_terminal(arguments, true).unwrap();
        assert!(
            !plain.is_empty() && !plain.contains('\u{1b}'),
            "{arguments}: {plain}"
        );
    }
}
