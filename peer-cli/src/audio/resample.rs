//! Any rate to any other, without a change of length or start.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters,
    SincInterpolationType, WindowFunction,
};

use crate::proto::channels::Channels;

/// Samples of each channel converted at a time.
const CHUNK: usize = 480;
/// Rates that make sense, in Hz; anything else is a broken header.
const RATES: std::ops::RangeInclusive<u32> = 2_000..=768_000;

/// Converts a stream of samples.
pub(super) struct Resampler {
    inner: Async<f32>,
    channels: usize,
    ratio: f64,
    input: Vec<f32>,
    output: Vec<f32>,
    /// Output samples still to be left out: the filter's delay.
    skip: usize,
    taken: u64,
    given: u64,
}

impl Resampler {
    pub(super) fn new(from: u32, to: u32, channels: Channels) -> Result<Resampler, String> {
        if let Some(rate) = [from, to].into_iter().find(|rate| !RATES.contains(rate)) {
            return Err(format!("a sample rate of {rate} Hz is not possible"));
        }
        let ratio = f64::from(to) / f64::from(from);
        let parameters = SincInterpolationParameters::new(64, WindowFunction::BlackmanHarris2)
            .oversampling_factor(512)
            .interpolation(SincInterpolationType::Linear);
        let channels = channels.count();
        let inner = Async::new_sinc(ratio, 1.0, &parameters, CHUNK, channels, FixedAsync::Input)
            .map_err(|error| error.to_string())?;
        let skip = inner.output_delay();
        let output = vec![0.0; inner.output_frames_max() * channels];
        Ok(Resampler {
            inner,
            channels,
            ratio,
            input: Vec::new(),
            output,
            skip,
            taken: 0,
            given: 0,
        })
    }

    /// Begins anew, as if nothing had been taken.
    pub(super) fn restart(&mut self) {
        self.inner.reset();
        self.input.clear();
        self.skip = self.inner.output_delay();
        (self.taken, self.given) = (0, 0);
    }

    /// Output samples by which the filter lags.
    #[cfg(feature = "devices")]
    pub(super) fn delay(&self) -> usize {
        self.inner.output_delay()
    }

