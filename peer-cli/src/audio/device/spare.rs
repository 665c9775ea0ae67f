//! How much sound is kept ready for a speaker beyond what it takes at once, for a thread that wakes late.

use std::time::{Duration, Instant};

/// On a machine with nothing else to do, ms.
const LEAST: usize = 10;
/// On one that has far too much, ms: more would be heard as delay.
const MOST: usize = 80;
/// After so long without a gap a little less is tried.
const CALM: Duration = Duration::from_secs(20);

/// Doubles at each gap, and shrinks slowly.
#[derive(Debug)]
pub(super) struct Spare {
    ms: usize,
    since: Instant,
}

impl Spare {
    pub(super) fn new(now: Instant) -> Spare {
        Spare {
            ms: LEAST,
            since: now,
        }
    }

    /// What to keep from now on, ms; `gap`: sound was missing since the last call.
    pub(super) fn ms(&mut self, now: Instant, gap: bool) -> usize {
        // What is missing because of one late moment is often seen in several callbacks.
        let settled = now.saturating_duration_since(self.since) > Duration::from_millis(200);
        if gap && (settled || self.ms == LEAST) {
            *self = Spare {
                ms: (self.ms * 2).min(MOST),
                since: now,
            };
        } else if now.saturating_duration_since(self.since) > CALM {
            *self = Spare {
                ms: (self.ms - LEAST / 2).max(LEAST),
                since: now,
            };
        }
        self.ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_make_room_and_calm_takes_it_back() {
        let start = Instant::now();
        let mut spare = Spare::new(start);
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert_eq!(spare.ms(at(10), false), 10);
        assert_eq!(spare.ms(at(20), true), 20);
        assert_eq!(spare.ms(at(30), true), 20, "the same gap");
        assert_eq!(spare.ms(at(500), true), 40);
        for gap in 1..10 {
            spare.ms(at(500 + gap * 500), true);
        }
        assert_eq!(spare.ms(at(6000), false), MOST);
        for second in 6..1000 {
            spare.ms(at(second * 1000), false);
        }
        assert_eq!(spare.ms(at(1_000_000), false), LEAST);
    }
}
