//! Sending that adapts: the caller's cable changes under way, and its statistics tell what it makes of that.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lab::{Event, Family, First, Line, NatLab, Servers, Side, Talk};
use serde_json::Value;

use super::{Bench, Scale};
use crate::demo::{SENTENCE, file};
use crate::figures::Table;
use crate::setup::{self, Job};

/// Before anything changes; each change has this long to show.
const CALM: Duration = Duration::from_secs(6);
const SHOWS: Duration = Duration::from_secs(5);
/// From a narrower line to the time over which what is heard is judged, and that time.
const ADAPTS: Duration = Duration::from_secs(10);
const JUDGED: Duration = Duration::from_secs(15);
/// How long everything may take to be as it was.
const RETURNS: Duration = Duration::from_secs(30);
/// A limit that was met several times is kept to for longer, on a machine that does other things too.
const RETURNS_IN_SHORT: Duration = Duration::from_secs(75);
/// The luck of the cables.
const SEED: u64 = 21;
/// What the caller wants to send.
const WANTED: f64 = 32_000.0;
/// A bar in percent: what may be made up on a narrow line.
const CONCEALED: f64 = 3.0;
/// Frames in front of a line of 24 kbit/s that are 200 ms of it.
const SHORT_QUEUE: usize = 4;

/// How the caller sends at a moment.
#[derive(Clone, Copy, Debug)]
struct Moment {
    at: Instant,
    bitrate: f64,
    expected_loss: f64,
    ptime: u64,
}

pub(super) fn run(bench: &Bench) -> Result<Table> {
    let mut table = Table::default();
    if !setup::is_root() {
        table.informs("sending that adapts", "not measured: needs root".into());
        return Ok(table);
    }
    setup::ensure(&[Job::Namespaces, Job::Laboratory])?;
    narrow(bench, &mut table).context("a narrow line")?;
    lossy(bench, &mut table).context("a lossy line")?;
    Ok(table)
}

/// A call in a laboratory whose cables can be made bad.
struct Call {
    lab: NatLab,
    talk: Talk,
    _server: lab::Process,
}

impl Call {
    fn start(bench: &Bench) -> Result<Self> {
        let lab = NatLab::with_cables(Family::V4, SEED)?;
        let server = lab.start_signaling(&bench.programs.signaling, &[])?;
        let sentence = format!("{},loop", file(&bench.workspace.path(SENTENCE)));
        let words = ["--mic", sentence.as_str(), "--stats", "250ms"];
        let (program, first) = (&bench.programs.peer, First::Answer);
        let mut talk = Talk::start(&lab, program, Servers::Stun, first, [&words, &words])?;
        talk.outcome()?;
        Ok(Self {
            lab,
            talk,
            _server: server,
        })
    }

    /// What the caller sends is carried like this from now on.
    fn line(&self, line: Line) -> Result<()> {
        self.lab.cable(Side::A).context("no cable")?.set_back(line);
        Ok(())
    }

    /// Listens to the caller until this is so, or the time is over.
    fn until(&mut self, time: Duration, done: impl Fn(&Moment) -> bool) -> Result<Moment> {
        let deadline = Instant::now() + time;
        loop {
            let event = self.talk.call.next(deadline + time)?;
            let event = event.context("the caller has ended")?;
            if let Some(moment) = moment(&event)
                && (done(&moment) || event.at >= deadline)
            {
                return Ok(moment);
            }
        }
    }

    fn after(&mut self, time: Duration) -> Result<Moment> {
        self.until(time, |_| false)
    }

    /// What share of the answerer's sound was made up in the time from now on, in percent.
    fn concealed(&mut self, time: Duration) -> Result<f64> {
        let (since, until) = (Instant::now(), Instant::now() + time);
        let mut counted: Vec<(f64, f64)> = Vec::new();
        loop {
            let event = self.talk.answer.next(until + time)?;
            let event = event.context("the answerer has ended")?;
            if let Some(inbound) = object(&event, "inbound-rtp")
                && event.at >= since
            {
                let read = |name: &str| inbound[name].as_f64().unwrap_or(0.0);
                counted.push((read("concealedSamples"), read("totalSamplesReceived")));
            }
            if event.at >= until {
                break;
            }
        }
        let (first, last) = (counted.first(), counted.last());
        let (first, last) = first.zip(last).context("no statistics")?;
        Ok(100.0 * (last.0 - first.0) / (last.1 - first.1).max(1.0))
    }
}

