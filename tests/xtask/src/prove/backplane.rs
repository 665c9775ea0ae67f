//! Three servers on a message broker: what that costs, how much goes through, and what is lost when a server dies.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::{Chatter, Cluster, cluster};

use self::flow::{Flow, Pair};
use super::{Bench, Scale};
use crate::figures::{Spread, Table};
use crate::setup::{self, Job};

mod flow;

/// Bars: milliseconds more for a message, messages a second, seconds until a dead server is missed.
const ADDED: f64 = 1.0;
const RATE: usize = 20_000;
const MISSED: f64 = 10.0;
/// Of the short form: its programs are not optimised, and the machine may be busy.
const SHORT_RATE: usize = 1_000;
/// No limit but the machine's.
const WORDS: [&str; 4] = ["--max-rate", "0", "--max-queue", "16M"];
/// Rooms of two, each with its sender at one server and its receiver at another.
const ROOMS: usize = 30;
/// Until servers have heard of each other, and whatever else should be there at once.
const LIMIT: Duration = Duration::from_secs(20);
/// Between two messages of which the delay is measured, so that none waits for another.
const PAUSE: Duration = Duration::from_millis(2);

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let mut table = Table::default();
    setup::ensure(&[Job::Broker])?;
    delay(bench, &mut table)?;
    through(bench, &mut table)?;
    killed(bench, &mut table)?;
    Ok(table)
}

fn rate(bench: &Bench) -> usize {
    if bench.scale == Scale::Full {
        RATE
    } else {
        SHORT_RATE
    }
}

/// The same two clients at one server alone and at two servers on a broker, in turn.
fn delay(bench: &Bench, table: &mut Table) -> Result<()> {
    let alone = cluster::start(&bench.programs.signaling, &WORDS)?;
    let cluster = Cluster::start(&bench.programs.signaling, 3, &WORDS)?;
    let addrs = |n: usize| cluster.servers[n].addr;
    let mut here = Line::open("delay", alone.addr, alone.addr)?;
    let mut across = Line::open("delay", addrs(0), addrs(1))?;
    let (mut one, mut two, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.rounds(20, 3) {
        let (a, b) = (
            here.delays(bench.rounds(100, 50))?,
            across.delays(bench.rounds(100, 50))?,
        );
        let median = |list: &[f64]| {
            Spread::of(list.to_vec())
                .context("no message")
                .map(|s| s.median)
        };
        added.push(median(&b)? - median(&a)?);
        one.extend(a);
        two.extend(b);
    }
    let all = |list: Vec<f64>| Spread::of(list).context("no message");
    let (one, two, added) = (all(one)?, all(two)?, all(added)?);
    let shown = |spread: Spread| {
        format!(
            "{:.2} ({:.2}…{:.2}) ms",
            spread.median, spread.least, spread.greatest
        )
    };
    table.informs(
        "a message to another client of one server alone",
        shown(one),
    );
    table.informs("a message to a client of another server", shown(two));
    let figure = format!(
        "{:+.2} ms; of single rounds {}",
        two.median - one.median,
        shown(added)
    );
    table.at_most(
        "added by the broker, median",
        two.median - one.median,
        figure,
        bench.bar(ADDED),
        " ms",
    );
    Ok(())
}

/// A sender and a receiver, and their clock, which is one.
struct Line {
    sender: Chatter,
    receiver: Chatter,
    said: usize,
}

impl Line {
    fn open(room: &str, from: SocketAddr, to: SocketAddr) -> Result<Self> {
        let mut line = Self {
            sender: Chatter::tutorial(from, room)?,
            receiver: Chatter::tutorial(to, room)?,
            said: 0,
        };
        flow::meet(&mut line.sender, &mut line.receiver, LIMIT)?;
        Ok(line)
    }

    /// In milliseconds, of so many messages one after the other.
    fn delays(&mut self, count: usize) -> Result<Vec<f64>> {
        let mut delays = Vec::new();
        for _ in 0..count {
            std::thread::sleep(PAUSE);
            self.said += 1;
            let text = flow::text(self.said);
            let start = Instant::now();
            self.sender.write(text.clone())?;
            self.sender.flush()?;
            let heard = self.receiver.read(LIMIT)?.context("a message is lost")?;
            delays.push(start.elapsed().as_secs_f64() * 1000.0);
            ensure!(heard == text, "heard {heard}");
        }
        Ok(delays)
    }
}

/// As much as is asked for, from every server to the next one.
fn through(bench: &Bench, table: &mut Table) -> Result<()> {
    let cluster = Cluster::start(&bench.programs.signaling, 3, &WORDS)?;
    let pairs: Vec<Pair> = (0..ROOMS)
        .map(|room| Pair {
            from: room % 3,
            to: (room + 1) % 3,
        })
        .collect();
    let addrs: Vec<_> = cluster.servers.iter().map(|server| server.addr).collect();
    let seconds = Duration::from_secs(bench.rounds(10, 2) as u64);
    let (bar, flow) = (rate(bench), Flow::open(&addrs, &pairs, LIMIT)?);
    // A tenth more than is wanted: it is timed until the last one was heard.
    let done = flow.run(bar + bar / 10, seconds, || Ok(()))?;
    let sent: usize = done.iter().map(|pair| pair.sent).sum();
    let lost: usize = done.iter().map(flow::Done::lost).sum();
    let mixed: usize = done.iter().map(|pair| pair.doubled + pair.disordered).sum();
    let took = done
        .iter()
        .map(|pair| pair.took.as_secs_f64())
        .fold(0.0, f64::max);
    let reached = sent as f64 / took;
    let figure = format!("{reached:.0}/s: {sent} in {took:.2} s, until the last one was heard");
    table.judged(
        "messages from one server to another, three servers, 30 rooms",
        figure,
        format!("≥ {bar}/s"),
        reached >= bar as f64,
    );
    table.judged(
        "of these lost; doubled or out of order",
        format!("{lost}; {mixed}"),
        "0; 0".into(),
        lost + mixed == 0,
    );
    table.informs("their delay", delays(&done));
    Ok(())
}

/// From all that were heard.
fn delays(done: &[flow::Done]) -> String {
    let mut delays: Vec<f64> = done
        .iter()
        .flat_map(|pair| pair.delays.iter().copied())
        .collect();
    delays.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (delays.len() as f64 * share) as usize;
        delays.get(place).copied().unwrap_or_default()
    };
    format!(
        "median {:.1} ms, 99 % {:.1} ms, 99.9 % {:.1} ms",
        at(0.5),
        at(0.99),
        at(0.999)
    )
}

