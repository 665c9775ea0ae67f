//! Whether anything is to be heard at all.

use std::collections::VecDeque;

use super::{THRESHOLD, mean_square};

/// Loud frames that make sound: 200 ms …
const ENOUGH: usize = 20;
/// … within five seconds: a browser's test microphone beeps for a tenth of a second or two in each, and a busy machine loses some.
const SPAN: u64 = 500;

/// Counts loud frames of 10 ms.
#[derive(Debug, Default, Clone)]
pub struct Loudness {
    /// Which frames were loud: the last ones, oldest first.
    recent: VecDeque<u64>,
    /// Frames so far, and loud ones among them.
    frames: u64,
    loud: u64,
}

impl Loudness {
    /// Takes the next 10 ms; true while there is enough sound.
    pub fn feed(&mut self, frame: &[f32], real: bool) -> bool {
        let loud = real && mean_square(frame) > THRESHOLD;
        self.frames += 1;
        self.loud += u64::from(loud);
        if loud {
            self.recent.push_back(self.frames);
        }
        let begin = self.frames.saturating_sub(SPAN);
        while self.recent.len() > ENOUGH || self.recent.front().is_some_and(|at| *at <= begin) {
            self.recent.pop_front();
        }
        self.recent.len() >= ENOUGH
    }

    /// How many frames ago the oldest of the loud frames was that make it sound.
    pub fn frames_since_onset(&self) -> u32 {
        let onset = self.recent.front().copied().unwrap_or(self.frames);
        u32::try_from(self.frames - onset).unwrap_or(0)
    }

    pub(super) fn got(&self) -> String {
        match self.loud {
            0 => "no sound".to_owned(),
            loud => format!("{:.2} s of sound above -50 dBFS", loud as f64 / 100.0),
        }
    }
}
