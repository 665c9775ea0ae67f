//! When a tone is there in a recording and when it is not.                                                            PURE

use std::f64::consts::TAU;

use crate::wav::Sound;

/// One decision, in seconds.
const WINDOW: f64 = 0.02;
/// Share of the energy at the tone's own frequency that makes a window one of the tone.
const SHARE: f64 = 0.7;
/// Root mean square below which nothing is heard: −50 dBFS.
const QUIET: f64 = 0.003;
/// The tone is back once it has been there for this long, in seconds.
const STEADY: f64 = 0.5;
/// A click in the tone, one spoilt window, is no end of it.
const CLICK: usize = 1;

/// Window by window, whether there is this tone.
#[derive(Clone, Debug, PartialEq)]
pub struct Presence(Vec<bool>);

impl Presence {
    /// Of a tone of so many hertz in this recording.
    #[must_use]
    pub fn of(hertz: f64, sound: &Sound) -> Self {
        let length = (WINDOW * f64::from(sound.rate)) as usize;
        let turn = TAU * hertz / f64::from(sound.rate);
        let windows = sound.samples.chunks_exact(length.max(1));
        Self(windows.map(|window| is_tone(window, turn)).collect())
    }

    /// When the tone that lasts begins, looked for from `from` on; all in seconds from the start of the recording.
    #[must_use]
    pub fn back_after(&self, from: f64) -> Option<f64> {
        let first = (from.max(0.0) / WINDOW) as usize;
        let needed = (STEADY / WINDOW) as usize;
        let rest = self.0.get(first..)?;
        let start = (0..(rest.len() + 1).saturating_sub(needed)).find(|at| {
            let spoilt = rest[*at..at + needed].iter().filter(|there| !**there);
            rest[*at] && spoilt.count() <= CLICK
        })?;
        Some(((first + start) as f64 * WINDOW).max(from))
    }

    /// The longest time without it between `from` and `to`, in seconds.
    #[must_use]
    pub fn longest_gap(&self, from: f64, to: f64) -> f64 {
        let range = (from / WINDOW) as usize..((to / WINDOW) as usize).min(self.0.len());
        let windows = self.0.get(range).unwrap_or_default();
        let longest = windows.split(|there| *there).map(<[bool]>::len).max();
        longest.unwrap_or(0) as f64 * WINDOW
    }

    /// For how long it is there altogether, in seconds: on a busy machine a device has gaps.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.0.iter().filter(|there| **there).count() as f64 * WINDOW
    }

    /// How long the recording is, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.0.len() as f64 * WINDOW
    }
}

/// By the share of the energy that a sine and a cosine of this frequency carry.
fn is_tone(window: &[f32], turn: f64) -> bool {
    let (mut sine, mut cosine, mut energy) = (0.0, 0.0, 0.0);
    for (index, sample) in window.iter().enumerate() {
        let (sample, angle) = (f64::from(*sample), turn * index as f64);
        sine += sample * angle.sin();
        cosine += sample * angle.cos();
        energy += sample * sample;
    }
    let length = window.len() as f64;
    let level = (energy / length).sqrt();
    // A pure tone over whole periods gives energy · length / 2; nearly so over others.
    level > QUIET && (sine * sine + cosine * cosine) * 2.0 / length > SHARE * energy
}

#[cfg(test)]
mod tests {
    use super::Presence;
    use crate::wav::Sound;
    use std::f64::consts::TAU;

    fn recording(parts: &[(f64, f64)]) -> Sound {
        let mut samples = Vec::new();
        for (hertz, seconds) in parts {
            let length = (seconds * 48_000.0) as usize;
            samples.extend((0..length).map(|n| {
                let phase = TAU * hertz * n as f64 / 48_000.0;
                (0.25 * phase.sin()) as f32
            }));
        }
        Sound {
            rate: 48_000,
            samples,
        }
    }

    #[test]
    fn a_gap_is_measured_and_the_return_found() {
        // Silence is a tone of no hertz.
        let heard = Presence::of(440.0, &recording(&[(440.0, 2.0), (0.0, 3.0), (440.0, 2.0)]));
        assert_eq!(heard.longest_gap(0.0, 7.0), 3.0);
        assert_eq!(heard.longest_gap(0.0, 1.9), 0.0);
        assert_eq!(heard.back_after(3.0), Some(5.0));
        assert_eq!(heard.back_after(5.5), Some(5.5));
        assert_eq!(heard.back_after(6.8), None, "too short to be sure");
        assert_eq!(heard.back_after(99.0), None);
        assert_eq!(heard.total(), 4.0);
    }

    #[test]
    fn another_tone_and_a_blip_are_not_it() {
        let heard = Presence::of(440.0, &recording(&[(880.0, 2.0), (440.0, 0.1), (0.0, 1.0)]));
        assert_eq!(heard.back_after(0.0), None);
        assert!(heard.longest_gap(0.0, 3.1) >= 1.9);
    }
}
