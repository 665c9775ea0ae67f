//! The demo: a spoken sentence goes to an echoing peer in another process, and what comes back is measured.

use std::fs;
use std::io::{IsTerminal, Write, stdout};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::live::Snapshot;
use crate::resample::resample;
use crate::setup::{self, Job};
use crate::workspace::{Profile, Programs, Workspace};
use lab::Process;
use lab::compare::{self, Match};
use lab::wav::{self, Sound};

/// For a program to say that it is ready.
pub(crate) const READY: Duration = Duration::from_secs(20);
/// For the whole call; the sentence takes seven seconds.
const CALL: Duration = Duration::from_secs(60);
/// Below this the sentence is not recognised in what came back.
const RECOGNISED: f64 = 0.6;
/// Sounds are compared at this rate, in hertz: that of the sentence.
pub(crate) const COMPARED_AT: u32 = 16_000;
/// The sentence, from the top of the checkout.
pub(crate) const SENTENCE: &str = "tests/fixtures/speech.wav";

/// What the calling peer said about the call.
#[derive(Default)]
struct Said {
    connected: Value,
    ended: Value,
    /// Of sample 0 of what was sent and of what was heard, in microseconds.
    clocks: [Option<f64>; 2],
    last: Snapshot,
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    setup::ensure(&[Job::Build])?;
    println!("building (the first time takes some minutes)");
    let programs = workspace.build(Profile::Release)?;
    let sentence = workspace.path(SENTENCE);
    let heard = workspace.scratch("demo")?.join("heard.wav");
    let said = call(&programs, &sentence, &heard)?;
    let found = measure(&sentence, &heard)?;
    println!("\n{}\n", summary(&said, &found));
    println!(
        "  sent    {}\n  heard   {}",
        sentence.display(),
        heard.display()
    );
    ensure!(
        found.similarity >= RECOGNISED,
        "the sentence did not come back: similarity {:.2}, at least {RECOGNISED} expected",
        found.similarity
    );
    Ok(())
}

/// Server, echoing peer and calling peer; ends when the sentence has been sent.
fn call(programs: &Programs, sentence: &Path, heard: &Path) -> Result<Said> {
    let (_server, url) = start_server(Command::new(&programs.signaling))?;
    let mut echo = Command::new(&programs.peer);
    echo.args([
        "answer", "--echo", "--stun", "off", "--json", "--server", &url,
    ]);
    let mut echo = Process::start("peer-cli answer", echo)?;
    echo.wait_for("signaling", READY)?;

    let mut caller = Command::new(&programs.peer);
    caller.args([
        "call",
        "--server",
        &url,
        "--stun",
        "off",
        "--json",
        "--stats",
        "500ms",
        "--hangup-on-eof",
    ]);
    caller
        .arg("--mic")
        .arg(file(sentence))
        .arg("--speaker")
        .arg(file(heard));
    let mut caller = Process::start("peer-cli call", caller)?;
    let said = follow(&mut caller)?;
    caller.succeed(READY)?;
    echo.succeed(READY)?;
    Ok(said)
}

/// Starts a server on a port of its own choice; the address is where peers find it.
pub(crate) fn start_server(mut command: Command) -> Result<(Process, String)> {
    command.args(["--listen", "127.0.0.1:0", "--json"]);
    let mut server = Process::start("signaling", command)?;
    let listening = server.wait_for("listening", READY)?;
    let address = listening.value["addr"]
        .as_str()
        .context("signaling names no address")?;
    let url = format!("ws://{address}/socket");
    Ok((server, url))
}

/// The value of an option that names a file.
pub(crate) fn file(path: &Path) -> String {
    format!("file:{}", path.display())
}

fn follow(caller: &mut Process) -> Result<Said> {
    let deadline = Instant::now() + CALL;
    let mut said = Said::default();
    while let Some(event) = caller.next(deadline)? {
        let value = event.value;
        match value["event"].as_str().unwrap_or_default() {
            "connected" => said.connected = value,
            "ended" => said.ended = value,
            "track" => {
                let side = usize::from(value["direction"] == "remote");
                said.clocks[side] = value["clock_us"].as_f64();
            }
            "stats" => {
                said.last = Snapshot::read(&value);
                show(&said.last.line(value["t"].as_f64().unwrap_or_default()));
            }
            "warning" => show(&format!(
                "note: {}",
                value["text"].as_str().unwrap_or_default()
            )),
            _ => {}
        }
    }
    if stdout().is_terminal() {
        println!();
    }
    Ok(said)
}

