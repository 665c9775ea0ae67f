//! Many rooms of two: how long a message takes.

use anyhow::{Context, Result};

use super::super::{Bench, Scale};
use super::load::{Runs, alternating, words};
use super::servers::{Kind, Servers};
use super::{STORM, compared, milliseconds};
use crate::figures::{Spread, Table};

/// Clients, at two messages a second each.
const CLIENTS: (usize, usize) = (2000, 200);
/// Of these so many at the same moment, where not each has its own.
const TOGETHER: usize = 20;
/// Many: a hundredth of all messages is soon late where a host takes a virtual machine's processors. All of them count.
const ROUNDS: (usize, usize) = (9, 1);
/// Bar: the share of what Node's `ws` takes.
const LATENCY: f64 = 0.5;

/// Each client at a moment of its own, at random; and, beside Node's, many at the same moment.
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

/// Beside Node's where that was measured; how far that can be believed; and whether all came.
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
    let what = format!("{who}: p99 from when it was due, with the load's lateness, ms");
    let since_due = of_each(all, |runs| runs.spread("/since_due_ms/p99"));
    table.informs(&what, since_due);
    let what = format!("{who}: how late the load itself was (p99), ms");
    table.informs(&what, of_each(all, |runs| runs.spread("/late_ms/p99")));
    let what = format!("{who}: what the host took of the processors, %");
    table.informs(&what, of_each(all, Runs::stolen));
    let lost = ours.failures();
    let what = format!("{who}: lost or doubled");
    table.at_most(&what, lost, format!("{lost}"), 0.0, "");
    Ok(())
}

/// The median of each server's runs.
fn of_each(all: &[Runs], figure: impl Fn(&Runs) -> Option<Spread>) -> String {
    let each = all.iter().filter_map(|runs| {
        let figure = figure(runs)?;
        Some(format!("{} {:.2}", runs.kind.name(), figure.median))
    });
    each.collect::<Vec<_>>().join(", ")
}