/// 64 kbit/s, then 24, then no limit at all.
fn narrow(bench: &Bench, table: &mut Table) -> Result<()> {
    let mut call = Call::start(bench)?;
    call.line(rate(64_000, 12))?;
    let before = call.after(CALM)?;
    call.line(rate(24_000, SHORT_QUEUE))?;
    let changed = Instant::now();
    let narrow = |now: &Moment| now.bitrate <= 16_000.0 && now.ptime == 60;
    let within = call.until(SHOWS, narrow)?;
    table.judged(
        "line of 64, then 24 kbit/s: the caller sends",
        format!("{before}; {:.1} s later {within}", since(changed, within)),
        format!(
            "at most 16 kbit/s in 60 ms frames within {} s",
            SHOWS.as_secs()
        ),
        narrow(&within),
    );
    let adapts = ADAPTS.saturating_sub(changed.elapsed());
    call.after(adapts)?;
    let time = if bench.scale == Scale::Full {
        JUDGED
    } else {
        SHOWS
    };
    let concealed = call.concealed(time)?;
    table.at_most(
        &format!("made up at the answerer from {} s on", ADAPTS.as_secs()),
        concealed,
        format!("{concealed:.1} %"),
        bench.bar(CONCEALED),
        " %",
    );
    call.line(Line::default())?;
    returns(bench, &mut call, "the line has no limit again", table)
}

/// No loss, 10 %, none.
fn lossy(bench: &Bench, table: &mut Table) -> Result<()> {
    let mut call = Call::start(bench)?;
    let before = call.after(CALM)?;
    call.line(Line {
        loss: 0.1,
        ..Line::default()
    })?;
    let changed = Instant::now();
    let prepared = |now: &Moment| now.expected_loss >= 0.06;
    let within = call.until(SHOWS, prepared)?;
    table.judged(
        "no loss, then 10 %: the caller sends",
        format!("{before}; {:.1} s later {within}", since(changed, within)),
        format!("for at least 6 % loss within {} s", SHOWS.as_secs()),
        prepared(&within) && before.expected_loss <= 0.02,
    );
    let lossy = call.after(SHOWS)?;
    table.informs("5 s later", lossy.to_string());
    call.line(Line::default())?;
    returns(bench, &mut call, "no loss again", table)
}

/// Everything is as it was.
fn returns(bench: &Bench, call: &mut Call, what: &str, table: &mut Table) -> Result<()> {
    let changed = Instant::now();
    let whole =
        |now: &Moment| now.bitrate >= 0.9 * WANTED && now.ptime == 20 && now.expected_loss <= 0.02;
    let returns = if bench.scale == Scale::Full {
        RETURNS
    } else {
        RETURNS_IN_SHORT
    };
    let back = call.until(returns, whole)?;
    table.judged(
        what,
        format!("{:.1} s later {back}", since(changed, back)),
        format!("as before within {} s", returns.as_secs()),
        whole(&back),
    );
    Ok(())
}

fn rate(bits: u32, limit: usize) -> Line {
    Line {
        rate: Some(bits),
        limit,
        ..Line::default()
    }
}

fn since(changed: Instant, moment: Moment) -> f64 {
    moment.at.saturating_duration_since(changed).as_secs_f64()
}

fn object<'a>(event: &'a Event, kind: &str) -> Option<&'a Value> {
    let objects = event.value["stats"].as_array()?;
    objects.iter().find(|object| object["type"] == kind)
}

fn moment(event: &Event) -> Option<Moment> {
    let outbound = object(event, "outbound-rtp")?;
    Some(Moment {
        at: event.at,
        bitrate: outbound["targetBitrate"].as_f64()?,
        expected_loss: outbound["expectedLoss"].as_f64()?,
        ptime: outbound["ptime"].as_u64()?,
    })
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bitrate, loss) = (self.bitrate / 1e3, self.expected_loss * 100.0);
        write!(
            f,
            "{bitrate:.1} kbit/s for {loss:.0} % loss, {} ms frames",
            self.ptime
        )
    }
}
