//! How long a client has been silent, and for how long it may.                                                          PURE

use std::time::{Duration, Instant};

/// A century: what is added to a moment must not be endless.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A client that says too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooLong {
    /// It said nothing to others.
    Idle,
    /// Not a byte came, not even an answer to a ping.
    Dead,
}

/// Since when one client has been silent.
#[derive(Debug)]
pub(super) struct Silence {
    /// How long it need say nothing to others, if that is bounded.
    idle: Option<Duration>,
    /// The same for any sign of life.
    patience: Duration,
    spoke: Instant,
    alive: Instant,
    /// Bytes that had come by then.
    heard: u64,
}

impl Silence {
    pub(super) const fn new(
        idle: Option<Duration>,
        patience: Duration,
        now: Instant,
        heard: u64,
    ) -> Self {
        Self {
            idle,
            patience,
            spoke: now,
            alive: now,
            heard,
        }
    }

    /// A whole message came, for others or not.
    pub(super) const fn broken(&mut self, now: Instant, heard: u64, for_others: bool) {
        self.alive = now;
        self.heard = heard;
        if for_others {
            self.spoke = now;
        }
    }

    /// When to judge it next.
    pub(super) fn due(&self) -> Instant {
        let dead = self.alive + self.patience.min(LONGEST);
        let idle = self.idle.map(|idle| self.spoke + idle.min(LONGEST));
        idle.map_or(dead, |idle| dead.min(idle))
    }

    /// What it has come to. Half a frame is a sign of life, too.
    pub(super) fn judge(&mut self, now: Instant, heard: u64) -> Option<TooLong> {
        let silent = now.saturating_duration_since(self.spoke);
        if self.idle.is_some_and(|idle| silent >= idle) {
            return Some(TooLong::Idle);
        }
        if heard != self.heard {
            (self.alive, self.heard) = (now, heard);
        }
        let still = now.saturating_duration_since(self.alive);
        (still >= self.patience).then_some(TooLong::Dead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn any_byte_is_a_sign_of_life_and_none_for_too_long_is_the_end() {
        let start = Instant::now();
        let mut silence = Silence::new(None, 10 * SECOND, start, 100);
        assert_eq!(silence.due(), start + 10 * SECOND);
        silence.broken(start + 2 * SECOND, 120, false);
        assert_eq!(silence.judge(start + 10 * SECOND, 120), None, "a pong came");
        assert_eq!(silence.due(), start + 12 * SECOND);
        assert_eq!(
            silence.judge(start + 12 * SECOND, 121),
            None,
            "half a frame"
        );
        assert_eq!(silence.due(), start + 22 * SECOND);
        assert_eq!(silence.judge(start + 22 * SECOND, 121), Some(TooLong::Dead));
    }

    #[test]
    fn who_only_answers_pings_is_idle() {
        let start = Instant::now();
        let mut silence = Silence::new(Some(15 * SECOND), 10 * SECOND, start, 0);
        silence.broken(start + SECOND, 50, true);
        silence.broken(start + 9 * SECOND, 60, false);
        assert_eq!(silence.due(), start + 16 * SECOND);
        assert_eq!(silence.judge(start + 15 * SECOND, 60), None);
        assert_eq!(silence.judge(start + 16 * SECOND, 60), Some(TooLong::Idle));
    }

    #[test]
    fn times_without_end_are_no_overflow() {
        let start = Instant::now();
        let mut silence = Silence::new(Some(Duration::MAX), Duration::MAX, start, 0);
        assert!(silence.due() > start + SECOND);
        assert_eq!(silence.judge(silence.due(), 0), None);
    }
}
