//! How much faster one clock runs than another, seen from how full the buffer between them stays.                     PURE

use crate::audio::SAMPLE_RATE;

/// Levels are averaged over so long: single ones jump by what either side moves at once.
const WINDOW: usize = 2 * SAMPLE_RATE as usize;
/// In so many windows a deviation of the level is made up for; four times as many for what stays (critically damped).
const WINDOWS: f64 = 4.0;
/// The farthest that two clocks of devices lie apart; more would be heard by the canceller as a change of the room.
const MOST: f64 = 1000e-6;
/// A level so far off is no drift: sound was lost or came late. 5 ms.
const JUMP: f64 = 0.005 * SAMPLE_RATE as f64;

/// What to do about the level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Advice {
    /// Take this share more from the buffer than is needed, or less; within ±1000 ppm.
    Speed(f64),
    /// Leave out so many samples at once, or fill in the negative.
    Shift(i64),
}

/// Keeps a level where its first whole window was.
#[derive(Debug, Default)]
pub(super) struct Drift {
    sum: f64,
    samples: usize,
    target: Option<f64>,
    lasting: f64,
}

impl Drift {
    /// The buffer held `left` samples more than were taken, `taken` of them just now; at the end of each window, advice.
    pub(super) fn saw(&mut self, left: i64, taken: usize) -> Option<Advice> {
        self.sum += left as f64 * taken as f64;
        self.samples += taken;
        if self.samples < WINDOW {
            return None;
        }
        let mean = self.sum / self.samples as f64;
        let seconds = self.samples as f64 / f64::from(SAMPLE_RATE);
        (self.sum, self.samples) = (0.0, 0);
        let target = *self.target.get_or_insert(mean);
        let off = mean - target;
        if off.abs() > JUMP {
            return Some(Advice::Shift(off.round() as i64));
        }
        // Samples in a sample's time: how fast the level would have to move to be back in so many windows.
        let share = off / (WINDOWS * seconds * f64::from(SAMPLE_RATE));
        self.lasting = (self.lasting + share / (4.0 * WINDOWS)).clamp(-MOST, MOST);
        Some(Advice::Speed((self.lasting + share).clamp(-MOST, MOST)))
    }

    /// The level has jumped: the window starts anew, what is known of the clocks stays.
    pub(super) fn interrupted(&mut self) {
        (self.sum, self.samples) = (0.0, 0);
    }
}
