//! How long to wait before trying again: 0.25 s, doubling to 4 s, give or take a fifth.

use std::time::Duration;

use super::random::Random;

/// The first wait, before jitter.
const FIRST: Duration = Duration::from_millis(250);

/// The longest wait, before jitter.
const LONGEST: Duration = Duration::from_secs(4);

/// Largest deviation, as a share of the wait: spreads the clients of a server that came back.
const JITTER: f64 = 0.2;

/// A sequence of waits.
#[derive(Debug, Clone)]
pub struct Backoff {
    wait: Duration,
    random: Random,
}

impl Backoff {
    /// Starts at the shortest wait; the seed decides the jitter.
    pub fn new(seed: u64) -> Self {
        Self {
            wait: FIRST,
            random: Random::new(seed),
        }
    }

    /// How long to wait before the next attempt.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.wait;
        self.wait = (wait * 2).min(LONGEST);
        wait.mul_f64(1.0 + JITTER * self.random.signed_unit())
    }

    /// Starts over, after a success.
    pub fn reset(&mut self) {
        self.wait = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(wait: Duration, seconds: f64) {
        let share = wait.as_secs_f64() / seconds;
        assert!(
            (0.8..=1.2).contains(&share),
            "{wait:?} is not near {seconds} s"
        );
    }

    #[test]
    fn doubles_to_four_seconds_and_starts_over() {
        for seed in 0..100 {
            let mut backoff = Backoff::new(seed);
            for seconds in [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0] {
                near(backoff.next_wait(), seconds);
            }
            backoff.reset();
            near(backoff.next_wait(), 0.25);
        }
    }

    #[test]
    fn seeds_spread_the_waits_and_repeat_them() {
        let waits = |seed| {
            let mut backoff = Backoff::new(seed);
            [(); 6].map(|()| backoff.next_wait())
        };
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
    }
}