/// One of three servers is killed while messages flow between all of them.
fn killed(bench: &Bench, table: &mut Table) -> Result<()> {
    const VICTIM: usize = 2;
    let mut cluster = Cluster::start(&bench.programs.signaling, 3, &WORDS)?;
    let pairs: Vec<Pair> = [(0, 1), (1, 0), (0, 2), (1, 2), (2, 0), (2, 1)]
        .map(|(from, to)| Pair { from, to })
        .to_vec();
    let addrs: Vec<_> = cluster.servers.iter().map(|server| server.addr).collect();
    let flow = Flow::open(&addrs, &pairs, LIMIT)?;
    let (mut watcher, _) = Chatter::peer(addrs[0], "watched", "watcher")?;
    let victim = Chatter::tutorial(addrs[VICTIM], "watched")?;
    flow::event(&mut watcher, "joined", LIMIT)?;
    let mut at = None;
    let seconds = Duration::from_secs(bench.rounds(6, 2) as u64);
    let done = flow.run(rate(bench) / 4, seconds, || {
        at = Some(Instant::now());
        cluster.servers[VICTIM].process.kill()
    })?;
    flow::event(&mut watcher, "left", LIMIT)?;
    let missed = at.context("it was killed")?.elapsed().as_secs_f64();
    drop(victim);
    let of = |which: fn(&Pair) -> bool| done.iter().filter(move |pair| which(&pair.pair));
    let sum = |which: fn(&Pair) -> bool, what: fn(&flow::Done) -> usize| {
        of(which).map(what).sum::<usize>()
    };
    let alive: fn(&Pair) -> bool = |pair| pair.from != VICTIM && pair.to != VICTIM;
    let said: fn(&Pair) -> bool = |pair| pair.from == VICTIM;
    let (sent, lost) = (sum(alive, |p| p.sent), sum(alive, flow::Done::lost));
    let mixed = sum(|_| true, |pair| pair.doubled + pair.disordered);
    table.judged(
        "a server is killed: lost between the two others",
        format!("{lost} of {sent}"),
        "0".into(),
        lost == 0,
    );
    table.judged(
        "of what its own clients had said: lost before the last that was heard; doubled or out of order",
        format!("{}; {mixed}", sum(said, |pair| pair.holes)),
        "0; 0".into(),
        sum(said, |pair| pair.holes) + mixed == 0,
    );
    let tail = of(said).map(flow::Done::lost).max().unwrap_or_default();
    table.informs(
        "after that, in its hands or on the way to it when it died",
        format!(
            "{} of {}, of one client at most {tail}",
            sum(said, flow::Done::lost),
            sum(said, |p| p.sent)
        ),
    );
    table.at_most(
        "until its members have left for all others",
        missed,
        format!("{missed:.1} s"),
        MISSED,
        " s",
    );
    Ok(())
}
