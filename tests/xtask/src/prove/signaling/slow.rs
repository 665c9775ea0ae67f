//! One in a room who does not read: the others do not notice, and it is put out.

use anyhow::{Context, Result};

use super::super::{Bench, Scale};
use super::load::{Run, number, once, words};
use super::servers::{Kind, Servers};
use crate::figures::{Spread, Table};

const ROUNDS: (usize, usize) = (5, 1);
/// Members, messages a second of each, bytes of a message, seconds.
const FULL: (usize, usize, usize, usize) = (64, 20, 2000, 5);
const SHORT: (usize, usize, usize, usize) = (16, 40, 8000, 4);
/// How much later the others may hear with it than if it reads, as a share: two runs of the same differ by as much.
const LATER: f64 = 1.5;
/// The default --max-queue, and what was on its way to that queue.
const HELD: f64 = 1.1;
const MEBIBYTE: f64 = 1024.0 * 1024.0;
/// Close code of shared/PROTOCOL.md.
const TOO_SLOW: &str = "4008";

pub(super) fn run(bench: &Bench, servers: &Servers, table: &mut Table) -> Result<()> {
    let (members, rate, size, time) = match bench.scale {
        Scale::Full => FULL,
        Scale::Short => SHORT,
    };
    let room = format!(
        "--connections {members} --room {members} --rate {rate} --size {size} --warm 1 --hold {time}"
    );
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds(ROUNDS.0, ROUNDS.1) {
        for (more, runs) in [("--slow --attentive", &mut without), ("--slow", &mut with)] {
            let how = words(&format!("{room} {more}"));
            runs.push(once(bench, servers, Kind::Ours, &how)?);
        }
    }
    let what = |figure: &str| format!("one of {members} does not read: {figure}");
    let p99 = what("p99 of the others, of what it is when that one reads");
    let (usual, beside) = (late(&without)?, late(&with)?);
    let share = beside / usual;
    let shown = format!("{share:.2}: {beside:.2} ms to {usual:.2} ms");
    if bench.scale == Scale::Full {
        table.at_most(&p99, share, shown, LATER, "");
    } else {
        // One short run on a busy machine tells nothing.
        table.informs(&p99, shown);
    }
    let lost = |run: &Run| number(&run.result, "/lost") + number(&run.result, "/doubled");
    let lost: f64 = with.iter().map(lost).sum();
    let others = what("lost or doubled for the others");
    table.at_most(&others, lost, format!("{lost}"), 0.0, "");
    end(&with, &what, table);
    Ok(())
}

/// Of the others, in milliseconds.
fn late(runs: &[Run]) -> Result<f64> {
    let times = runs
        .iter()
        .map(|run| number(&run.result, "/latency_ms/p99"));
    Ok(Spread::of(times.collect()).context("no runs")?.median)
}

/// How it is put out.
fn end(with: &[Run], what: &dyn Fn(&str) -> String, table: &mut Table) {
    let slow: Vec<_> = with.iter().filter_map(|run| run.slow.as_ref()).collect();
    let codes = slow
        .iter()
        .map(|slow| slow["code"].as_str().unwrap_or("none"));
    let codes: Vec<_> = codes.collect();
    let all = !codes.is_empty() && codes.iter().all(|code| *code == TOO_SLOW);
    let shown = codes.join(", ");
    table.judged(&what("its close code"), shown, TOO_SLOW.into(), all);
    // Of a figure that is missing nothing is less, so that it meets no bar.
    let most = |path| {
        let figures = slow.iter().map(|slow| number(slow, path));
        figures.max_by(f64::total_cmp).unwrap_or(f64::NAN)
    };
    let (after, held) = (most("/left_after_s"), most("/held_bytes") / MEBIBYTE);
    let shown = format!("{held:.2} MiB, after {after:.1} s");
    let what = what("what the server still held for it when it was put out");
    table.at_most(&what, held, shown, HELD, " MiB");
}
