//! The rate on the wire: down at once when a queue stands or a link is full, up again with care.

use std::time::{Duration, Instant};

/// A queue this long is one too many …
const HIGH: Duration = Duration::from_millis(70);
/// … and above this one nothing is added to it.
const LOW: Duration = Duration::from_millis(45);
/// Loss with a queue of at least this means a full one.
const BEGUN: Duration = Duration::from_millis(30);
/// Loss beside a queue from which a link is full, and without one from which it may be: of the fifty packets of a second a link
/// that loses one in twenty at random loses six now and then, ten hardly ever.
const FULL: f64 = 0.1;
const SUSPICIOUS: f64 = 0.2;
/// Losses that are no accident.
const FEWEST_LOST: u32 = 3;
/// How slowly such loss is forgotten, a step for each report.
const FORGET: f64 = 0.99;
/// After a change so much has to be seen of it, and more before loss alone counts.
const SETTLE: Duration = Duration::from_millis(400);
const ENOUGH: Duration = Duration::from_millis(900);
/// How much of what a link carries is used.
const SHARE: f64 = 0.9;
/// How much faster in a second: nothing known of a limit, below it, and near it.
const FREE: f64 = 1.6;
const BELOW: f64 = 1.25;
const NEAR: f64 = 1.04;
/// Faster than the last limit by so much: there is none any more.
const BEYOND: f64 = 1.15;
/// How long a limit is kept to before it is tried again; twice as long after each time in vain. The longest decides how late it is
/// noticed that a line has become free (some 25 s), and how often a queue stands on one that has not.
const FIRST_HOLD: Duration = Duration::from_secs(2);
const LONGEST_HOLD: Duration = Duration::from_secs(16);
/// How long a slower rate is tried against loss without a queue.
const TRIAL: Duration = Duration::from_millis(1500);
/// Loss that stays above this share of what it was, or above what any link loses, was not our doing.
const UNMOVED: f64 = 0.4;
const USUAL: f64 = 0.03;

/// What a stretch of packets shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) packets: u32,
    pub(super) lost: u32,
    /// From the first departure to the last.
    pub(super) span: Duration,
    /// How long the packets wait at least.
    pub(super) queue: Option<Duration>,
    /// Bits per second that came out at the other end.
    pub(super) delivered: Option<f64>,
}

/// A slower rate, to see whether loss depends on it.
#[derive(Debug, Clone, Copy)]
struct Trial {
    since: Instant,
    before: f64,
    loss: f64,
}

/// Bits per second, headers included.
#[derive(Debug)]
pub(super) struct Rate {
    most: f64,
    least: f64,
    target: f64,
    /// What the link carried when it was last full, and until when that is kept to.
    ceiling: Option<(f64, Instant)>,
    hold: Duration,
    changed: Option<Instant>,
    raised: Option<Instant>,
    trial: Option<Trial>,
    /// Loss that has nothing to do with our rate.
    random: f64,
    known: bool,
}

impl Rate {
    pub(super) fn new(most: f64, least: f64) -> Rate {
        Rate {
            most,
            least: least.min(most),
            target: most,
            ceiling: None,
            hold: FIRST_HOLD,
            changed: None,
            raised: None,
            trial: None,
            random: 0.0,
            known: false,
        }
    }

    pub(super) fn target(&self) -> f64 {
        self.target
    }

    /// Whether anything has been heard.
    pub(super) fn is_known(&self) -> bool {
        self.known
    }

    /// When the rate was last cut, or a cut taken back.
    pub(super) fn changed(&self) -> Option<Instant> {
        self.changed
    }

    /// What the link carried when it was last full.
    pub(super) fn ceiling(&self) -> Option<f64> {
        self.ceiling.map(|(carried, _)| carried)
    }

    /// The path is not what it was.
    pub(super) fn forget_ceiling(&mut self) {
        (self.ceiling, self.hold) = (None, FIRST_HOLD);
    }

    pub(super) fn update(&mut self, now: Instant, sample: Sample) {
        self.known = true;
        if sample.span < SETTLE && self.changed.is_some() {
            return;
        }
        let queue = sample.queue.unwrap_or_default();
        let loss = f64::from(sample.lost) / f64::from(sample.packets.max(1));
        let losing = sample.lost >= FEWEST_LOST;
        if queue > HIGH || (queue > BEGUN && losing && loss > FULL.max(2.0 * self.random)) {
            return self.cut(now, sample, queue, loss);
        }
        if let Some(trial) = self.trial {
            return self.judge(now, trial, loss);
        }
        if losing && sample.span >= ENOUGH && loss > SUSPICIOUS.max(2.0 * self.random) {
            return self.suspect(now, sample, loss);
        }
        self.random = self.random.min(loss.max(self.random * FORGET));
        if queue <= LOW {
            self.raise(now);
        } else {
            self.raised = Some(now);
        }
    }

    /// A queue stands: less than the link carries, so that it empties within a second or so.
    fn cut(&mut self, now: Instant, sample: Sample, queue: Duration, loss: f64) {
        let carried = sample.delivered.unwrap_or(self.target * (1.0 - loss));
        let in_vain = self
            .ceiling
            .is_some_and(|(ceiling, _)| (0.75..1.35).contains(&(carried / ceiling.max(1.0))));
        self.hold = if in_vain {
            (self.hold * 2).min(LONGEST_HOLD)
        } else {
            FIRST_HOLD
        };
        let emptying = 1.0 - queue.as_secs_f64().clamp(1.0 - SHARE, 0.4);
        self.ceiling = Some((carried, now + self.hold));
        self.trial = None;
        self.set(now, carried.min(self.target) * emptying);
    }

    /// Loss without a queue: a link that polices, or one that loses whatever is sent? A slower rate tells.
    fn suspect(&mut self, now: Instant, sample: Sample, loss: f64) {
        let carried = sample.delivered.unwrap_or(self.target * (1.0 - loss));
        self.trial = Some(Trial {
            since: now,
            before: self.target,
            loss,
        });
        let slower = carried.min(self.target) * 0.95;
        self.set(now, slower);
    }

    fn judge(&mut self, now: Instant, trial: Trial, loss: f64) {
        if now.saturating_duration_since(trial.since) < TRIAL {
            return;
        }
        self.trial = None;
        if loss > (trial.loss * UNMOVED).min(USUAL) {
            self.random = loss.max(trial.loss);
            self.set(now, trial.before);
        } else {
            self.ceiling = Some((self.target / SHARE, now + self.hold));
        }
    }

    fn raise(&mut self, now: Instant) {
        let since = self.raised.replace(now).unwrap_or(now);
        // After a silence of the other side it is not all made up for at once.
        let seconds = now.saturating_duration_since(since).as_secs_f64().min(1.0);
        let growth = match self.ceiling {
            None => FREE,
            Some((ceiling, _)) if self.target < ceiling * SHARE => BELOW,
            Some((_, until)) if now < until => return,
            Some(_) => NEAR,
        };
        self.target = (self.target * f64::powf(growth, seconds)).min(self.most);
        if let Some((ceiling, _)) = self.ceiling
            && self.target > ceiling * BEYOND
        {
            self.forget_ceiling();
        }
    }

    fn set(&mut self, now: Instant, target: f64) {
        self.target = target.clamp(self.least, self.most);
        (self.changed, self.raised) = (Some(now), Some(now));
    }
}
