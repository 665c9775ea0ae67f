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

#[test]
fn mistakes_in_what_is_typed_are_told_in_json_too() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "log = \"json\"\nmax-room = true\n").unwrap();
    let file = file.path().to_str().unwrap();
    for (arguments, variable, said) in [
        (&["--log", "json", "--max-rom", "3"][..], "", "'--max-rom'"),
        (&["--max-room", "many"], "json", "'many'"),
        (&["--config", file], "", "max-room is true"),
    ] {
        let mut command = signaling(arguments);
        command.env("SIGNALING_LOG", variable);
        let output = command.env("RUST_LOG", "hyper=debug").output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let lines = lines(&String::from_utf8(output.stderr).unwrap());
        let [line] = &lines[..] else {
            panic!("{lines:?}")
        };
        assert_eq!(line["level"], "ERROR");
        let message = line["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
        assert!(output.stdout.is_empty());
    }
    // What was asked for is what people read.
    for asked in ["--help", "-h", "--version"] {
        let output = signaling(&["--log", "json", asked]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(!output.stdout.starts_with(b"{") && output.stderr.is_empty());
    }
}
