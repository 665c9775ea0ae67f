//! Was there sound, and was it the right tone: the machines behind `--expect audio` and `--expect tone=HZ`.
//!
//! They are fed with what is played, 10 ms at a time, and told whether the other side really sent it: concealment proves nothing.

mod loudness;
mod spectrum;
#[cfg(test)]
mod tests;
mod tone;

use std::fmt;

pub use loudness::Loudness;
use tone::Tone;

/// Samples per second.
const SAMPLE_RATE: f64 = 48_000.0;
/// Mean square of sound that counts: -50 dBFS.
const THRESHOLD: f64 = 1e-5;

/// A question about received sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoundCheck {
    /// 200 ms above -50 dBFS within five seconds.
    Audio,
    /// For 1 s at least 70 % of the energy within 5 Hz of `hz`.
    Tone {
        /// Frequency expected, in Hz.
        hz: u32,
    },
}

impl fmt::Display for SoundCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SoundCheck::Audio => f.write_str("audio"),
            SoundCheck::Tone { hz } => write!(f, "tone={hz}"),
        }
    }
}

/// The answer so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// What was asked.
    pub check: SoundCheck,
    /// Whether it was met at some time.
    pub met: bool,
    /// What was heard instead, or how it was met.
    pub got: String,
}

/// One check on one stream.
#[derive(Debug, Clone)]
pub struct SoundMeter {
    check: SoundCheck,
    ear: Ear,
    met: Option<String>,
}

#[derive(Debug, Clone)]
enum Ear {
    Loudness(Loudness),
    Tone(Box<Tone>),
}

impl SoundMeter {
    /// Starts to listen.
    pub fn new(check: SoundCheck) -> SoundMeter {
        let ear = match check {
            SoundCheck::Audio => Ear::Loudness(Loudness::default()),
            SoundCheck::Tone { hz } => Ear::Tone(Box::new(Tone::new(hz))),
        };
        SoundMeter {
            check,
            ear,
            met: None,
        }
    }

    /// Takes the next 10 ms; true when they meet the check for the first time.
    pub fn feed(&mut self, frame: &[f32], real: bool) -> bool {
        if self.met.is_some() {
            return false;
        }
        let met = match &mut self.ear {
            Ear::Loudness(loudness) => loudness.feed(frame, real),
            Ear::Tone(tone) => tone.feed(frame, real),
        };
        if met {
            self.met = Some(self.got());
        }
        met
    }

    /// What is being checked.
    pub fn check(&self) -> SoundCheck {
        self.check
    }

    /// The answer so far.
    pub fn report(&self) -> CheckReport {
        let got = self.met.clone().unwrap_or_else(|| self.got());
        CheckReport {
            check: self.check,
            met: self.met.is_some(),
            got,
        }
    }

    fn got(&self) -> String {
        match &self.ear {
            Ear::Loudness(loudness) => loudness.got(),
            Ear::Tone(tone) => tone.got(),
        }
    }
}

fn mean_square(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    sum / samples.len().max(1) as f64
}
