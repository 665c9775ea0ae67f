//! What a call lives through: each row is a call with sound and messages flowing both ways while something breaks.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use lab::{
    Conversation, Family, First, Line, Nat, NatLab, Outcome, Process, Report, Servers, Side, Talk,
};

use super::{Bench, Scale};
use crate::figures::{Spread, Table};
use crate::setup::{self, Job};

/// What breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Nothing passes for this long.
    Blackout(Side, Duration),
    /// The host loses its address, and gets another this much later.
    NewAddress(Side, Duration),
    /// The signaling server is killed, and started again this much later.
    ServerKilled(Duration),
    /// The relay that carries the call is killed, and started again this much later.
    RelayKilled(Duration),
}

/// Between the start of the conversation and the fault, and from its end to that of the conversation.
const BEFORE: Duration = Duration::from_secs(2);
const AFTER: Duration = Duration::from_secs(8);
/// Bars in seconds, from the return of the path.
const SOUND: f64 = 2.0;
const MESSAGES: f64 = 5.0;
/// A gap that nobody minds: media has nothing to do with the signaling server.
const GAP: f64 = 0.1;
/// `--timeout` of the calls whose peer is killed, and how much longer giving up may take, both in seconds.
const TIMEOUT: u64 = 10;
const GIVING_UP: f64 = 10.0;
/// The exit code of "the peer vanished".
const VANISHED: i32 = 6;
/// The luck of the cables.
const SEED: u64 = 20;
/// For a peer to give up.
const LIMIT: Duration = Duration::from_secs(90);

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let mut table = Table::default();
    if !setup::is_root() {
        table.informs("a call that survives", "not measured: needs root".into());
        return Ok(table);
    }
    setup::ensure(&[Job::Namespaces, Job::Laboratory])?;
    for fault in faults(bench.scale) {
        match survive(bench, fault) {
            Ok(report) => rows(bench, fault, &report, &mut table),
            // The others are worth knowing all the same.
            Err(error) => {
                println!("  {fault}: {error:#}");
                let figure = error.root_cause().to_string().replace('\n', " ");
                table.judged(
                    &format!("{fault}: the call"),
                    figure,
                    "goes on".into(),
                    false,
                );
            }
        }
    }
    // The tests do this too; waiting for a time-out is no quicker in short.
    if bench.scale == Scale::Full {
        killed(bench, &mut table).context("a peer is killed")?;
    }
    bad_network(bench, &mut table).context("a bad network")?;
    Ok(table)
}

fn faults(scale: Scale) -> Vec<Fault> {
    let seconds = Duration::from_secs;
    match scale {
        Scale::Full => vec![
            Fault::Blackout(Side::A, seconds(10)),
            Fault::Blackout(Side::B, seconds(10)),
            Fault::NewAddress(Side::A, seconds(1)),
            Fault::NewAddress(Side::B, seconds(1)),
            Fault::ServerKilled(seconds(3)),
            Fault::RelayKilled(seconds(1)),
        ],
        Scale::Short => vec![Fault::NewAddress(Side::A, seconds(1))],
    }
}

/// One conversation with one fault in it.
fn survive(bench: &Bench, fault: Fault) -> Result<Report> {
    let mut lab = NatLab::new(Family::V4)?;
    let relayed = matches!(fault, Fault::RelayKilled(_));
    for side in [Side::A, Side::B].into_iter().filter(|_| relayed) {
        lab.set(side, Nat::Symmetric)?;
    }
    let servers = if relayed {
        Servers::Relays
    } else {
        Servers::Stun
    };
    let mut server = lab.start_signaling(&bench.programs.signaling, &[])?;
    let conversation = Conversation::start(&lab, &bench.programs.peer, servers, &[])?;
    sleep(BEFORE);
    let back = strike(bench, &mut lab, &mut server, fault)?;
    sleep(AFTER);
    conversation.end(Some(back))
}

/// Breaks it, mends it, and says when it was whole again.
fn strike(bench: &Bench, lab: &mut NatLab, server: &mut Process, fault: Fault) -> Result<Instant> {
    match fault {
        Fault::Blackout(side, time) => {
            lab.dark(side)?;
            sleep(time);
            lab.light(side)?;
        }
        Fault::NewAddress(side, time) => {
            lab.delete_address(side)?;
            sleep(time);
            lab.add_address(side)?;
        }
        Fault::ServerKilled(time) => {
            server.kill()?;
            sleep(time);
            *server = lab.start_signaling(&bench.programs.signaling, &[])?;
        }
        Fault::RelayKilled(time) => {
            lab.kill_relay();
            sleep(time);
            lab.start_relay()?;
        }
    }
    Ok(Instant::now())
}