/// Rewrites one line of a terminal; anywhere else every line stays.
fn show(line: &str) {
    if stdout().is_terminal() {
        print!("\r{line:<78}");
        stdout().flush().ok();
    } else {
        println!("{line}");
    }
}

fn measure(sentence: &Path, heard: &Path) -> Result<Match> {
    Ok(compare::compare(
        &read(sentence)?,
        &read(heard)?,
        compare::DRIFT,
    ))
}

/// Any recording, at the rate at which they are compared.
pub(crate) fn read(path: &Path) -> Result<Sound> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let sound = wav::parse(&bytes).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(resample(&sound, COMPARED_AT))
}

fn summary(said: &Said, found: &Match) -> String {
    let end = |side: &str| said.connected[side]["address"].as_str().unwrap_or("?");
    let path = said.connected["path"].as_str().unwrap_or("?");
    let whole = &said.ended["summary"];
    let rtt = whole["rtt"]
        .as_f64()
        .map(|seconds| seconds * 1e3)
        .or(said.last.rtt);
    let loss = whole["loss"]
        .as_f64()
        .map(|share| share * 100.0)
        .or(said.last.loss);
    // The two files begin at different instants of one clock.
    let [sent, heard] = said.clocks;
    let apart = heard
        .zip(sent)
        .map_or(0.0, |(heard, sent)| (heard - sent) / 1e3);
    let delay = found.delay * 1e3 + apart;
    let alike = found.similarity;
    let rows = [
        ("set-up", phases(&said.connected["setup_ms"])),
        (
            "path",
            format!("{path}, {} to {}", end("local"), end("remote")),
        ),
        (
            "round trip",
            rtt.map_or("-".into(), |ms| format!("{ms:.2} ms")),
        ),
        (
            "loss",
            loss.map_or("-".into(), |percent| format!("{percent:.1} %")),
        ),
        (
            "delay",
            format!("{delay:.0} ms from mouth to ear, there and back"),
        ),
        (
            "similarity",
            format!("{alike:.2} (correlation of the waveforms; 1 is identical, 0 unrelated)"),
        ),
    ];
    rows.map(|(name, text)| format!("  {name:<10}  {text}"))
        .join("\n")
}

fn phases(setup: &Value) -> String {
    let phase = |name: &str| {
        setup[name]
            .as_f64()
            .map_or("-".into(), |ms| format!("{ms:.1}"))
    };
    let [total, signaling, offer_answer] = ["total", "signaling", "offer_answer"].map(phase);
    let [ice, dtls] = ["ice", "dtls"].map(phase);
    format!(
        "{total} ms: signaling {signaling}, offer and answer {offer_answer}, ice {ice}, dtls {dtls}"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Said, summary};
    use lab::compare::Match;

    #[test]
    fn the_table_counts_from_the_common_clock() {
        let said = Said {
            connected: json!({
                "path": "direct", "local": {"address": "127.0.0.1:1"}, "remote": {"address": "127.0.0.1:2"},
                "setup_ms": {"signaling": 2.0, "offer_answer": 3.04, "ice": 8.0, "total": 20.5},
            }),
            ended: json!({"summary": {"rtt": 0.0004, "loss": 0.002}}),
            clocks: [Some(1_000_000.0), Some(1_012_000.0)],
            ..Said::default()
        };
        let found = Match {
            delay: 0.05,
            similarity: 0.934,
            missing_start: 0.0,
            missing_end: 0.0,
        };
        assert_eq!(
            summary(&said, &found)
                .lines()
                .map(str::trim)
                .collect::<Vec<_>>(),
            [
                "set-up      20.5 ms: signaling 2.0, offer and answer 3.0, ice 8.0, dtls -",
                "path        direct, 127.0.0.1:1 to 127.0.0.1:2",
                "round trip  0.40 ms",
                "loss        0.2 %",
                "delay       62 ms from mouth to ear, there and back",
                "similarity  0.93 (correlation of the waveforms; 1 is identical, 0 unrelated)",
            ]
        );
    }
}
