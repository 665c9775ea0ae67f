use super::*;

#[test]
fn mistakes_say_what_is_wrong_and_what_to_do() {
    for (line, part) in [
        ("", "no command given"),
        ("pipe", "unrecognized subcommand 'pipe'"),
        ("call --sever x", "a similar argument exists: '--server'"),
        ("call a/b", "a room has only letters"),
        ("call --name ä", "a name has only letters"),
        ("call --name=", "a name has at least one character"),
        ("answer --to bob", "unexpected argument '--to'"),
        ("call --keep", "unexpected argument '--keep'"),
        (
            "call a -s ws://h/s?room=b",
            "two rooms given: \"a\", and \"b\" in the server's URL (leave one out)",
        ),
        ("call --peers 0", "0 is not in 1..=1000"),
        (
            "call --allow-origin example.org",
            "not a web origin (write https://example.org",
        ),
        (
            "call --allow-origin https://example.org/path",
            "not a web origin",
        ),
        (
            "call --stun example.org",
            "--stun: \"example.org\" is not a STUN URL",
        ),
        (
            "call --turn stun:a",
            "--turn: \"stun:a\" is not a TURN URL like turn:host:3478",
        ),
        (
            "call --turn turn:a --turn-user u",
            "--turn-user u needs a password: set PEER_TURN_PASSWORD",
        ),
        (
            "call --turn turn:a --no-relay",
            "--no-relay and --turn do not go together",
        ),
        (
            "call --relay-only --no-relay",
            "the argument '--relay-only' cannot be used with '--no-relay'",
        ),
        (
            "call --relay-only --expect direct",
            "--expect direct can never be met with --relay-only",
        ),
        (
            "call --stun off --stun stun:a",
            "--stun off and a STUN server do not go together",
        ),
        ("call --bind localhost", "not an IP address"),
        (
            "call --bind 0.0.0.0",
            "stands for every address, which is the default",
        ),
        (
            "call --impair loss=200%",
            "loss: \"200%\" is more than 100%",
        ),
        ("call --impair-seed 1", "--impair <SPEC>"),
        (
            "call --timeout 30",
            "\"30\" has no unit (write 30s or 30ms)",
        ),
        ("call --duration 0s", "must be more than 0"),
        (
            "call --expect message=(",
            "\"(\" is not a regular expression: unclosed group",
        ),
        (
            "call --expect tone",
            "\"tone\" needs a frequency (write tone=440)",
        ),
        (
            "call --expect audio --speaker off",
            "--expect audio can never be met with --speaker off",
        ),
        ("call --expect direct --expect relay", "exclude each other"),
        ("call --max-loss 1", "\"1\" has no unit (write 1%)"),
        (
            "call --speaker stdout --json",
            "--speaker stdout and --json both need stdout",
        ),
        ("call -q -v", "cannot be used with"),
        ("loopback --server ws://h", "unexpected argument '--server'"),
    ] {
        is_explained(line, part);
    }
}

#[test]
fn mistakes_about_sound() {
    for (line, part) in [
        ("call --ptime 30", "not one of 10, 20, 40, 60 (ms)"),
        (
            "call --mic file:a.wav --record ./a.wav",
            "--record would overwrite ./a.wav, which --mic plays (give another name)",
        ),
        (
            "call --speaker file:./a.wav --record a.wav",
            "--record and --speaker both write a.wav (give two names)",
        ),
        (
            "call --stereo --codec pcmu,pcma",
            "--stereo needs Opus, which --codec leaves out (add opus)",
        ),
        (
            "call --stereo --ns",
            "--ns is for one voice, and --stereo sends two channels as they are (leave one out)",
        ),
        ("call --bitrate 5k", "must be from 6k to 510k bit/s"),
        (
            "call --echo --mic default",
            "--echo sends back what arrives and needs no source (leave out --mic)",
        ),
        (
            "call --echo --ns",
            "--ns processes what a source gives, and --echo sends back what arrives (leave one out)",
        ),
        (
            "call --agc --mic off",
            "--agc has nothing to process with --mic off (leave one out)",
        ),
        (
            "call --aec --speaker off",
            "--aec takes away what the speaker plays, and there is none with --speaker off",
        ),
        (
            "call --jitter 200..20",
            "\"200..20\" ends before it begins (write 20..200)",
        ),
        (
            "call --codec g729",
            "no codec \"g729\" (opus, pcmu or pcma)",
        ),
        (
            "call --codec opus,pcmu,opus",
            "--codec names opus twice (leave one out)",
        ),
        ("call --dtmf 1x", "no digit 'x' (0 to 9, *, #, A to D;"),
        (
            "call --dtmf 1 --mic off",
            "--dtmf is sent beside sound (use --mic silence instead of off)",
        ),
    ] {
        is_explained(line, part);
    }
}

