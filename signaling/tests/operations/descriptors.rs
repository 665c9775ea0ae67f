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

/// The limit as the system sees it: soft and hard.
#[cfg(target_os = "linux")]
fn permitted(running: &Running) -> [u64; 2] {
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.pid())).unwrap();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let mut words = line.unwrap().split_whitespace();
    [(); 2].map(|()| words.next().unwrap().parse().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn it_takes_as_many_as_it_may_have_and_warns_of_too_few() {
    let limits = "ulimit -Sn 100; ulimit -Hn 400";
    let few = ["--max-half-open", "100", "--max-connections"];
    let warned = |connections: &str| {
        let running = limited(limits, &[&few[..], &[connections]].concat());
        running.says("listening on");
        assert_eq!(permitted(&running), [400, 400]);
        running.signal("-TERM");
        running.ends().1
    };
    assert!(!warned("150").contains("descriptors"));
    let said = warned("1000");
    let told = said.lines().filter(|line| line.contains("descriptors"));
    let told: Vec<_> = told.collect();
    let [told] = told[..] else { panic!("{said}") };
    for words in [
        "WARN",
        "400 file",
        "--max-connections 1000",
        "ulimit -n",
        "LimitNOFILE=",
    ] {
        assert!(told.contains(words), "{said}");
    }
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
        let name = "signaling_refused_total{reason=\"cannot accept\"} ";
        let count = answer.lines().find_map(|line| line.strip_prefix(name));
        if count.is_some_and(|count| count != "0") {
            break;
        }
        assert!(Instant::now() < deadline, "{answer}");
    }
    running.signal("-TERM");
    let (code, said) = running.ends();
    assert_eq!(code, Some(0));
    assert!(said.contains("(see ulimit -n)"), "{said}");
}
