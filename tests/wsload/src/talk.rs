//! What they say, and what comes of it.

use std::io::stdin;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::cli::Load;
use crate::crowd::{Crowd, PATIENCE, TURN};
use crate::frame;
use crate::process::Usage;
use crate::speakers::{Pace, Speakers};
use crate::steal::Ticks;
use crate::tally::Tally;

/// Once, or as often as standard input says.
pub(crate) fn talk(
    options: &Load,
    crowd: &mut Crowd,
    empty: &Usage,
    tell: &dyn Fn(&Value),
) -> Result<()> {
    let pace = if options.closed {
        Pace::Closed
    } else {
        Pace::Each(Duration::from_secs_f64(1.0 / options.rate))
    };
    let mut talk = Talk {
        speakers: Speakers::new(options, crowd, pace)?,
        tally: Tally::new(options.connections, options.room)?,
        options,
        crowd,
        empty,
        tell,
    };
    if !options.turns {
        return talk.turn();
    }
    for line in stdin().lines() {
        line.context("cannot read standard input")?;
        talk.turn()?;
    }
    Ok(())
}

struct Talk<'a> {
    options: &'a Load,
    crowd: &'a mut Crowd,
    speakers: Speakers,
    tally: Tally,
    /// What the server used before anybody came.
    empty: &'a Usage,
    tell: &'a dyn Fn(&Value),
}

impl Talk<'_> {
    fn turn(&mut self) -> Result<()> {
        let Load { hold, warm, .. } = *self.options;
        let (crowd, tally) = (&mut *self.crowd, &mut self.tally);
        let before = self.speakers.sent();
        let now = crowd.now();
        let from = now + warm;
        tally.start(from, hold);
        self.speakers.start(now);
        self.speakers.until(from, crowd, tally)?;
        let begun = Spent::now(self.options)?;
        let slow = self.options.slow.then_some(self.options.connections);
        if let Some(slow) = slow.and_then(|slow| crowd.members.get_mut(slow)) {
            slow.deaf = !self.options.attentive;
        }
        self.speakers.until(from + hold, crowd, tally)?;
        let ended = Spent::now(self.options)?;
        self.speakers.stop();
        let until = crowd.now() + PATIENCE;
        while crowd.now() < until && self.speakers.missing(tally) > 0 {
            self.speakers.turn(crowd, tally, TURN)?;
        }
        if let Some(slow) = slow {
            let said = self.speakers.until_left;
            (self.tell)(&slow_one(crowd, slow, from, said, self.options.size));
        }
        self.tell_result(before, &begun, &ended);
        if self.tally.arrived == 0 {
            bail!("nothing arrived");
        }
        Ok(())
    }

    fn tell_result(&self, before: u64, begun: &Spent, ended: &Spent) {
        let Self {
            options,
            crowd,
            speakers,
            tally,
            ..
        } = self;
        let cpu = ended.server.seconds - begun.server.seconds;
        let arrived = tally.arrived as f64;
        let resident = ended.server.resident - self.empty.resident;
        (self.tell)(&json!({
            "event": "result", "sent": speakers.sent() - before, "delivered": tally.arrived,
            "lost": tally.lost + speakers.missing(tally), "doubled": tally.doubled,
            "deliveries_per_s": arrived / options.hold.as_secs_f64(),
            "latency_ms": tally.latencies.quantiles(), "all_turns_ms": tally.all.quantiles(),
            "late_ms": speakers.lateness(), "since_due_ms": speakers.since_due(),
            "server_cpu_s": cpu, "server_cpu_s_per_100k": cpu / arrived * 1e5,
            "bytes_per_connection": resident / options.connections as f64,
            "load_cpu_s": ended.load.seconds - begun.load.seconds,
            "stolen": ended.ticks.share_since(begun.ticks),
            "ended": crowd.ended, "reasons": crowd.reasons(),
        }));
    }
}

/// What was used up to a moment.
struct Spent {
    server: Usage,
    load: Usage,
    ticks: Ticks,
}

impl Spent {
    fn now(options: &Load) -> Result<Self> {
        Ok(Self {
            server: Usage::of_server(options.pid)?,
            load: Usage::of_ours()?,
            ticks: Ticks::now(),
        })
    }
}

/// What became of the one that did not read; of what had been said to it the server still held what it has not read since.
fn slow_one(crowd: &Crowd, number: usize, from: Duration, said: Option<u64>, size: usize) -> Value {
    let left = crowd.left.map(|at| at.saturating_sub(from).as_secs_f64());
    let slow = crowd.members.get(number);
    let frame = frame::of_server(frame::TEXT, &vec![0; size]).len() as u64;
    let read = slow.map_or(0, |slow| slow.read);
    json!({
        "event": "slow", "left_after_s": left, "code": slow.and_then(|slow| slow.why.clone()),
        "read_bytes": read, "held_bytes": said.map(|said| (said * frame).saturating_sub(read)),
    })
}
