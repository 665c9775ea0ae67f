//! Sources and sinks made of nothing: a sine, silence, oblivion.

use std::f64::consts::TAU;

use super::{AudioError, Read, SAMPLE_RATE, Sink, Source};
use crate::proto::channels::Channels;

/// Peak of the sine: -12 dBFS.
const LEVEL: f64 = 0.25;

/// A sine whose phase never jumps, the same in every channel.
#[derive(Debug)]
pub(super) struct Tone {
    hz: u32,
    channels: usize,
    /// Samples since the start, within one second: the phase repeats then, so no error builds up.
    at: u32,
}

impl Tone {
    pub(super) fn new(hz: u32, channels: Channels) -> Tone {
        Tone {
            hz,
            channels: channels.count(),
            at: 0,
        }
    }
}

impl Source for Tone {
    fn start(&mut self) -> Result<(), AudioError> {
        self.at = 0;
        Ok(())
    }

    fn read(&mut self, frame: &mut [f32]) -> Result<Read, AudioError> {
        for samples in frame.chunks_mut(self.channels) {
            let turns = f64::from(self.hz) * f64::from(self.at) / f64::from(SAMPLE_RATE);
            samples.fill(((turns.fract() * TAU).sin() * LEVEL) as f32);
            self.at = (self.at + 1) % SAMPLE_RATE;
        }
        Ok(Read::Full)
    }
}

/// Zeros without end.
#[derive(Debug)]
pub(super) struct Silence;

impl Source for Silence {
    fn start(&mut self) -> Result<(), AudioError> {
        Ok(())
    }

    fn read(&mut self, frame: &mut [f32]) -> Result<Read, AudioError> {
        frame.fill(0.0);
        Ok(Read::Full)
    }
}

/// A speaker in an empty room.
#[derive(Debug)]
pub(super) struct Null;

impl Sink for Null {
    fn write(&mut self, _: &[f32]) -> Result<(), AudioError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::audio::FRAME;

    #[test]
    fn the_tone_is_continuous_and_at_its_level() {
        for hz in [20, 440, 20_000] {
            let mut tone = Tone::new(hz, Channels::Mono);
            let mut sound = Vec::new();
            let mut frame = [0.0; FRAME];
            for _ in 0..250 {
                assert_eq!(tone.read(&mut frame).unwrap(), Read::Full);
                sound.extend_from_slice(&frame);
            }
            let peak = sound.iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
            assert!((peak - 0.25).abs() < 0.001, "{hz}: {peak}");
            // A sine obeys x[n+1] = 2 cos(w) x[n] - x[n-1]; a jump of phase breaks that.
            let turn = 2.0 * (TAU * f64::from(hz) / 48_000.0).cos();
            for w in sound.windows(3) {
                let expected = turn * f64::from(w[1]) - f64::from(w[0]);
                assert!((f64::from(w[2]) - expected).abs() < 1e-6);
            }
            tone.start().unwrap();
            tone.read(&mut frame).unwrap();
            assert_eq!(frame[..], sound[..FRAME]);
        }
    }
}
