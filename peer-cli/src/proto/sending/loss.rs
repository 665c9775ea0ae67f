//! Loss to prepare for: up at once, down slowly.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Loss is the share of this long.
const WINDOW: Duration = Duration::from_secs(3);
/// Fewer packets are no share.
const FEWEST: u32 = 20;
/// After a loss its share falls to a third in so long.
const RELEASE: f64 = 2.0;
/// Beyond it libopus makes its copies no better.
const MOST_PERCENT: f64 = 25.0;
/// Less counts as none, in percent.
const NONE: f64 = 0.1;

/// What has been lost of late.
#[derive(Debug)]
pub(super) struct Losses {
    told: VecDeque<(Instant, u32, u32)>,
    /// Loss, 0 to 1, that falls slowly; nothing before anything is known.
    held: Option<(Instant, f64)>,
    /// What to expect as long as nothing is known, in percent.
    unknown: u8,
}

impl Losses {
    pub(super) fn new(unknown: u8) -> Losses {
        Losses {
            told: VecDeque::new(),
            held: None,
            unknown,
        }
    }

    /// Of `packets` so many were lost.
    pub(super) fn count(&mut self, now: Instant, lost: u32, packets: u32) {
        self.told.push_back((now, lost, packets));
        let old = |(at, ..): &(Instant, u32, u32)| now.saturating_duration_since(*at) > WINDOW;
        // One report alone may be older than the window, and is all there is.
        while self.told.len() > 1 && self.told.front().is_some_and(old) {
            self.told.pop_front();
        }
        let (lost, packets) = self
            .told
            .iter()
            .fold((0, 0), |(lost, all), (_, l, p)| (lost + l, all + p));
        if packets < FEWEST {
            return;
        }
        let share = f64::from(lost) / f64::from(packets);
        let falling = self.held.map_or(0.0, |(at, held)| {
            held * (-now.saturating_duration_since(at).as_secs_f64() / RELEASE).exp()
        });
        self.held = Some((now, share.max(falling)));
    }

    /// In percent.
    pub(super) fn expected(&self) -> u8 {
        let Some((_, share)) = self.held else {
            return self.unknown;
        };
        let percent = (share * 100.0).min(MOST_PERCENT);
        if percent < NONE {
            0
        } else {
            percent.ceil() as u8
        }
    }
}
