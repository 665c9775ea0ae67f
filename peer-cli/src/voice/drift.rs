//! How much faster one clock runs than another, seen from how full the buffer between them stays.                     PURE

use crate::audio::SAMPLE_RATE;

/// Levels are averaged over so long: single ones jump by what either side moves at once, and by how late it wakes.
const WINDOW: usize = 4 * SAMPLE_RATE as usize;
/// In so many windows a deviation of the level is made up for; four times as many for what stays (critically damped).
const WINDOWS: f64 = 4.0;
/// The farthest that two clocks of devices lie apart; more would be heard by the canceller as a change of the room.
const MOST: f64 = 1000e-6;
/// So little is no drift but the mood of the scheduler, and following that costs the canceller 5 dB: 1 ms.
const STILL: f64 = 0.001 * SAMPLE_RATE as f64;
/// A level so far off is no drift either: something came late, or all at once. 15 ms, and after something was missing 5 ms.
const JUMP: f64 = 0.015 * SAMPLE_RATE as f64;
const LATE: f64 = 0.005 * SAMPLE_RATE as f64;
/// After something was missing the level is looked at sooner: what came late is noticed before the canceller loses its place.
const SOON: usize = SAMPLE_RATE as usize / 4;

/// What to do about the level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Advice {
    /// Take this share more from the buffer than is needed, or less; within ±1000 ppm.
    Speed(f64),
    /// What was missing has come late: so many samples are there too many.
    Late(usize),
}

/// Keeps a level where its first whole window was.
#[derive(Debug, Default)]
pub(super) struct Drift {
    sum: f64,
    samples: usize,
    target: Option<f64>,
    lasting: f64,
    missed: bool,
}

impl Drift {
    /// The buffer held `left` samples more than were taken, `taken` of them just now; at the end of each window, advice.
    pub(super) fn saw(&mut self, left: i64, taken: usize) -> Option<Advice> {
        self.sum += left as f64 * taken as f64;
        self.samples += taken;
        if self.samples < if self.missed { SOON } else { WINDOW } {
            return None;
        }
        let mean = self.sum / self.samples as f64;
        let seconds = self.samples as f64 / f64::from(SAMPLE_RATE);
        (self.sum, self.samples) = (0.0, 0);
        if std::mem::take(&mut self.missed) {
            let surplus = mean - self.target?;
            return (surplus > LATE).then_some(Advice::Late(surplus.round() as usize));
        }
        let off = mean - *self.target.get_or_insert(mean);
        if off.abs() > JUMP {
            // Whoever empties the buffer was held up and lost nothing: what belongs together still does.
            self.target = Some(mean);
            return None;
        }
        let off = off.signum() * (off.abs() - STILL).max(0.0);
        // Samples in a sample's time: how fast the level would have to move to be back in so many windows.
        let share = off / (WINDOWS * seconds * f64::from(SAMPLE_RATE));
        self.lasting = (self.lasting + share / (4.0 * WINDOWS)).clamp(-MOST, MOST);
        Some(Advice::Speed((self.lasting + share).clamp(-MOST, MOST)))
    }

    /// Something was not there in time.
    pub(super) fn missed(&mut self) {
        (self.sum, self.samples, self.missed) = (0.0, 0, true);
    }
}
