//! Keeps the sum of several voices within full scale without clipping it.                                           PURE

use crate::proto::channels::Channels;

/// Highest sample that leaves, of full scale.
const CEILING: f32 = 0.98;
/// Samples over which the gain falls: 1 ms at 48 kHz. A whole frame is known before any of it leaves.
const ATTACK: usize = 48;
/// How much the gain may rise again in a second: from half to whole, say, in half a second.
const RELEASE: f32 = 1.0;
/// Samples in a second.
const RATE: f32 = 48_000.0;

/// A gain that falls at once and rises slowly. Sound below full scale passes unchanged.
#[derive(Debug, Clone, PartialEq)]
pub struct Limiter {
    gain: f32,
}

impl Default for Limiter {
    fn default() -> Limiter {
        Limiter { gain: 1.0 }
    }
}

impl Limiter {
    /// Limits one frame, 48 kHz; two channels alike, or the voices would move.
    pub fn limit(&mut self, frame: &mut [f32], channels: Channels) {
        let peak = frame.iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
        if self.gain == 1.0 && peak <= 1.0 {
            return;
        }
        let wanted = if peak > CEILING { CEILING / peak } else { 1.0 };
        let from = self.gain;
        let samples = frame.len() / channels.count();
        let rise = RELEASE * samples as f32 / RATE;
        let to = wanted.min(from + rise);
        let ramp = if to < from {
            ATTACK.min(samples)
        } else {
            samples
        };
        for (at, sample) in frame.iter_mut().enumerate() {
            let at = at / channels.count();
            let share = ((at + 1) as f32 / ramp as f32).min(1.0);
            // Before the gain has fallen a loud sample could still pass.
            *sample = (*sample * (from + (to - from) * share)).clamp(-1.0, 1.0);
        }
        self.gain = to;
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    const FRAME: usize = 480;

    fn tones(amplitude: f64, hertz: &[f64], frames: usize) -> Vec<f32> {
        let sample = |n: usize| {
            let tone = |hz: &f64| (TAU * hz * n as f64 / f64::from(RATE)).sin();
            (hertz.iter().map(tone).sum::<f64>() * amplitude) as f32
        };
        (0..frames * FRAME).map(sample).collect()
    }

    /// Share of the energy that is not at these frequencies, in dB.
    fn distortion(sound: &[f32], hertz: &[f64]) -> f64 {
        let energy: f64 = sound.iter().map(|s| f64::from(*s).powi(2)).sum();
        let at = |hz: &f64| {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, sample) in sound.iter().enumerate() {
                let (sin, cos) = (TAU * hz * n as f64 / f64::from(RATE)).sin_cos();
                re += f64::from(*sample) * cos;
                im += f64::from(*sample) * sin;
            }
            (re * re + im * im) * 2.0 / sound.len() as f64
        };
        let wanted: f64 = hertz.iter().map(at).sum();
        10.0 * ((energy - wanted).max(energy * 1e-9) / energy).log10()
    }

    fn limited(mut sound: Vec<f32>) -> Vec<f32> {
        let mut limiter = Limiter::default();
        sound
            .chunks_mut(FRAME)
            .for_each(|frame| limiter.limit(frame, Channels::Mono));
        sound
    }

    #[test]
    fn what_fits_passes_unchanged() {
        let sound = tones(1.0, &[440.0], 100);
        assert_eq!(limited(sound.clone()), sound);
    }

    #[test]
    fn two_loud_voices_stay_two_tones_where_clipping_makes_noise() {
        let hertz = [440.0, 1000.0];
        let loud = tones(0.9, &hertz, 200);
        let clipped: Vec<f32> = loud.iter().map(|s| s.clamp(-1.0, 1.0)).collect();
        let soft = limited(loud);
        assert!(soft.iter().all(|s| s.abs() <= 1.0));
        // A second of whole periods, settled.
        let (soft, clipped) = (&soft[48_000..96_000], &clipped[48_000..96_000]);
        let (soft, clipped) = (distortion(soft, &hertz), distortion(clipped, &hertz));
        assert!(
            soft < -35.0 && clipped > -25.0,
            "{soft} dB, clipped {clipped} dB"
        );
    }

    #[test]
    fn the_gain_returns() {
        let mut limiter = Limiter::default();
        let mut loud = tones(3.0, &[440.0], 1);
        limiter.limit(&mut loud, Channels::Mono);
        let quiet = tones(0.5, &[440.0], 100);
        let mut last = quiet.clone();
        last.chunks_mut(FRAME)
            .for_each(|frame| limiter.limit(frame, Channels::Mono));
        assert!(last[100].abs() < quiet[100].abs() * 0.5);
        assert_eq!(last[47_000..], quiet[47_000..]);
    }
}
