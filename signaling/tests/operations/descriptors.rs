//! More connections than the system permits.

use std::io::{Read, Write};
use std::time::Instant;

use super::house::{LIMIT, Running, within};

/// The program, and what the shell is to say before it starts it.
fn limited(limits: &str, arguments: &[&str]) -> Running {
    let mut shell = within("sh");
    shell
        .args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_signaling"))
        .args(["--listen", "127.0.0.1:0"])
        .args(arguments);
    Running::run(&mut shell)
}

/// Whoever cannot be accepted is counted, too, and whoever comes later is served.
#[test]
fn without_descriptors_nobody_is_accepted_until_some_are_free() {
    let running = limited("ulimit -n 24", &["--http-timeout", "1s"]);
    // More than it has descriptors for; they wait in the kernel until the first are too slow to ask.
    let _crowd: Vec<_> = (0..40).map(|_| running.connect()).collect();
    let deadline = Instant::now() + LIMIT;
    loop {
        let mut stream = running.connect();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        if answer.contains("signaling_refused_total{reason=\"cannot accept\"}") {
            break;
        }
        assert!(Instant::now() < deadline, "{answer}");
    }
    running.signal("-TERM");
    let (code, said) = running.ends();
    assert_eq!(code, Some(0));
    assert!(said.contains("(see ulimit -n)"), "{said}");
}
