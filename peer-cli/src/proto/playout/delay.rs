//! How much delay to keep, and what to do about the difference.
//!
//! Every packet has a *lateness*: its arrival less its timestamp. Playing has an *offset*, the same for the moment at which a
//! packet is fetched to be played. A packet is in time if its lateness is at most the offset. The offset aimed at is the one that
//! costs least, where a millisecond of delay and a share of packets that would miss it are weighed against each other. A lost
//! packet counts with the lateness of the one that carries its copy, so that losses and jitter are one question.

mod observed;

use std::time::{Duration, Instant};

use super::{FRAME, JitterBounds, SAMPLE_RATE};
use observed::Observed;

/// 1 ms in samples.
const MS: i64 = 48;
/// Room beyond the lateness aimed at: the threads of both sides wake up a little late, too.
const MARGIN: i64 = 5 * MS;
/// A tenth of a second without a shortage before anything is called an excess, in packets fetched: see `Offset`.
const SPAN: Duration = Duration::from_millis(300);
/// The same while the excess is large.
const SHORT_SPAN: Duration = Duration::from_millis(60);
/// How far below the offset aimed at nothing is done: the margin is there to be used, but for 1 ms that clocks run apart by.
const LACKING: i64 = MARGIN - MS;
/// How far below the offset aimed at a step down may lead: less than what is lacking for a step up, or it would go to and fro.
const SPARE: i64 = 2 * MS;
/// An excess from which it is worth to look for a place where a cut is not heard.
const WORTH: i64 = 4 * MS;
/// An excess from which loud sound is cut as well.
const LARGE: i64 = 60 * MS;
/// An excess beyond catching up: whole packets go.
const HOPELESS: i64 = 1000 * MS;
/// Most that is added at once.
const LONGEST: i64 = 20 * MS;

/// What to do about the delay now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    /// Leave out at most so many samples; by `force` also where it may be heard.
    Shorten {
        samples: usize,
        force: bool,
    },
    /// Repeat a piece of at most so many samples.
    Lengthen {
        samples: usize,
    },
    /// Leave out whole packets.
    Drop {
        samples: u64,
    },
}

/// Target and observation of the offset; all in samples.
#[derive(Debug, Default)]
pub(super) struct Delay {
    bounds: JitterBounds,
    /// The arrival that times are counted from.
    epoch: Option<Instant>,
    observed: Observed,
    offset: Offset,
}

/// The least offset of the packets fetched of late: a thread that wakes up late makes single ones look large.
#[derive(Debug, Default)]
struct Offset {
    /// Of the present and of the previous half span.
    present: Option<i64>,
    previous: Option<i64>,
    since: Option<Instant>,
}

impl Delay {
    pub(super) fn new(bounds: JitterBounds) -> Delay {
        Delay {
            bounds,
            ..Delay::default()
        }
    }

    /// How long the earliest packets wait, aimed at.
    pub(super) fn target(&self) -> u64 {
        self.clamped(self.observed.wanted()).unsigned_abs()
    }

    /// The same, were there no bounds.
    pub(super) fn unbounded(&self) -> u64 {
        (self.observed.wanted() + MARGIN).unsigned_abs()
    }

    fn clamped(&self, wanted: i64) -> i64 {
        (wanted + MARGIN).clamp(self.bounds.least(), self.bounds.most())
    }

    /// A packet with this timestamp, `samples` long, came at `arrival`.
    pub(super) fn arrived(&mut self, arrival: Instant, timestamp: i64, samples: u32) {
        let lateness = self.at(arrival) - timestamp;
        self.observed.add(lateness, samples);
    }

    /// A packet with this timestamp did not come, but its copy did at `arrival`.
    pub(super) fn rebuilt(&mut self, arrival: Instant, timestamp: i64, samples: u32) {
        let lateness = self.at(arrival) - timestamp;
        self.observed.add_lost(lateness, samples);
    }

    /// Another stream, whose timestamps have nothing to do with those before.
    pub(super) fn restart(&mut self) {
        self.observed = Observed::default();
        self.offset = Offset::default();
    }

    /// Playing begins, now or after a pause.
    pub(super) fn begin(&mut self) {
        self.offset = Offset::default();
    }

    /// Whether a packet with this timestamp has waited long enough for playing to begin with it.
    pub(super) fn is_due(&mut self, now: Instant, timestamp: i64) -> bool {
        // Half a sample for the rounding of times.
        self.at(now) - timestamp + 1 >= self.aim()
    }

    /// The packet with this timestamp is fetched now.
    pub(super) fn fetched(&mut self, now: Instant, timestamp: i64) {
        let offset = self.at(now) - timestamp;
        let span = match self.offset.least() {
            Some(least) if least - self.aim() > LARGE => SHORT_SPAN,
            _ => SPAN,
        };
        self.offset.note(now, offset, span);
    }

    /// The sound that waits was changed by our own doing.
    pub(super) fn changed(&mut self, by: i64) {
        for offset in [&mut self.offset.present, &mut self.offset.previous] {
            *offset = offset.map(|offset| offset.saturating_add(by));
        }
    }

    /// What to do about the offset while so many samples are decoded and left over.
    ///
    /// Packets are fetched when fewer than 10 ms are left over; so the offset moves in steps of 10 ms, and what is left over is
    /// delay that protects nothing.
    pub(super) fn decide(&self, left: usize) -> Change {
        let frame = FRAME as i64;
        let left = (left as i64) % frame;
        let Some(offset) = self.offset.least() else {
            return Change::None;
        };
        let excess = offset - self.aim();
        if excess > HOPELESS {
            return Change::Drop {
                samples: excess.unsigned_abs(),
            };
        }
        if excess < -LACKING {
            let steps = (-excess + frame - 1) / frame;
            // Less than a piece of sound that can be repeated would never be added; what is too much is left over.
            let samples = (steps * frame - left).clamp(frame, LONGEST);
            return Change::Lengthen {
                samples: samples as usize,
            };
        }
        // Whole steps too much, and what is left over.
        let surplus = (excess + SPARE).max(0) / frame * frame + left;
        if surplus < WORTH {
            return Change::None;
        }
        Change::Shorten {
            samples: surplus as usize,
            force: excess > LARGE,
        }
    }

    /// The offset aimed at.
    fn aim(&self) -> i64 {
        let Some((earliest, recent)) = self.observed.earliest() else {
            return 0;
        };
        // Where all packets have come later of late, the sender itself is behind: that is no time to hurry.
        (earliest + self.clamped(self.observed.wanted())).max(recent + MARGIN)
    }

    /// A moment in samples.
    fn at(&mut self, moment: Instant) -> i64 {
        let epoch = *self.epoch.get_or_insert(moment);
        let samples = |span: Duration| (span.as_secs_f64() * SAMPLE_RATE).round() as i64;
        match moment.checked_duration_since(epoch) {
            Some(span) => samples(span),
            None => -samples(epoch.duration_since(moment)),
        }
    }
}

impl Offset {
    fn note(&mut self, now: Instant, offset: i64, span: Duration) {
        self.present = Some(self.present.map_or(offset, |least| least.min(offset)));
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= span {
            self.previous = self.present.replace(offset);
            self.since = Some(now);
        }
    }

    /// Nothing before a whole span has passed.
    fn least(&self) -> Option<i64> {
        Some(self.previous?.min(self.present?))
    }
}
