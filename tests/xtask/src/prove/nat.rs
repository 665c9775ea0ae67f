//! Every kind of NAT against every other: with a relay all pairs meet, directly where that is possible; without one exactly
//! the impossible pairs fail, and say why.

use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use lab::{Family, First, Nat, NatLab, Outcome, Servers, Side, Talk};

use super::{Bench, Scale};
use crate::figures::{Spread, Table};
use crate::setup::{self, Job};

mod tally;
use tally::Tally;

/// Laboratories at once: a call mostly waits.
const AT_ONCE: usize = 2;
/// Calls of a pair that can meet directly, and of one that cannot; answering and calling first in turn.
const DIRECT_ROUNDS: usize = 20;
const RELAYED_ROUNDS: usize = 4;
const ROUNDS_WITHOUT_RELAY: usize = 2;
/// The slowest set-up, in milliseconds.
const BAR: f64 = 5000.0;
/// The exit code of "no network path".
const NO_PATH: i64 = 5;

/// One row of the table of pairs.
#[derive(Clone, Copy, Debug)]
struct Meeting {
    family: Family,
    a: Nat,
    b: Nat,
}

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let mut table = Table::default();
    if !setup::is_root() {
        table.informs("pairs of NATs", "not measured: needs root".into());
        return Ok(table);
    }
    setup::ensure(&[Job::Namespaces, Job::Laboratory])?;
    let four = measured(bench, &pairs(bench.scale))?;
    four.rows(&mut table, bench);
    for family in [Family::V6, Family::Dual] {
        let alone = Meeting {
            family,
            a: Nat::PortRestricted,
            b: Nat::PortRestricted,
        };
        let blocked = Meeting {
            b: Nat::UdpBlocked,
            ..alone
        };
        measured(bench, &[alone, blocked])?.family_row(family, &mut table);
    }
    Ok(table)
}

/// All thirty-six, or a few that between them need every part.
fn pairs(scale: Scale) -> Vec<Meeting> {
    let few = [
        (Nat::PortRestricted, Nat::PortRestricted),
        (Nat::AddressRestricted, Nat::Symmetric),
        (Nat::Symmetric, Nat::PortRestricted),
        (Nat::UdpBlocked, Nat::Symmetric),
    ];
    let all = Nat::SIX.iter().flat_map(|a| Nat::SIX.map(|b| (*a, b)));
    let chosen: Vec<(Nat, Nat)> = match scale {
        Scale::Full => all.collect(),
        Scale::Short => few.to_vec(),
    };
    let job = |(a, b)| Meeting {
        family: Family::V4,
        a,
        b,
    };
    chosen.into_iter().map(job).collect()
}

/// Works through these pairs, a few at once.
fn measured(bench: &Bench, jobs: &[Meeting]) -> Result<Tally> {
    let next = Mutex::new(jobs.iter());
    let work = || -> Result<Tally> {
        let mut tally = Tally::default();
        let take = || next.lock().ok()?.next().copied();
        let Some(mut job) = take() else {
            return Ok(tally);
        };
        let mut lab = NatLab::new(job.family)?;
        lab.start_signaling(&bench.programs.signaling, &[])
            .and_then(|_server| {
                loop {
                    pair(bench, &mut lab, job, &mut tally)?;
                    match take() {
                        Some(another) => job = another,
                        None => return Ok(()),
                    }
                }
            })?;
        Ok(tally)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_fold(Tally::default(), |sum, worker| {
                let found = worker.join().map_err(|_| anyhow!("a worker panicked"))?;
                Ok(sum.and(found?))
            })
    })
}

/// All calls of one pair; what fails is told at once and counted.
fn pair(bench: &Bench, lab: &mut NatLab, job: Meeting, tally: &mut Tally) -> Result<()> {
    lab.set(Side::A, job.a)?;
    lab.set(Side::B, job.b)?;
    let direct = job.a.allows_direct(job.b);
    let rounds = if direct {
        DIRECT_ROUNDS
    } else {
        RELAYED_ROUNDS
    };
    let mut times = Vec::new();
    for round in 0..bench.rounds(rounds, 2) {
        let path = if direct { "direct" } else { "relay" };
        let found = with_relay(bench, lab, first(round), path);
        times.extend(found.as_ref().ok());
        tally.with_relay(direct, found.map_err(|error| told(job, &error)));
    }
    for round in 0..bench.rounds(ROUNDS_WITHOUT_RELAY, 1) {
        let found = without_relay(bench, lab, first(round), job);
        tally.without_relay(direct, found.map_err(|error| told(job, &error)));
    }
    let shown = Spread::of(times).map_or("none".into(), |spread| spread.to_string());
    println!("  {} {} to {}: {shown} ms", job.family, job.a, job.b);
    Ok(())
}

fn told(job: Meeting, error: &anyhow::Error) -> String {
    let line = format!("{} {} to {}: {error:#}", job.family, job.a, job.b);
    println!("  {line}");
    line
}

fn first(round: usize) -> First {
    if round.is_multiple_of(2) {
        First::Answer
    } else {
        First::Call
    }
}

/// One call that is offered the relay; how long its set-up took, in milliseconds.
fn with_relay(bench: &Bench, lab: &NatLab, first: First, wanted: &str) -> Result<f64> {
    let words: [&[&str]; 2] = [&[], &[]];
    let mut talk = Talk::start(lab, &bench.programs.peer, Servers::Relays, first, words)?;
    match talk.outcome()? {
        Outcome::Connected { path, total } => {
            ensure!(path == wanted, "connected by {path} in {total} ms");
            talk.hang_up(wanted)?;
            Ok(total)
        }
        Outcome::Failed { code, reason } => Err(anyhow!("exit {code}: {reason}")),
    }
}

/// One call without a relay. Where no path exists: how long it took to say so, in milliseconds.
fn without_relay(bench: &Bench, lab: &NatLab, first: First, job: Meeting) -> Result<f64> {
    let words: [&[&str]; 2] = [&["--no-relay"], &["--no-relay"]];
    let mut talk = Talk::start(lab, &bench.programs.peer, Servers::Stun, first, words)?;
    let begun = std::time::Instant::now();
    match (talk.outcome()?, job.a.allows_direct(job.b)) {
        (Outcome::Connected { path, total }, true) => {
            ensure!(path == "direct", "connected by {path}");
            talk.hang_up("direct")?;
            Ok(total)
        }
        (Outcome::Failed { code, reason }, false) => {
            ensure!(code == NO_PATH, "exit {code}: {reason}");
            let cause = cause(job.a, job.b);
            ensure!(
                reason.contains(cause),
                "exit 5 as it must be, but its reason does not say \"{cause}\": {reason}"
            );
            Ok(begun.elapsed().as_secs_f64() * 1e3)
        }
        (Outcome::Connected { path, .. }, false) => Err(anyhow!("connected by {path}?")),
        (Outcome::Failed { code, reason }, true) => Err(anyhow!("exit {code}: {reason}")),
    }
    .context("without a relay")
}

/// The word that a true explanation of an impossible pair cannot do without.
fn cause(a: Nat, b: Nat) -> &'static str {
    if [a, b].contains(&Nat::UdpBlocked) {
        "UDP"
    } else {
        "symmetric"
    }
}
