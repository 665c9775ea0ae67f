//! Options by the environment.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;

use super::house::{Running, options, signaling};

/// As `docker compose` and files of systemd produce them.
#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = taken.local_addr().unwrap().to_string();
    // With options that are read to their end: the address is the last thing that can be wrong.
    let ends = |variable: &str, value: &str| {
        let mut command = signaling(&["--listen", &place]);
        let output = command.env(variable, value).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let plain = ends("SIGNALING_NOTHING", "");
    assert!(plain.1.contains("address in use"), "{plain:?}");
    let variables = options().into_iter().map(|name| {
        let name = name.to_uppercase().replace('-', "_");
        format!("SIGNALING_{name}")
    });
    let secrets = ["TURN_SECRET", "TOKEN_SECRET", "AUTH_SECRET"];
    let secrets = secrets.map(|name| format!("SIGNALING_{name}"));
    for variable in variables.chain(secrets) {
        assert_eq!(ends(&variable, ""), plain, "{variable}=");
    }
    // Such a one would be noticed.
    assert_ne!(ends("SIGNALING_ORIGIN", "here"), plain);
}

#[test]
fn nothing_does_not_win_over_the_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        "relay = \"127.0.0.1:0\"\nlog = \"json\"\nno-page = true\n",
    )
    .unwrap();
    let mut command = signaling(&["--listen", "127.0.0.1:0"]);
    command
        .arg("--config")
        .arg(file.path())
        .env("SIGNALING_RELAY", "")
        .env("SIGNALING_LOG", "")
        .env("SIGNALING_NO_PAGE", "")
        .env("RUST_LOG", "");
    let running = Running::run(&mut command);
    assert!(running.relay.is_some());
    running.signal("-TERM");
    let (_, said) = running.ends();
    let listening = "\"message\":\"listening\"";
    assert!(said.starts_with('{') && said.contains(listening), "{said}");
}

#[test]
fn switches_are_on_or_off() {
    for (value, has_page) in [("1", false), ("yes", false), ("off", true), ("0", true)] {
        let mut command = signaling(&["--listen", "127.0.0.1:0"]);
        let running = Running::run(command.env("SIGNALING_NO_PAGE", value));
        running.signal("-TERM");
        let (_, said) = running.ends();
        assert_eq!(said.contains("in a browser"), has_page, "{value}: {said}");
    }
    for name in ["NO_PAGE", "NO_STATUS", "RELAY_ALLOW_PRIVATE"] {
        let mut command = signaling(&["--relay", "127.0.0.1:0"]);
        let output = command.env(format!("SIGNALING_{name}"), "nonsense");
        let output = output.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("'nonsense'"), "{said}");
    }
}

#[test]
fn a_secret_that_is_not_used_is_warned_of_once_and_one_that_cannot_be_sent_is_refused() {
    let mut command = signaling(&["--listen", "127.0.0.1:0"]);
    let running = Running::run(command.env("SIGNALING_TOKEN_SECRET", "not-to-be-seen"));
    running.signal("-TERM");
    let (_, said) = running.ends();
    let warned = "WARN SIGNALING_TOKEN_SECRET is set, but nobody is asked for a token";
    assert_eq!(said.matches(warned).count(), 1, "{said}");
    assert!(!said.contains("not-to-be-seen"), "{said}");
    for bad in [&b"not-to-be-seen\n"[..], b"not-to-be-seen\xff"] {
        let mut command = signaling(&["--auth", "webhook", "--auth-url", "http://127.0.0.1:9/"]);
        command.env("SIGNALING_AUTH_SECRET", OsStr::from_bytes(bad));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("error: SIGNALING_AUTH_SECRET "), "{said}");
        assert!(!said.contains("not-to-be-seen"), "{said}");
    }
}
