//! How long it takes to be connected: in one process, and between two of them.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Bench, inside};
use crate::demo::start_server;
use crate::figures::{Spread, Table};
use lab::Namespace;
use lab::Process;

/// For one call from its start to its end.
const LIMIT: Duration = Duration::from_secs(60);
/// Bars in milliseconds.
const ONE_PROCESS: f64 = 25.0;
const TWO_PROCESSES: f64 = 150.0;
const PHASES: [&str; 4] = ["signaling", "offer_answer", "ice", "dtls"];

pub(super) fn run(bench: &Bench) -> Result<Table> {
    // On the plainest machine where that can be made, else as it comes.
    let namespace = crate::namespace::make().ok();
    let mut table = Table::default();
    loopback(bench, namespace.as_ref(), &mut table)?;
    two_processes(bench, namespace.as_ref(), &mut table)?;
    Ok(table)
}

fn loopback(bench: &Bench, namespace: Option<&Namespace>, table: &mut Table) -> Result<()> {
    let rounds = bench.rounds(10, 2);
    let totals: Result<Vec<f64>> = (0..rounds)
        .map(|_| {
            let command = inside(namespace, &bench.programs.peer, &["loopback", "--json"]);
            let mut peer = Process::start("peer-cli loopback", command)?;
            // Both sides say when they are connected: the later one counts.
            let first = total(&peer.wait_for("connected", LIMIT)?.value)?;
            let second = total(&peer.wait_for("connected", LIMIT)?.value)?;
            peer.wait_for("exit", LIMIT)?;
            peer.succeed(LIMIT)?;
            Ok(first.max(second))
        })
        .collect();
    let spread = Spread::of(totals?).context("no round was made")?;
    let what = format!("`peer-cli loopback`: set-up in one process, {rounds} rounds");
    table.at_most(
        &what,
        spread.median,
        format!("{spread} ms"),
        bench.bar(ONE_PROCESS),
        " ms",
    );
    Ok(())
}

fn two_processes(bench: &Bench, namespace: Option<&Namespace>, table: &mut Table) -> Result<()> {
    let rounds = bench.rounds(10, 2);
    let (_server, url) = start_server(inside(namespace, &bench.programs.signaling, &[]))?;
    let still = [
        "--mic",
        "silence",
        "--speaker",
        "null",
        "--stun",
        "off",
        "--json",
        "--server",
        &url,
    ];
    let peer = |words: &[&str]| inside(namespace, &bench.programs.peer, &[words, &still].concat());
    let mut answer = Process::start("peer-cli answer", peer(&["answer", "--keep"]))?;
    answer.wait_for("signaling", LIMIT)?;

    let mut walls = Vec::new();
    let mut setups = Vec::new();
    for _ in 0..rounds {
        let mut call = Process::start("peer-cli call", peer(&["call", "--expect", "connected"]))?;
        let connected = call.wait_for("connected", LIMIT)?;
        walls.push((connected.at - call.started()).as_secs_f64() * 1e3);
        setups.push(connected.value["setup_ms"].clone());
        call.succeed(LIMIT)?;
        answer.wait_for("ended", LIMIT)?;
    }
    let spread = Spread::of(walls).context("no round was made")?;
    let what = format!("two processes: from starting `call` to `connected`, {rounds} rounds");
    table.at_most(
        &what,
        spread.median,
        format!("{spread} ms"),
        bench.bar(TWO_PROCESSES),
        " ms",
    );
    table.informs("of which by phase (`setup_ms`)", by_phase(&setups));
    Ok(())
}

fn total(connected: &Value) -> Result<f64> {
    connected["setup_ms"]["total"]
        .as_f64()
        .context("\"connected\" carries no setup_ms.total")
}

/// The median of every phase.
fn by_phase(setups: &[Value]) -> String {
    let median = |phase: &str| {
        Spread::of(
            setups
                .iter()
                .filter_map(|setup| setup[phase].as_f64())
                .collect(),
        )
    };
    let known = PHASES
        .iter()
        .filter_map(|phase| Some((phase.replace('_', " and "), median(phase)?.median)));
    known
        .map(|(phase, median)| format!("{phase} {median:.1}"))
        .collect::<Vec<_>>()
        .join(", ")
        + " ms"
}