    /// Takes samples, those of two channels by turns, and appends what they give to `out`.
    pub(super) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), String> {
        self.taken += (samples.len() / self.channels) as u64;
        self.input.extend_from_slice(samples);
        let chunk = CHUNK * self.channels;
        while self.input.len() >= chunk {
            self.convert(None, out)?;
            self.input.drain(..chunk);
        }
        Ok(())
    }

    /// Appends what is left: afterwards as much has come out as went in.
    pub(super) fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), String> {
        let whole = (self.taken as f64 * self.ratio).round() as u64;
        while self.given < whole {
            let before = out.len();
            let rest = self.input.len() / self.channels;
            self.input.resize(CHUNK * self.channels, 0.0);
            self.convert(Some(rest), out)?;
            self.input.clear();
            let surplus = self.given.saturating_sub(whole) as usize * self.channels;
            out.truncate((out.len() - surplus).max(before));
        }
        Ok(())
    }

    fn convert(&mut self, partial: Option<usize>, out: &mut Vec<f32>) -> Result<(), String> {
        let indexing = partial.map(|length| Indexing::new().partial_len(length));
        let channels = self.channels;
        let room = self.output.len() / channels;
        let input = &self.input[..CHUNK * channels];
        let input = InterleavedSlice::new(input, channels, CHUNK).map_err(|e| e.to_string())?;
        let mut output = InterleavedSlice::new_mut(&mut self.output, channels, room)
            .map_err(|e| e.to_string())?;
        let (_, made) = self
            .inner
            .process_into_buffer(&input, &mut output, indexing.as_ref())
            .map_err(|error| error.to_string())?;
        let skipped = self.skip.min(made);
        self.skip -= skipped;
        self.given += (made - skipped) as u64;
        out.extend_from_slice(&self.output[skipped * channels..made * channels]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn tone(hz: f64, rate: u32, samples: usize) -> Vec<f32> {
        let step = std::f64::consts::TAU * hz / f64::from(rate);
        (0..samples)
            .map(|n| ((n as f64 * step).sin() * 0.5) as f32)
            .collect()
    }

    #[test]
    fn every_rate_keeps_length_start_pitch_and_level() {
        for rate in [
            8_000u32, 11_025, 16_000, 22_050, 32_000, 44_100, 47_999, 96_000, 192_000,
        ] {
            let samples = rate as usize + 77;
            let mut resampler = Resampler::new(rate, 48_000, Channels::Mono).unwrap();
            let mut out = Vec::new();
            for piece in tone(440.0, rate, samples).chunks(333) {
                resampler.push(piece, &mut out).unwrap();
            }
            resampler.finish(&mut out).unwrap();
            let expected = tone(440.0, 48_000, out.len());
            assert_eq!(
                out.len(),
                (samples as f64 * 48_000.0 / f64::from(rate)).round() as usize,
                "{rate}"
            );
            let middle = 1000..out.len() - 1000;
            let error: f64 = out[middle.clone()]
                .iter()
                .zip(&expected[middle])
                .map(|(a, b)| f64::from(a - b).powi(2))
                .sum();
            let relative = (error / out.len() as f64 / 0.125).sqrt();
            // One sample too early or late is 0.06.
            assert!(relative < 0.07, "{rate}: {relative}");
        }
    }

    #[test]
    fn a_new_beginning_knows_nothing_of_the_one_before() {
        let mut resampler = Resampler::new(16_000, 48_000, Channels::Mono).unwrap();
        let mut twice = [Vec::new(), Vec::new()];
        for out in &mut twice {
            resampler.push(&tone(440.0, 16_000, 4321), out).unwrap();
            resampler.finish(out).unwrap();
            resampler.restart();
        }
        assert_eq!(twice[0].len(), 3 * 4321);
        assert_eq!(twice[0], twice[1]);
    }

    #[test]
    fn what_48_khz_cannot_hold_is_filtered_out() {
        let mut resampler = Resampler::new(96_000, 48_000, Channels::Mono).unwrap();
        let mut out = Vec::new();
        resampler
            .push(&tone(30_000.0, 96_000, 96_000), &mut out)
            .unwrap();
        let power: f32 = out[500..].iter().map(|s| s * s).sum::<f32>() / out.len() as f32;
        assert!(power < 1e-6, "{power}");
    }

    #[test]
    fn impossible_rates_are_refused() {
        for rate in [0, 1, 4_000_000_000] {
            assert!(
                Resampler::new(rate, 48_000, Channels::Mono)
                    .is_err_and(|e| e.contains(&rate.to_string()))
            );
        }
    }

    #[test]
    fn left_and_right_are_converted_alike_and_stay_apart() {
        let (left, right) = (tone(440.0, 44_100, 44_177), tone(1000.0, 44_100, 44_177));
        let convert = |sound: &[f32], channels: Channels| {
            let mut resampler = Resampler::new(44_100, 48_000, channels).unwrap();
            let mut out = Vec::new();
            for piece in sound.chunks(333 * channels.count()) {
                resampler.push(piece, &mut out).unwrap();
            }
            resampler.finish(&mut out).unwrap();
            out
        };
        let both: Vec<f32> = left
            .iter()
            .zip(&right)
            .flat_map(|(l, r)| [*l, *r])
            .collect();
        let both = convert(&both, Channels::Stereo);
        let sides = [
            convert(&left, Channels::Mono),
            convert(&right, Channels::Mono),
        ];
        for (at, side) in sides.iter().enumerate() {
            let converted: Vec<f32> = both.iter().copied().skip(at).step_by(2).collect();
            assert_eq!(converted.len(), side.len());
            let same = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
            assert!(converted.iter().zip(side).all(same));
        }
    }
}
