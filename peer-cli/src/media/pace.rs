//! Deadlines that never drift: each is counted from the start, not from the one before.

use std::time::{Duration, Instant};

/// A row of deadlines at equal distances.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    start: Instant,
    period: Duration,
    done: u32,
    most_behind: Duration,
}

impl Pace {
    /// The first deadline is `start`; being late by more than `most_behind` moves all that follow instead of hurrying.
    pub(super) fn new(start: Instant, period: Duration, most_behind: Duration) -> Pace {
        Pace {
            start,
            period,
            done: 0,
            most_behind,
        }
    }

    /// The next deadline.
    pub(super) fn next(&self) -> Instant {
        self.start + self.period * self.done
    }

    /// Whether it has passed.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let next = self.next();
        if now.saturating_duration_since(next) > self.most_behind {
            self.restart(now);
        }
        now >= next
    }

    /// Goes on to the one after.
    pub(super) fn step(&mut self) {
        self.done += 1;
        // Start over once a minute or so: the count stays small, and whole periods lose nothing.
        if self.done == 4096 {
            self.start += self.period * self.done;
            self.done = 0;
        }
    }

    /// Makes `next` the next deadline.
    pub(super) fn restart(&mut self, next: Instant) {
        self.start = next;
        self.done = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn lateness_does_not_add_up_and_a_stall_does_not_end_in_a_burst() {
        let start = Instant::now();
        let mut pace = Pace::new(start, 20 * MS, 100 * MS);
        for n in 0..10_000u32 {
            let woken = start + 20 * MS * n + 3 * MS;
            assert!(pace.is_due(woken));
            pace.step();
            assert!(!pace.is_due(woken));
        }
        assert_eq!(pace.next(), start + 20 * MS * 10_000);
        let late = pace.next() + 90 * MS;
        let caught_up = std::iter::from_fn(|| pace.is_due(late).then(|| pace.step())).count();
        assert_eq!(caught_up, 5);
        let stalled = pace.next() + 5000 * MS;
        let burst = std::iter::from_fn(|| pace.is_due(stalled).then(|| pace.step())).count();
        assert_eq!(burst, 1);
        assert_eq!(pace.next(), stalled + 20 * MS);
    }
}