fn rows(bench: &Bench, fault: Fault, report: &Report, table: &mut Table) {
    let [from_call, from_answer] = &report.deliveries;
    table.judged(
        &format!("{fault}: messages"),
        format!("{from_call}; {from_answer}"),
        "each once, in order".into(),
        from_call.is_exact() && from_answer.is_exact(),
    );
    if let Fault::ServerKilled(_) = fault {
        let gap = report.longest_gap.into_iter().fold(0.0, f64::max);
        table.at_most(
            &format!("{fault}: the longest gap in the sound"),
            gap,
            format!("{gap:.2} s"),
            bench.bar(GAP),
            " s",
        );
    } else {
        let back = report.sound_back.into_iter();
        let worst = back.fold(0.0, |worst, back| back.unwrap_or(f64::INFINITY).max(worst));
        let what = format!("{fault}: sound is back after");
        table.at_most(
            &what,
            worst,
            format!("{worst:.2} s"),
            bench.bar(SOUND),
            " s",
        );
    }
    let slowest = from_call.slowest.max(from_answer.slowest).as_secs_f64();
    table.at_most(
        &format!("{fault}: the last held-back message comes after"),
        slowest,
        format!("{slowest:.2} s"),
        bench.bar(MESSAGES),
        " s",
    );
}

/// The other peer is gone without a word.
fn killed(bench: &Bench, table: &mut Table) -> Result<()> {
    for kills_caller in [true, false] {
        let lab = NatLab::new(Family::V4)?;
        let _server = lab.start_signaling(&bench.programs.signaling, &[])?;
        let timeout = format!("{TIMEOUT}s");
        let words = ["--timeout", timeout.as_str()];
        let program = &bench.programs.peer;
        let mut talk = Talk::start(
            &lab,
            program,
            Servers::Stun,
            First::Answer,
            [&words, &words],
        )?;
        let outcome = talk.outcome()?;
        ensure!(
            matches!(outcome, Outcome::Connected { .. }),
            "never connected: {outcome:?}"
        );
        let [call, answer] = talk.both();
        let (victim, other, name) = if kills_caller {
            (call, answer, "call")
        } else {
            (answer, call, "answer")
        };
        victim.kill()?;
        let begun = Instant::now();
        let code = other.finish(LIMIT)?;
        let time = begun.elapsed().as_secs_f64();
        let most = TIMEOUT as f64 + GIVING_UP;
        table.judged(
            &format!("`{name}` is killed, the other has --timeout {timeout}"),
            format!("exit {code} after {time:.1} s"),
            format!("exit {VANISHED} within {most} s"),
            code == VANISHED && time <= most,
        );
    }
    Ok(())
}

/// 10 % loss and 100 ± 30 ms each way: first by the peers themselves, on their own datagrams; then by the caller's cable, where
/// signaling suffers too.
fn bad_network(bench: &Bench, table: &mut Table) -> Result<()> {
    let lab = NatLab::new(Family::V4)?;
    let _server = lab.start_signaling(&bench.programs.signaling, &[])?;
    let impaired = |round: usize| {
        let seeds = [2 * round + 1, 2 * round + 2].map(|seed| seed.to_string());
        let bad = "loss=10%,delay=100ms,jitter=30ms";
        let words = seeds
            .each_ref()
            .map(|seed| ["--impair", bad, "--impair-seed", seed]);
        connects(bench, &lab, [&words[0], &words[1]])
    };
    let rounds = bench.rounds(20, 1);
    let what = "10 % loss, 100 ± 30 ms each way, `--impair` on both sides";
    all_connect(what, rounds, impaired, table);

    let lab = NatLab::with_cables(Family::V4, SEED)?;
    let _server = lab.start_signaling(&bench.programs.signaling, &[])?;
    let line = Line {
        loss: 0.1,
        delay: Duration::from_millis(100),
        jitter: Duration::from_millis(30),
        reorders: true,
        ..Line::default()
    };
    lab.cable(Side::A).context("no cable")?.set(line);
    let what = "the same on the caller's cable, so that signaling suffers too";
    let by_cable = |_| connects(bench, &lab, [&[], &[]]);
    all_connect(what, bench.rounds(10, 1), by_cable, table);
    Ok(())
}

/// One call; its set-up in milliseconds.
fn connects(bench: &Bench, lab: &NatLab, words: [&[&str]; 2]) -> Result<f64> {
    let (program, first) = (&bench.programs.peer, First::Answer);
    let mut talk = Talk::start(lab, program, Servers::Stun, first, words)?;
    match talk.outcome()? {
        Outcome::Connected { total, .. } => Ok(total),
        failed @ Outcome::Failed { .. } => bail!("{failed:?}"),
    }
}

fn all_connect(what: &str, rounds: usize, call: impl Fn(usize) -> Result<f64>, table: &mut Table) {
    let mut times = Vec::new();
    for round in 0..rounds {
        match call(round) {
            Ok(time) => times.push(time),
            Err(error) => println!("  {what}, round {round}: {error:#}"),
        }
    }
    let good = times.len();
    let spread = Spread::of(times).map_or("never".into(), |spread| format!("{spread} ms"));
    table.judged(
        &format!("{what}: connects"),
        format!("{good} of {rounds}; set-up {spread}"),
        format!("{rounds} of {rounds}"),
        good == rounds,
    );
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let who = |side: &Side| match side {
            Side::A => "caller",
            Side::B => "answerer",
        };
        match self {
            Self::Blackout(side, time) => {
                write!(f, "blackout of {} s at the {}", time.as_secs(), who(side))
            }
            Self::NewAddress(side, _) => write!(f, "another address for the {}", who(side)),
            Self::ServerKilled(_) => write!(f, "signaling server killed and restarted"),
            Self::RelayKilled(_) => write!(f, "relay of the call killed and restarted"),
        }
    }
}
