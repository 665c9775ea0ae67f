//! `--log json`: for programs that gather logs.

use super::house::{Running, signaling};

/// Every line is an object of its own.
fn lines(said: &str) -> Vec<serde_json::Value> {
    let line = |line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
    said.lines().map(line).collect()
}

/// Also that of a failure.
#[test]
fn a_log_in_json_is_nothing_else() {
    let running = Running::start(&["--log", "json"]);
    let addr = running.addr;
    running.signal("-TERM");
    let (code, said) = running.ends();
    assert_eq!(code, Some(0));
    let lines = lines(&said);
    let listening = |line: &&serde_json::Value| line["message"] == "listening";
    let listening = lines.iter().find(listening).unwrap();
    assert_eq!(listening["addr"], addr.to_string());
    assert_eq!(listening["level"], "INFO");
    let failed = signaling(&["--auth", "token", "--log", "json"])
        .output()
        .unwrap();
    assert_eq!(failed.status.code(), Some(2));
    let failed: serde_json::Value = serde_json::from_slice(&failed.stderr).unwrap();
    assert!(
        failed["message"]
            .as_str()
            .unwrap()
            .contains("SIGNALING_TOKEN_SECRET")
    );
}
