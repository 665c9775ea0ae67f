//! Many rooms of two: how long a message takes.

use anyhow::{Context, Result};

use super::super::{Bench, Scale};
use super::load::{Runs, alternating, words};
use super::servers::{Kind, Servers};
use super::{ROUNDS, STORM, compared, milliseconds};
use crate::figures::Table;

/// Clients, at two messages a second each.
const CLIENTS: (usize, usize) = (2000, 200);
/// Of these so many at the same moment, where not each has its own.
const TOGETHER: usize = 20;
/// Bar: the share of what Node's `ws` takes.
const LATENCY: f64 = 0.5;

/// Each client at a moment of its own, as people are; and, beside Node's, many at the same moment.
pub(super) fn run(bench: &Bench, servers: &Servers, table: &mut Table) -> Result<Vec<Runs>> {
    let clients = bench.rounds(CLIENTS.0, CLIENTS.1);
    let (time, storm) = (bench.rounds(4, 2), bench.rounds(STORM.0, STORM.1));
    let how =
        format!("--connections {clients} --room 2 --rate 2 --storm {storm} --warm 1 --hold {time}");
    let rounds = bench.rounds(ROUNDS.0, ROUNDS.1);
    let measure = |kinds: &[Kind], how: &str| {
        let kinds = servers.present(kinds);
        alternating(bench, servers, &kinds, rounds, &words(how))
    };
    let who = format!("{clients} in rooms of two, 2 messages a second each");
    if bench.scale == Scale::Short {
        let ours = measure(&[Kind::Ours], &how)?;
        delay(&ours, &who, table, None)?;
        return Ok(ours);
    }
    let all = [
        Kind::Ours,
        Kind::Node,
        Kind::YWebrtc,
        Kind::Peerjs,
        Kind::Matchbox,
    ];
    let all = measure(&all, &how)?;
    delay(&all, &who, table, Some(LATENCY))?;
    let bursts = format!("{how} --together {TOGETHER}");
    let bursts = measure(&[Kind::Ours, Kind::Node], &bursts)?;
    let who = format!("the same, {TOGETHER} of them at the same moment");
    delay(&bursts, &who, table, None)?;
    Ok(all)
}

/// Beside Node's where that was measured; how far the load can be believed; and whether all came.
fn delay(all: &[Runs], who: &str, table: &mut Table, bar: Option<f64>) -> Result<()> {
    let ours = Runs::of(all, Kind::Ours).context("ours was not measured")?;
    let p99 = "/latency_ms/p99";
    let what = format!("{who}: p99 from sender to receiver");
    if let Some(node) = Runs::of(all, Kind::Node) {
        let what = format!("{what}, of Node `ws`");
        let share = ours.median(p99) / node.median(p99);
        let shown = compared(share, milliseconds(ours, p99), milliseconds(node, p99));
        match bar {
            Some(bar) => table.at_most(&what, share, shown, bar, ""),
            None => table.informs(&what, shown),
        }
    } else {
        table.informs(&what, milliseconds(ours, p99));
    }
    let late = milliseconds(ours, "/late_ms/p99");
    let what = format!("{who}: how late the load itself was, p99");
    table.informs(&what, late);
    let stolen = all.iter().filter_map(|runs| {
        let stolen = runs.stolen()?;
        Some(format!("{}: {stolen} %", runs.kind.name()))
    });
    let what = format!("{who}: what the host took of the processors meanwhile");
    table.informs(&what, stolen.collect::<Vec<_>>().join("; "));
    let lost = ours.failures();
    let what = format!("{who}: lost or doubled");
    table.at_most(&what, lost, format!("{lost}"), 0.0, "");
    Ok(())
}
