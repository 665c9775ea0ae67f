//! What the signaling server carries and costs: beside Node's `ws` and others of its kind, beside the system calls alone, held
//! by many and by one that does not read.

use std::fs;

use anyhow::{Context, Result};

use super::{Bench, Scale};
use crate::figures::{Spread, Table};

mod beside;
mod load;
mod pairs;
mod servers;
mod slow;

use load::{Runs, alternating, in_thousands, number, once, words};
use servers::{Kind, Servers};

const ROUNDS: (usize, usize) = (5, 1);
/// Fan-out: one room, in which each speaks again as soon as all others have heard it.
const FAN_OUT: (usize, usize) = (64, 16);
/// Clients that only stay, and how many of them come in a second.
const IDLE: (usize, usize) = (15_000, 1000);
const STORM: (usize, usize) = (2000, 500);
/// Descriptors that a process keeps for other things.
const OTHERS: usize = 500;

/// Bars: shares of what Node's `ws` takes and carries.
const CPU: f64 = 1.0 / 3.0;
const THROUGHPUT: f64 = 2.0;
/// KiB resident for each connection. A build for tests has larger tasks.
const MEMORY: (f64, f64) = (16.0, 32.0);

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let mut table = Table::default();
    if !cfg!(target_os = "linux") {
        table.informs(
            "processor time and memory",
            "not measured: they are read from /proc, which only Linux has".into(),
        );
        return Ok(table);
    }
    let servers = match bench.scale {
        Scale::Full => Servers::all(bench),
        Scale::Short => Servers::ours(bench),
    };
    let fan_out = fan_out(bench, &servers, &mut table)?;
    let pairs = pairs::run(bench, &servers, &mut table)?;
    let idle = idle(bench, &servers, &mut table)?;
    slow::run(bench, &servers, &mut table)?;
    if bench.scale == Scale::Full {
        table.beside = Some(beside::comparison(&servers, &fan_out, &pairs, &idle)?);
    }
    Ok(table)
}

fn fan_out(bench: &Bench, servers: &Servers, table: &mut Table) -> Result<Vec<Runs>> {
    let members = bench.rounds(FAN_OUT.0, FAN_OUT.1);
    let time = bench.rounds(3, 1);
    let how = words(&format!(
        "--connections {members} --room {members} --closed --warm 0.5 --hold {time}"
    ));
    let kinds = servers.present(match bench.scale {
        Scale::Full => &[
            Kind::Ours,
            Kind::Node,
            Kind::Floor,
            Kind::Gathered,
            Kind::YWebrtc,
        ],
        Scale::Short => &[Kind::Ours],
    });
    let rounds = bench.rounds(ROUNDS.0, ROUNDS.1);
    let all = alternating(bench, servers, &kinds, rounds, &how)?;
    let ours = Runs::of(&all, Kind::Ours).context("ours was not measured")?;
    let what = |figure: &str| format!("{members} in a room, closed loop: {figure}");
    let (cpu, rate) = ("/server_cpu_s_per_100k", "/deliveries_per_s");
    if let Some(node) = Runs::of(&all, Kind::Node) {
        let share = ours.median(cpu) / node.median(cpu);
        let shown = compared(share, seconds(ours, cpu), seconds(node, cpu));
        let what_is = what("processor time for 100,000 deliveries, of what Node `ws` takes");
        table.judged(&what_is, shown, "≤ ⅓".into(), share <= CPU);
        let times = ours.median(rate) / node.median(rate);
        let shown = compared(times, thousands(ours, rate), thousands(node, rate));
        let what = what("deliveries a second, of what Node `ws` makes");
        table.at_least(&what, times, shown, THROUGHPUT);
    } else {
        table.informs(
            &what("processor time for 100,000 deliveries"),
            seconds(ours, cpu),
        );
        table.informs(&what("deliveries a second"), thousands(ours, rate));
    }
    let lost = ours.failures();
    table.at_most(&what("lost or doubled"), lost, format!("{lost}"), 0.0, "");
    for kind in [Kind::Floor, Kind::Gathered] {
        if let Some(floor) = Runs::of(&all, kind) {
            let what = what(&format!("processor time, of what {} take", kind.name()));
            let times = ours.median(cpu) / floor.median(cpu);
            table.informs(
                &what,
                compared(times, seconds(ours, cpu), seconds(floor, cpu)),
            );
        }
    }
    Ok(all)
}

