//! `peer-cli doctor` in laboratories that have a fault, one for each verdict.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod nats;
mod relays;
mod servers;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use lab::{CoturnOptions, Family, Nat, NatLab, Process, Side};
use serde_json::Value;

/// Nothing takes longer, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(40);

fn lab(test: &str, family: Family, relay: CoturnOptions) -> Option<NatLab> {
    lab::may_build(&format!("doctor::{test}")).then(|| NatLab::with_relay(family, relay).unwrap())
}

/// What the doctor said on host A.
struct Report {
    code: i32,
    checks: Vec<Value>,
    verdict: Value,
}

/// The doctor with these words more; no signaling server and no sound card unless the words name them.
fn doctor(lab: &NatLab, password: &str, words: &[&str]) -> Report {
    let mut process = start(lab, password, words);
    let deadline = Instant::now() + PATIENCE;
    let (mut checks, mut verdict) = (Vec::new(), Value::Null);
    while let Some(event) = process.next(deadline).unwrap() {
        if event.is("check") {
            checks.push(event.value);
        } else if event.is("verdict") {
            verdict = event.value;
        }
    }
    Report {
        code: process.finish(PATIENCE).unwrap(),
        checks,
        verdict,
    }
}

fn start(lab: &NatLab, password: &str, words: &[&str]) -> Process {
    let mut command = lab.command(Side::A, program("peer-cli"));
    command
        .args(["doctor", "--json", "--mic", "off", "--speaker", "off"])
        .args(words);
    if !words.contains(&"--server") {
        command.args(["--server", "off"]);
    }
    if !password.is_empty() {
        command
            .env("PEER_TURN_PASSWORD", password)
            .args(["--turn-user", lab.credentials().0]);
    }
    Process::start("doctor", command).unwrap()
}

/// The programs of this build stand two folders above this test's.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join(name);
    assert!(
        path.is_file(),
        "{} is missing (run \"cargo build\", or \"cargo test --workspace\")",
        path.display()
    );
    path
}

/// Drops what comes to the relayed addresses of the laboratory: they are mute.
fn mute_relay(lab: &NatLab) {
    let mut nft = lab.public().command("nft");
    let rule = "insert rule inet public inp udp dport 49160-49960 drop";
    assert!(nft.args(rule.split(' ')).status().unwrap().success());
}

impl Report {
    #[track_caller]
    fn is(&self, code: i32, codes: &[&str], words: &str) -> &Self {
        let verdict = &self.verdict;
        assert_eq!(
            (self.code, &verdict["codes"]),
            (code, &serde_json::json!(codes)),
            "{self}"
        );
        assert_eq!(verdict["ok"], code == 0, "{self}");
        assert!(
            verdict["text"].as_str().unwrap().contains(words),
            "no {words:?}: {self}"
        );
        self
    }

    /// The checks of this name.
    fn all(&self, name: &str) -> Vec<&Value> {
        self.checks
            .iter()
            .filter(|check| check["name"] == name)
            .collect()
    }

    #[track_caller]
    fn one(&self, name: &str) -> &Value {
        match self.all(name)[..] {
            [check] => check,
            ref all => panic!("{} checks of {name}: {self}", all.len()),
        }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self
            .checks
            .iter()
            .chain([&self.verdict])
            .map(ToString::to_string);
        write!(
            f,
            "exit {}:\n  {}",
            self.code,
            lines.collect::<Vec<_>>().join("\n  ")
        )
    }
}

const ALL_WELL: &str = "All is well";
