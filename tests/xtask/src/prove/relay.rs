//! What a relay costs: a message there and back, processor time, and how long a relayed call takes to open.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use lab::{Conversation, Family, First, NatLab, Outcome, Process, Servers, Talk};

use super::{Bench, Scale, idle};
use crate::figures::{Spread, Table};
use crate::setup::{self, Job};

/// One path between the two peers.
struct Way {
    what: &'static str,
    servers: Servers,
    words: Vec<String>,
    relayed: bool,
}

/// Bars: milliseconds more for a message there and back, times the processor time, milliseconds to open.
const PING: f64 = 3.0;
const COST: f64 = 1.3;
const OPEN: f64 = 300.0;
/// Between two messages, so that none waits for another.
const PAUSE: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_secs(20);
/// Where the relay that is part of the signaling server stands, and what it hands out addresses of.
const EMBEDDED: [&str; 4] = ["--relay", "203.0.113.1:3600", "--relay-ip", "203.0.113.1"];

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let mut table = Table::default();
    if !setup::is_root() {
        table.informs("a relayed call", "not measured: needs root".into());
        return Ok(table);
    }
    setup::ensure(&[Job::Namespaces, Job::Laboratory])?;
    let lab = NatLab::new(Family::V4)?;
    let _server = lab.start_signaling(&bench.programs.signaling, &EMBEDDED)?;
    let [direct, ways @ ..] = ways(&lab);
    let usual = ping(bench, &lab, &direct)?;
    table.informs("a message there and back, directly", format!("{usual} ms"));
    for way in &ways {
        let spread = ping(bench, &lab, way).with_context(|| way.what.to_owned())?;
        let more = spread.median - usual.median;
        table.at_most(
            &format!("a message there and back, {}", way.what),
            more,
            format!("{more:+.2} ms: {spread} ms"),
            bench.bar(PING),
            " ms more",
        );
    }
    for way in &ways {
        open(bench, &lab, way, &mut table).with_context(|| way.what.to_owned())?;
    }
    // One conversation is much like another; the short form has time for one way.
    let compared = bench.rounds(ways.len(), 1);
    cost(bench, &lab, &direct, &ways[..compared], &mut table)?;
    Ok(table)
}

fn ways(lab: &NatLab) -> [Way; 5] {
    let authority = lab.authority().display().to_string();
    let coturn = |what, url: &str| Way {
        what,
        servers: Servers::Named,
        words: [
            "--relay-only",
            "--turn",
            url,
            "--turn-user",
            lab.credentials().0,
            "--ca",
            &authority,
        ]
        .map(str::to_owned)
        .into(),
        relayed: true,
    };
    [
        Way {
            what: "directly",
            servers: Servers::Stun,
            words: vec!["--no-relay".to_owned()],
            relayed: false,
        },
        coturn("coturn over UDP", &lab.turn()),
        coturn("coturn over TCP", &lab.turn_tcp()),
        coturn("coturn over TLS", &lab.turn_tls()),
        Way {
            what: "the embedded relay",
            servers: Servers::Stun,
            words: vec!["--relay-only".to_owned()],
            relayed: true,
        },
    ]
}

impl Way {
    fn start(&self, bench: &Bench, lab: &NatLab, more: [&[&str]; 2]) -> Result<(Talk, f64)> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let [call, answer] = more.map(|more| [&words, more].concat());
        let program = &bench.programs.peer;
        let mut talk = Talk::start(lab, program, self.servers, First::Answer, [&call, &answer])?;
        match talk.outcome()? {
            Outcome::Connected { path, total } => {
                let wanted = if self.relayed { "relay" } else { "direct" };
                ensure!(path == wanted, "connected by {path}");
                Ok((talk, total))
            }
            Outcome::Failed { code, reason } => bail!("exit {code}: {reason}"),
        }
    }
}

/// From writing a line to reading it again, in milliseconds; one after the other.
fn ping(bench: &Bench, lab: &NatLab, way: &Way) -> Result<Spread> {
    let (mut talk, _) = way.start(
        bench,
        lab,
        [&["--mic", "off", "--speaker", "off"], &["--echo"]],
    )?;
    let mut times = Vec::new();
    for number in 0..bench.rounds(200, 20) {
        let text = format!("ping {number}");
        let begun = Instant::now();
        talk.call.write(&text)?;
        let back = returned(&mut talk.call, &text)?;
        times.push((back - begun).as_secs_f64() * 1e3);
        sleep(PAUSE);
    }
    // The first few meet a connection that is still settling.
    let settled = times.split_off(times.len() / 10);
    Spread::of(settled).context("no message was sent")
}

fn returned(call: &mut Process, text: &str) -> Result<Instant> {
    loop {
        let event = call.wait_for("message", LIMIT)?;
        if event.value["text"] == text {
            return Ok(event.at);
        }
    }
}

/// How long until connected, by the caller's own word.
fn open(bench: &Bench, lab: &NatLab, way: &Way, table: &mut Table) -> Result<()> {
    let rounds = bench.rounds(10, 2);
    let mut times = Vec::new();
    for _ in 0..rounds {
        let (mut talk, total) = way.start(bench, lab, [&[], &[]])?;
        talk.hang_up("relay")?;
        times.push(total);
    }
    let spread = Spread::of(times).context("no round was made")?;
    table.at_most(
        &format!("set-up with --relay-only, {}, {rounds} rounds", way.what),
        spread.median,
        format!("{spread} ms"),
        bench.bar(OPEN),
        " ms",
    );
    Ok(())
}

/// Processor time of both peers in the same conversation on each path, in turn, so that whatever else the machine does is shared.
fn cost(bench: &Bench, lab: &NatLab, direct: &Way, ways: &[Way], table: &mut Table) -> Result<()> {
    let mut loads = vec![Vec::new(); 1 + ways.len()];
    for _ in 0..bench.rounds(3, 1) {
        for (way, loads) in std::iter::once(direct).chain(ways).zip(&mut loads) {
            loads.push(load(bench, lab, way).with_context(|| way.what.to_owned())?);
        }
    }
    let medians: Option<Vec<f64>> = loads
        .into_iter()
        .map(|loads| Some(Spread::of(loads)?.median))
        .collect();
    let medians = medians.context("no round was made")?;
    let usual = medians[0];
    let shown = format!("{usual:.2} % of a core");
    table.informs("processor time of both peers, directly", shown);
    for (way, load) in ways.iter().zip(&medians[1..]) {
        let what = format!("processor time of both peers, {}", way.what);
        let times = load / usual;
        // A few ticks of the kernel's clock, which is all that a short run takes, are no measurement.
        if bench.scale == Scale::Short {
            table.informs(&what, format!("× {times:.2}"));
        } else {
            let figure = format!("× {times:.2}: {load:.2} %");
            table.at_most(&what, times, figure, COST, " ×");
        }
    }
    Ok(())
}

fn load(bench: &Bench, lab: &NatLab, way: &Way) -> Result<f64> {
    let words: Vec<&str> = way.words.iter().map(String::as_str).collect();
    let program = &bench.programs.peer;
    let mut conversation = Conversation::start(lab, program, way.servers, &words)?;
    let talk = conversation.talk();
    let time = Duration::from_secs(bench.rounds(10, 2) as u64);
    let loads = idle::load([&talk.call, &talk.answer], time)?;
    conversation.end(None)?;
    Ok(loads.iter().sum())
}