/// Those that only stay; and what memory they keep once each has heard an offer.
fn idle(bench: &Bench, servers: &Servers, table: &mut Table) -> Result<Vec<Runs>> {
    let descriptors = descriptors().unwrap_or(usize::MAX);
    let wanted = bench.rounds(IDLE.0, IDLE.1);
    let clients = wanted.min(descriptors.saturating_sub(OTHERS)) / 2 * 2;
    let storm = bench.rounds(STORM.0, STORM.1);
    let staying = format!("--connections {clients} --room 2 --storm {storm}");
    let kinds = servers.present(match bench.scale {
        Scale::Full => &[
            Kind::Ours,
            Kind::Node,
            Kind::YWebrtc,
            Kind::Peerjs,
            Kind::Matchbox,
        ],
        Scale::Short => &[Kind::Ours],
    });
    let all = alternating(
        bench,
        servers,
        &kinds,
        1,
        &words(&format!("{staying} --hold 3")),
    )?;
    let run = Runs::of(&all, Kind::Ours).and_then(|ours| ours.runs.first());
    let run = run.context("ours was not measured")?;
    let errors = number(&run.connected, "/errors");
    let opening = number(&run.connected, "/opening_ms/p99");
    let gathered = number(&run.connected, "/gathered_s");
    let shown =
        format!("{errors}; all are there after {gathered:.1} s, each after {opening:.1} ms (p99)");
    let what = format!("{clients} connections, {storm} more each second: errors");
    table.at_most(&what, errors, shown, 0.0, "");
    let what =
        format!("{clients} connections, {descriptors} descriptors permitted: ended within 3 s");
    let ended = number(&run.result, "/ended");
    table.at_most(&what, ended, format!("{ended}"), 0.0, "");
    let memory = number(&run.result, "/bytes_per_connection") / 1024.0;
    let bar = if bench.scale == Scale::Full {
        MEMORY.0
    } else {
        MEMORY.1
    };
    let what = "resident memory of each idle connection";
    table.at_most(what, memory, format!("{memory:.1} KiB"), bar, " KiB");
    if bench.scale == Scale::Full {
        let spoken =
            "--connections 4000 --room 2 --storm 2000 --rate 0.5 --size 6000 --warm 2 --hold 2";
        let run = once(bench, servers, Kind::Ours, &words(spoken))?;
        let memory = number(&run.result, "/bytes_per_connection") / 1024.0;
        let what = "the same once each has said and heard 6000 bytes in one frame";
        table.informs(what, format!("{memory:.1} KiB"));
    }
    Ok(all)
}

/// How many this process, and those that it starts, may open.
fn descriptors() -> Option<usize> {
    let page = fs::read_to_string("/proc/self/limits").ok()?;
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn compared(share: f64, ours: String, theirs: String) -> String {
    format!("{share:.2}: {ours} to {theirs}")
}

fn seconds(runs: &Runs, path: &str) -> String {
    shown(runs.spread(path), |value| format!("{value:.3}"), " s")
}

fn milliseconds(runs: &Runs, path: &str) -> String {
    shown(runs.spread(path), |value| format!("{value:.2}"), " ms")
}

fn thousands(runs: &Runs, path: &str) -> String {
    shown(runs.spread(path), in_thousands, "")
}

fn shown(spread: Option<Spread>, digits: impl Fn(f64) -> String, unit: &str) -> String {
    spread.map_or("not measured".into(), |spread| {
        let [median, least, greatest] = [spread.median, spread.least, spread.greatest].map(digits);
        format!("{median}{unit} ({least}…{greatest})")
    })
}
