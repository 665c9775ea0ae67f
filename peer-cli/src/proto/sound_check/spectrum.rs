//! The strongest frequency in a second of sound, for people who ask what was heard instead.

use std::f64::consts::{PI, TAU};

use super::SAMPLE_RATE;

/// Samples looked at: 0.68 s, lines 1.5 Hz apart.
pub(super) const LENGTH: usize = 1 << 15;
/// Half width of the band whose energy counts as one tone, in Hz.
const BAND: f64 = 5.0;

/// The strongest frequency in Hz and its share of the energy, 0 to 1.
pub(super) fn strongest(samples: &[f32]) -> Option<(f64, f64)> {
    if samples.is_empty() {
        return None;
    }
    let (mut re, mut im) = (vec![0.0; LENGTH], vec![0.0; LENGTH]);
    let length = samples.len().min(LENGTH);
    for (n, sample) in samples[samples.len() - length..].iter().enumerate() {
        // A Hann window: without it a tone between two lines smears over the whole spectrum.
        let window = 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / length as f64).cos();
        re[n] = f64::from(*sample) * window;
    }
    transform(&mut re, &mut im);
    let power: Vec<f64> = (1..LENGTH / 2)
        .map(|k| re[k] * re[k] + im[k] * im[k])
        .collect();
    let total: f64 = power.iter().sum();
    let peak = power
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(b.1))?
        .0;
    let line = SAMPLE_RATE / LENGTH as f64;
    let reach = (BAND / line).ceil() as usize;
    let near = peak.saturating_sub(reach)..(peak + reach + 1).min(power.len());
    let energy: f64 = power[near.clone()].iter().sum();
    let centre = near.map(|k| (k + 1) as f64 * power[k]).sum::<f64>() / energy;
    (total > 0.0).then(|| (centre * line, energy / total))
}

/// Radix-2 Fourier transform in place; the length is a power of two.
fn transform(re: &mut [f64], im: &mut [f64]) {
    let length = re.len();
    let bits = length.trailing_zeros();
    for i in 0..length {
        let j = i.reverse_bits() >> (usize::BITS - bits);
        if i < j {
            re.swap(i, j);
            im.swap(i, j);
        }
    }
    let mut half = 1;
    while half < length {
        for k in 0..half {
            let (sin, cos) = (-PI * k as f64 / half as f64).sin_cos();
            for a in (k..length).step_by(2 * half) {
                let b = a + half;
                let (x, y) = (re[b] * cos - im[b] * sin, re[b] * sin + im[b] * cos);
                (re[b], im[b]) = (re[a] - x, im[a] - y);
                (re[a], im[a]) = (re[a] + x, im[a] + y);
            }
        }
        half *= 2;
    }
}