/// In one line that holds this part.
fn is_explained(line: &str, part: &str) {
    let reason = mistake(line);
    assert!(reason.contains(part), "{line}: {reason}");
    assert!(
        !reason.contains('\n') && !reason.contains("Usage"),
        "{line}: {reason}"
    );
}

#[test]
fn servers() {
    for (server, url) in [
        ("ws://h", "ws://h/socket"),
        ("ws://h:1?token=x", "ws://h:1/socket?token=x"),
        ("ws://h/", "ws://h/"),
        ("WSS://H/a", "wss://h/a"),
        (
            "ws://[::1]:8080/socket?room=demo",
            "ws://[::1]:8080/socket?room=demo",
        ),
    ] {
        assert_eq!(call(&format!("-s {server}")).signaling.url().as_str(), url);
    }
    for (server, reason) in [
        (
            "http://h:8080/socket",
            "\"http://h:8080/socket\" is not a WebSocket URL (did you mean ws://h:8080/socket?)",
        ),
        (
            "https://h",
            "\"https://h\" is not a WebSocket URL (did you mean wss://h?)",
        ),
        (
            "localhost:8080",
            "\"localhost:8080\" is not a WebSocket URL (did you mean ws://localhost:8080?)",
        ),
        (
            "ftp://h",
            "\"ftp://h\" is not a WebSocket URL: ftp:// is not ws:// or wss://",
        ),
        ("ws://", "\"ws://\" is not a WebSocket URL: empty host"),
        (
            "ws://h/?room=a%20b",
            "the server's URL names a wrong room: a room has only letters a to z",
        ),
    ] {
        let got = mistake(&format!("call -s {server}"));
        assert!(got.starts_with(reason), "{server}: {got}");
    }
    let away = |line: &str| call(line).network.loopback;
    assert!(away("-s ws://localhost:1") && away("-s ws://[::1]") && away("--bind ::1 --loopback"));
    assert!(!away("-s ws://192.0.2.1") && !away("-s wss://localhost.example.org"));
    // Only the addresses that were named.
    assert!(!away("-s ws://localhost:1 --bind 192.0.2.1") && !away("--bind ::1"));
}

#[test]
fn secrets_in_a_wrong_url_are_not_repeated() {
    for server in [
        "http://u:hunter2@h/?token=hunter2",
        "ws://hunter2@h",
        "h?token=hunter2",
        "ws://h:x/?t=hunter2",
    ] {
        let stop = parsed(&format!("call --json -s {server}")).unwrap_err();
        assert!(
            !stop.error.render().to_string().contains("hunter2"),
            "{server}"
        );
        assert!(
            !stop.exit_line(Duration::ZERO).unwrap().contains("hunter2"),
            "{server}"
        );
    }
    assert!(mistake("call -s ws://hunter2@h").contains("\"ws://…@h\" carries a user or password"));
}

#[test]
fn with_json_a_mistake_still_ends_with_an_exit_event() {
    let line = |line: &str| {
        parsed(line)
            .unwrap_err()
            .exit_line(Duration::from_millis(2))
    };
    assert_eq!(
        line("call --json --duration 0s").unwrap(),
        "{\"event\":\"exit\",\"t\":0.002,\"code\":2,\
         \"reason\":\"invalid value '0s' for '--duration <TIME>': must be more than 0\"}"
    );
    assert!(line("call --nonsense --json").is_some());
    assert_eq!(line("call --nonsense"), None);
    assert_eq!(line("call --nonsense -- --json"), None);
    assert_eq!(line("call --json --help"), None);
}
