//! How much delay to keep: a target for the reserve, and what to do about the difference.
//!
//! The reserve is the time that the latest of the packets still waits before its turn: the least over a while. It protects the
//! packets to come, and losses do not disturb it.

use std::time::{Duration, Instant};

/// 1 ms in samples.
const MS: u64 = 48;
/// Reserve aimed at on a calm network: 10 ms. With 20 ms packets 20 to 40 ms wait.
const CALM: u64 = 10 * MS;
/// Highest target: 120 ms.
const HIGHEST: u64 = 120 * MS;
/// A late packet raises the target by 20 ms …
const RAISE: u64 = 20 * MS;
/// … at most once in 100 ms, since they come in groups …
const RAISE_EVERY: Duration = Duration::from_millis(100);
/// … and each 5 s without one lower it by 10 ms.
const LOWER_EVERY: Duration = Duration::from_secs(5);
const LOWER: u64 = 10 * MS;
/// A lost packet that was rebuilt keeps the reserve long enough for its successor to be there, for 30 s.
const AFTER_LOSS: Duration = Duration::from_secs(30);
/// Room for a little jitter on top of that.
const LOSS_MARGIN: u64 = 5 * MS;
/// How far above the target nothing is done.
const TOLERATED: i64 = 15 * MS as i64;
/// How far below the target nothing is done.
const LACKING: i64 = 5 * MS as i64;
/// An excess from which loud sound is cut as well.
const LARGE: i64 = 60 * MS as i64;
/// An excess beyond catching up: whole packets go.
const HOPELESS: i64 = 1000 * MS as i64;
/// Half of the span over which the minimum is taken.
const HALF_SPAN: Duration = Duration::from_millis(400);
/// The same while the excess is large.
const SHORT_HALF_SPAN: Duration = Duration::from_millis(100);

/// What to do about the delay now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    /// Leave out one pitch period; by `force` also where it may be heard.
    Shorten {
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

/// Target and observation of the reserve; all in samples.
#[derive(Debug)]
pub(super) struct Delay {
    target: u64,
    raised: Option<Instant>,
    lowered: Option<Instant>,
    /// Reserve asked for by losses, and since when.
    loss: Option<(u64, Instant)>,
    /// Minimum of the present and of the previous half span, and when the present one began.
    minimum: (i64, Option<i64>),
    since: Option<Instant>,
}

impl Default for Delay {
    fn default() -> Delay {
        Delay {
            target: CALM,
            raised: None,
            lowered: None,
            loss: None,
            minimum: (i64::MAX, None),
            since: None,
        }
    }
}

impl Delay {
    /// Reserve aimed at.
    pub(super) fn target(&self) -> u64 {
        self.target.max(self.loss.map_or(0, |(reserve, _)| reserve))
    }

    /// Playing begins, now or after a pause.
    pub(super) fn begin(&mut self, now: Instant) {
        self.minimum = (i64::MAX, None);
        self.since = Some(now);
    }

    /// A packet came after its time.
    pub(super) fn late(&mut self, now: Instant) {
        if self
            .raised
            .is_none_or(|at| now.saturating_duration_since(at) >= RAISE_EVERY)
        {
            self.target = (self.target + RAISE).min(HIGHEST);
            self.raised = Some(now);
        }
        self.lowered = Some(now);
    }

    /// A packet is missing and the next one, `samples` long, carries its copy.
    pub(super) fn lost(&mut self, now: Instant, samples: u32) {
        self.loss = Some((u64::from(samples) + LOSS_MARGIN, now));
    }

    /// The sound that waits was changed by our own doing.
    pub(super) fn changed(&mut self, by: i64) {
        self.minimum.0 = self.minimum.0.saturating_add(by);
        self.minimum.1 = self.minimum.1.map(|minimum| minimum.saturating_add(by));
    }

    /// A packet had waited for so long when its turn came.
    pub(super) fn played(&mut self, now: Instant, waited: i64) {
        self.minimum.0 = self.minimum.0.min(waited);
        let since = *self.since.get_or_insert(now);
        let excess = waited - self.target() as i64;
        let span = if excess > LARGE {
            SHORT_HALF_SPAN
        } else {
            HALF_SPAN
        };
        if now.saturating_duration_since(since) >= span {
            self.minimum = (waited, Some(self.minimum.0));
            self.since = Some(now);
        }
    }

    /// What to do about the difference between reserve and target.
    pub(super) fn decide(&mut self, now: Instant) -> Change {
        self.lower(now);
        let (present, Some(previous)) = self.minimum else {
            return Change::None;
        };
        let target = self.target() as i64;
        let excess = previous.min(present) - target;
        // One late packet is no shortage: both half spans must have seen one.
        let lacking = target - previous.max(present);
        if excess > HOPELESS {
            Change::Drop {
                samples: excess as u64,
            }
        } else if excess >= TOLERATED {
            Change::Shorten {
                force: excess > LARGE,
            }
        } else if lacking >= LACKING {
            Change::Lengthen {
                samples: lacking.unsigned_abs().min(RAISE) as usize,
            }
        } else {
            Change::None
        }
    }

    fn lower(&mut self, now: Instant) {
        let since = *self.lowered.get_or_insert(now);
        if now.saturating_duration_since(since) >= LOWER_EVERY {
            self.target = self.target.saturating_sub(LOWER).max(CALM);
            self.lowered = Some(now);
        }
        if self
            .loss
            .is_some_and(|(_, at)| now.saturating_duration_since(at) >= AFTER_LOSS)
        {
            self.loss = None;
        }
    }
}
