//! Whether anything is to be heard at all.

use super::{THRESHOLD, mean_square};

/// Loud frames that make sound: 200 ms …
const ENOUGH: u32 = 20;
/// … within one second.
const SPAN: u32 = 100;

/// Counts loud frames of 10 ms.
#[derive(Debug, Default, Clone)]
pub struct Loudness {
    /// Bit n: the frame n before the latest was loud.
    recent: u128,
    /// Loud frames so far.
    loud: u64,
}

impl Loudness {
    /// Takes the next 10 ms; true while there is enough sound.
    pub fn feed(&mut self, frame: &[f32], real: bool) -> bool {
        let loud = real && mean_square(frame) > THRESHOLD;
        self.recent = ((self.recent << 1) | u128::from(loud)) & ((1 << SPAN) - 1);
        self.loud += u64::from(loud);
        self.recent.count_ones() >= ENOUGH
    }

    /// How many frames ago the oldest loud frame of the last second was.
    pub fn frames_since_onset(&self) -> u32 {
        127u32.saturating_sub(self.recent.leading_zeros())
    }

    pub(super) fn got(&self) -> String {
        match self.loud {
            0 => "no sound".to_owned(),
            loud => format!("{:.2} s of sound above -50 dBFS", loud as f64 / 100.0),
        }
    }
}
