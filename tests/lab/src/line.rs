//! What a bad line does to the frames that enter it: lose, double, delay, overtake, queue.                            PURE

use std::time::{Duration, Instant};

/// How bad, one way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Mean time on the way.
    pub delay: Duration,
    /// Largest deviation from it, uniform.
    pub jitter: Duration,
    /// Share of the frames that are lost, 0 to 1.
    pub loss: f64,
    /// Share of the frames that arrive twice, 0 to 1.
    pub duplication: f64,
    /// Bits a second; `None`: as fast as can be.
    pub rate: Option<u32>,
    /// Frames under way at most; more are lost.
    pub limit: usize,
    /// Whether a later frame may overtake an earlier one.
    pub reorders: bool,
}

impl Default for Line {
    /// A good one.
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: 0.0,
            duplication: 0.0,
            rate: None,
            limit: 1000,
            reorders: false,
        }
    }
}

/// The state of a line: what it has promised, and its luck.
#[derive(Debug)]
pub(crate) struct Passage {
    luck: u64,
    /// When the last bit of the last frame has left.
    free_at: Instant,
    last_due: Instant,
}

impl Passage {
    /// The same seed has the same luck.
    pub(crate) fn new(now: Instant, seed: u64) -> Self {
        Self {
            // Zero is the one state that xorshift does not leave.
            luck: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            free_at: now,
            last_due: now,
        }
    }

    /// When a frame of this size is to come out: never, once or twice.
    pub(crate) fn enter(
        &mut self,
        line: &Line,
        now: Instant,
        bytes: usize,
        under_way: usize,
    ) -> Vec<Instant> {
        if self.throw() < line.loss || under_way >= line.limit {
            return Vec::new();
        }
        self.free_at = self.free_at.max(now);
        if let Some(rate) = line.rate {
            let bits = bytes as f64 * 8.0;
            self.free_at += Duration::from_secs_f64(bits / f64::from(rate.max(1)));
        }
        let copies = if self.throw() < line.duplication {
            2
        } else {
            1
        };
        (0..copies).map(|_| self.due(line)).collect()
    }

    fn due(&mut self, line: &Line) -> Instant {
        let jitter = line.jitter.as_secs_f64() * (2.0 * self.throw() - 1.0);
        let delay = (line.delay.as_secs_f64() + jitter).max(0.0);
        let mut due = self.free_at + Duration::from_secs_f64(delay);
        if !line.reorders {
            due = due.max(self.last_due);
        }
        self.last_due = due;
        due
    }

    /// Between 0 and 1 (xorshift64*).
    fn throw(&mut self) -> f64 {
        self.luck ^= self.luck >> 12;
        self.luck ^= self.luck << 25;
        self.luck ^= self.luck >> 27;
        let bits = self.luck.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Passage};
    use std::time::{Duration, Instant};

    const MS: Duration = Duration::from_millis(1);

    /// The times, in milliseconds after entering, of so many frames that enter one a millisecond.
    fn delays(line: &Line, frames: u32) -> Vec<Vec<f64>> {
        let start = Instant::now();
        let mut passage = Passage::new(start, 7);
        let mut enter = |n| {
            let now = start + MS * n;
            let due = passage.enter(line, now, 1250, 0);
            due.iter()
                .map(|due| (*due - now).as_secs_f64() * 1e3)
                .collect()
        };
        (0..frames).map(&mut enter).collect()
    }

    #[test]
    fn a_good_line_does_nothing() {
        assert!(
            delays(&Line::default(), 100)
                .iter()
                .all(|due| *due == [0.0])
        );
    }

    #[test]
    fn shares_are_about_what_was_asked_for() {
        let line = Line {
            loss: 0.1,
            duplication: 0.05,
            delay: 100 * MS,
            jitter: 30 * MS,
            reorders: true,
            ..Line::default()
        };
        let due = delays(&line, 10_000);
        let count = |copies| due.iter().filter(|due| due.len() == copies).count();
        assert!((900..1100).contains(&count(0)), "{}", count(0));
        assert!((350..550).contains(&count(2)), "{}", count(2));
        let all: Vec<f64> = due.concat();
        assert!(all.iter().all(|ms| (70.0..=130.0).contains(ms)));
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!((mean - 100.0).abs() < 1.0, "{mean}");
        let early = |pair: &[f64]| pair[1] + 1.0 < pair[0];
        assert!(all.windows(2).any(early), "none overtakes");
    }

    #[test]
    fn without_reordering_none_overtakes_and_a_rate_makes_a_queue() {
        let line = Line {
            jitter: 30 * MS,
            delay: 30 * MS,
            ..Line::default()
        };
        let due = delays(&line, 1000).concat();
        assert!(due.windows(2).all(|pair| pair[1] + 1.0 >= pair[0] - 1e-6));
        // 1250 bytes a millisecond are ten times more than a million bits a second.
        let line = Line {
            rate: Some(1_000_000),
            ..Line::default()
        };
        let due = delays(&line, 100).concat();
        assert!((due[99] - (1000.0 - 99.0)).abs() < 1.0, "{}", due[99]);
        let mut passage = Passage::new(Instant::now(), 1);
        assert!(passage.enter(&line, Instant::now(), 1, 1000).is_empty());
    }
}
