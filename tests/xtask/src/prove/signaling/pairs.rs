//! Many rooms of two: how long a message takes.

use anyhow::{Context, Result};

use super::super::{Bench, Scale};
use super::load::{Runs, Turns, alternating, in_turns, words};
use super::servers::{Kind, Servers};
use super::{STORM, compared, milliseconds};
use crate::figures::{Spread, Table};

/// Clients, at two messages a second each.
const CLIENTS: (usize, usize) = (2000, 200);
/// Of these so many at the same moment, where not each has its own.
const TOGETHER: usize = 20;
/// Of half a second each, by turns. Where a host takes a virtual machine's processors away, for milliseconds each time, a hundredth of
/// all messages is late whatever the server does: so those turns are judged in which it took nothing, of whichever server.
const TURNS: Turns = Turns {
    most: 150,
    undisturbed: 30,
};
/// Where there is no bar.
const FEWER_TURNS: Turns = Turns {
    most: 40,
    undisturbed: 15,
};
const FEW_TURNS: Turns = Turns {
    most: 2,
    undisturbed: 2,
};
/// Undisturbed turns without which nothing is judged.
const LEAST: usize = 10;
/// Of those servers for which there is no bar.
const ROUNDS: usize = 3;
/// Bar: the share of what Node's `ws` takes.
const LATENCY: f64 = 0.5;

const P99: &str = "/latency_ms/p99";

/// Each client at a moment of its own, at random; and, beside Node's, many at the same moment.
pub(super) fn run(bench: &Bench, servers: &Servers, table: &mut Table) -> Result<Vec<Runs>> {
    let clients = bench.rounds(CLIENTS.0, CLIENTS.1);
    let storm = bench.rounds(STORM.0, STORM.1);
    let crowd = format!("--connections {clients} --room 2 --rate 2 --storm {storm}");
    let measure = |kinds: &[Kind], turns: Turns, more: &str| {
        let how = words(&format!("{crowd} --turns --warm 0.2 --hold 0.5 {more}"));
        in_turns(bench, servers, &servers.present(kinds), turns, &how)
    };
    let who = format!("{clients} in rooms of two, 2 messages a second each");
    if bench.scale == Scale::Short {
        let ours = measure(&[Kind::Ours], FEW_TURNS, "")?;
        delay(&ours, &who, table, None)?;
        return Ok(ours);
    }
    let kinds = [Kind::Ours, Kind::Node, Kind::Floor];
    let mut all = measure(&kinds, TURNS, "")?;
    delay(&all, &who, table, Some(LATENCY))?;
    let together = format!("--together {TOGETHER}");
    let bursts = measure(&kinds, FEWER_TURNS, &together)?;
    let who = format!("the same, {TOGETHER} of them at the same moment");
    delay(&bursts, &who, table, None)?;
    let others = servers.present(&[Kind::YWebrtc, Kind::Peerjs, Kind::Matchbox]);
    let how = words(&format!("{crowd} --warm 1 --hold 4"));
    all.extend(alternating(bench, servers, &others, ROUNDS, &how)?);
    Ok(all)
}

/// Beside Node's where that was measured; how far that can be believed; and whether all came.
fn delay(all: &[Runs], who: &str, table: &mut Table, bar: Option<f64>) -> Result<()> {
    let ours = Runs::of(all, Kind::Ours).context("ours was not measured")?;
    let calm: Vec<Runs> = all.iter().map(Runs::undisturbed).collect();
    if let Some(node) = Runs::of(all, Kind::Node) {
        beside_node(&calm, who, table, bar)?;
        let what =
            format!("{who}: the same of all turns, also of those in which the host took some");
        let share = ours.median(P99) / node.median(P99);
        let shown = compared(share, milliseconds(ours, P99), milliseconds(node, P99));
        table.informs(&what, shown);
        let what = format!("{who}: p99 of the messages of all turns together");
        let [mine, theirs] = [ours, node].map(Runs::whole);
        let [shown, other] = [mine, theirs].map(|time| format!("{time:.2} ms"));
        table.informs(&what, compared(mine / theirs, shown, other));
        let what =
            format!("{who}: turns, in how many the host took nothing, and how much in all of them");
        let turns = of_each(all, |runs| {
            let (turns, calm) = (runs.runs.len(), runs.undisturbed().runs.len());
            Some(format!("{turns}, {calm}, {:.1} %", runs.stolen() * 100.0))
        });
        table.informs(&what, turns);
    } else {
        let what = format!("{who}: p99 from sender to receiver");
        table.informs(&what, milliseconds(ours, P99));
    }
    let median = |path: &'static str| move |runs: &Runs| two_digits(runs.spread(path));
    let what = format!("{who}: p99 from when it was due, with the load's lateness, ms");
    table.informs(&what, of_each(&calm, median("/since_due_ms/p99")));
    let what = format!("{who}: how late the load itself was (p99), ms");
    table.informs(&what, of_each(&calm, median("/late_ms/p99")));
    let lost = ours.failures();
    let what = format!("{who}: lost or doubled");
    table.at_most(&what, lost, format!("{lost}"), 0.0, "");
    Ok(())
}

/// What is judged: undisturbed turns. And how near ours comes to what the system calls alone take.
fn beside_node(calm: &[Runs], who: &str, table: &mut Table, bar: Option<f64>) -> Result<()> {
    let of = |kind| Runs::of(calm, kind).context("a server was not measured");
    let (ours, node, floor) = (of(Kind::Ours)?, of(Kind::Node)?, of(Kind::Floor)?);
    let what = format!("{who}: p99 from sender to receiver, of Node `ws`");
    let share = ours.median(P99) / node.median(P99);
    let shown = compared(share, milliseconds(ours, P99), milliseconds(node, P99));
    match bar {
        Some(_) if calm.iter().any(|runs| runs.runs.len() < LEAST) => {
            let why = "the host took too much of the processors to judge: try again";
            table.judged(
                &what,
                format!("{shown}; {why}"),
                format!("≤ {LATENCY}"),
                false,
            );
        }
        Some(bar) => table.at_most(&what, share, shown, bar, ""),
        None => table.informs(&what, shown),
    }
    let what = format!("{who}: the same of the system calls alone, of Node `ws`");
    let share = floor.median(P99) / node.median(P99);
    let shown = compared(share, milliseconds(floor, P99), milliseconds(node, P99));
    table.informs(&what, shown);
    Ok(())
}

fn two_digits(spread: Option<Spread>) -> Option<String> {
    spread.map(|spread| format!("{:.2}", spread.median))
}

/// Of each server.
fn of_each(all: &[Runs], figure: impl Fn(&Runs) -> Option<String>) -> String {
    let each = all.iter().filter_map(|runs| {
        let figure = figure(runs)?;
        Some(format!("{} {figure}", runs.kind.name()))
    });
    each.collect::<Vec<_>>().join(", ")
}
