//! Between 48 and 8 kHz: a windowed sinc, one sample for six and six for one, with no memory beyond its length.

use std::sync::LazyLock;

use super::RATIO;

/// Taps at 48 kHz: 33 samples at 8 kHz. Flat up to 3.1 kHz, 60 dB down from 4.5 kHz on.
const TAPS: usize = 33 * RATIO;
/// Where the filter is 6 dB down, Hz: telephone sound ends at 3.4 kHz.
const CUTOFF: f64 = 3_750.0;
const RATE: f64 = 48_000.0;

/// Both ways together, in samples at 48 kHz.
pub(super) const DELAY: usize = TAPS - 1;

/// Sum 1, symmetric: half of its length is its delay.
static FILTER: LazyLock<[f32; TAPS]> = LazyLock::new(|| {
    let middle = (TAPS - 1) as f64 / 2.0;
    let mut taps = [0.0f64; TAPS];
    for (n, tap) in taps.iter_mut().enumerate() {
        let x = (n as f64 - middle) * 2.0 * CUTOFF / RATE * std::f64::consts::PI;
        let sinc = if x == 0.0 { 1.0 } else { x.sin() / x };
        // Blackman's window.
        let turn = n as f64 / (TAPS - 1) as f64 * std::f64::consts::TAU;
        *tap = sinc * (0.42 - 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos());
    }
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum) as f32)
});

/// 48 kHz to 8 kHz.
#[derive(Debug)]
pub(super) struct Down {
    history: [f32; TAPS],
}

impl Default for Down {
    fn default() -> Down {
        Down {
            history: [0.0; TAPS],
        }
    }
}

impl Down {
    /// Takes six samples, gives one.
    pub(super) fn push(&mut self, six: &[f32]) -> f32 {
        self.history.copy_within(RATIO.., 0);
        self.history[TAPS - RATIO..].copy_from_slice(six);
        let products = self.history.iter().zip(FILTER.iter());
        products.map(|(sample, tap)| sample * tap).sum()
    }
}

/// 8 kHz to 48 kHz.
#[derive(Debug)]
pub(super) struct Up {
    history: [f32; TAPS / RATIO],
}

impl Default for Up {
    fn default() -> Up {
        Up {
            history: [0.0; TAPS / RATIO],
        }
    }
}

impl Up {
    /// Takes a sample, appends six.
    pub(super) fn push(&mut self, sample: f32, out: &mut Vec<f32>) {
        self.history.copy_within(1.., 0);
        self.history[TAPS / RATIO - 1] = sample;
        out.extend((0..RATIO).map(|phase| {
            let taps = FILTER[phase..].iter().step_by(RATIO);
            let newest_first = self.history.iter().rev();
            let sum: f32 = newest_first.zip(taps).map(|(s, tap)| s * tap).sum();
            sum * RATIO as f32
        }));
    }
}
