//! From one sampling rate to another by a windowed sinc, so that recordings of different rates can be compared.       PURE

use std::f64::consts::PI;

use lab::wav::Sound;

/// Zero crossings of the sinc on either side: enough for a stop band far below what a codec leaves.
const CROSSINGS: f64 = 24.0;
/// Of the lower of the two Nyquist frequencies; what lies above fades out.
const PASS: f64 = 0.95;

/// The same sound at `rate`; sample 0 stays at the same instant.
pub(crate) fn resample(sound: &Sound, rate: u32) -> Sound {
    if sound.rate == rate {
        return sound.clone();
    }
    let common = gcd(sound.rate, rate);
    let (from, to) = (u64::from(sound.rate / common), u64::from(rate / common));
    let kernel = Kernel::new(from, to);
    let length = sound.samples.len() as u64 * to / from;
    let samples = (0..length)
        .map(|index| kernel.apply(&sound.samples, index * from / to, index * from % to))
        .collect();
    Sound { rate, samples }
}

/// One set of taps for each of the positions that an output sample can have between two input samples.
struct Kernel {
    reach: i64,
    phases: Vec<Vec<f64>>,
}

impl Kernel {
    fn new(from: u64, to: u64) -> Self {
        let cutoff = PASS * (to as f64 / from as f64).min(1.0);
        let reach = (CROSSINGS / cutoff).ceil() as i64;
        let taps = |phase: u64| {
            let shift = phase as f64 / to as f64;
            (-reach..=reach)
                .map(|tap| tap_at(tap as f64 - shift, cutoff, reach as f64 + 1.0))
                .collect()
        };
        Self {
            reach,
            phases: (0..to).map(taps).collect(),
        }
    }

    fn apply(&self, samples: &[f32], centre: u64, phase: u64) -> f32 {
        let first = centre as i64 - self.reach;
        let taps = &self.phases[phase as usize];
        let skip = usize::try_from(-first).unwrap_or(0);
        let start = usize::try_from(first).unwrap_or(0);
        let inputs = samples.get(start..).unwrap_or_default();
        let sum: f64 = taps
            .iter()
            .skip(skip)
            .zip(inputs)
            .map(|(tap, sample)| tap * f64::from(*sample))
            .sum();
        sum as f32
    }
}

/// A sinc under a Blackman window that is zero `edge` input samples away.
fn tap_at(distance: f64, cutoff: f64, edge: f64) -> f64 {
    let angle = PI * distance / edge;
    let window = 0.42 + 0.5 * angle.cos() + 0.08 * (2.0 * angle).cos();
    let x = PI * distance * cutoff;
    let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
    cutoff * sinc * window
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::resample;
    use lab::wav::Sound;

    fn sine(rate: u32, hertz: f64, seconds: f64) -> Sound {
        let length = (seconds * f64::from(rate)) as u64;
        let samples = (0..length)
            .map(|n| (TAU * hertz * n as f64 / f64::from(rate)).sin() as f32)
            .collect();
        Sound { rate, samples }
    }

    fn worst_difference(a: &Sound, b: &Sound) -> f32 {
        let inner = 400..a.samples.len().min(b.samples.len()) - 400;
        inner
            .map(|n| (a.samples[n] - b.samples[n]).abs())
            .fold(0.0, f32::max)
    }

    #[test]
    fn a_tone_keeps_its_pitch_level_and_place() {
        for (from, to) in [
            (48_000, 16_000),
            (16_000, 48_000),
            (44_100, 16_000),
            (22_050, 24_000),
        ] {
            let made = resample(&sine(from, 1000.0, 0.2), to);
            assert_eq!(made.rate, to);
            assert!(
                worst_difference(&made, &sine(to, 1000.0, 0.2)) < 0.002,
                "{from} to {to}"
            );
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        let made = resample(&sine(48_000, 11_000.0, 0.2), 16_000);
        let loudest = made.samples[400..2800]
            .iter()
            .fold(0.0_f32, |most, sample| most.max(sample.abs()));
        assert!(loudest < 0.001, "{loudest}");
    }

    #[test]
    fn nothing_stays_nothing() {
        assert!(
            resample(
                &Sound {
                    rate: 48_000,
                    samples: Vec::new()
                },
                16_000
            )
            .samples
            .is_empty()
        );
    }
}
