//! Whether one tone carries the energy.
//!
//! Sound is mixed down by the expected frequency and averaged over 10 ms; one second of such averages is 100 complex numbers whose
//! spectrum has lines 1 Hz apart. That costs two multiplications a sample, and frames that never came leave holes, not jumps.

use std::collections::VecDeque;
use std::f64::consts::TAU;

use super::{SAMPLE_RATE, THRESHOLD, mean_square, spectrum};

/// Frames of 10 ms looked at together: 1 s.
const WINDOW: usize = 100;
/// Frames of them that must really have come: a lost packet or two is forgiven.
const REAL: usize = 90;
/// Looked at every 50 ms.
const EVERY: usize = 5;
/// Half width of the band, in Hz, which is lines.
const BAND: i32 = 5;
/// Share of the energy asked for.
const SHARE: f64 = 0.7;

/// Listens for one frequency.
#[derive(Debug, Clone)]
pub(super) struct Tone {
    /// Turns by this much each sample, in radians.
    step: f64,
    phase: f64,
    frames: VecDeque<Frame>,
    since: usize,
    /// The latest second of loud sound, for the report.
    heard: VecDeque<f32>,
}

/// 10 ms, mixed down.
#[derive(Debug, Default, Clone, Copy)]
struct Frame {
    real: bool,
    re: f64,
    im: f64,
    power: f64,
}

impl Tone {
    pub(super) fn new(hz: u32) -> Tone {
        let step = TAU * f64::from(hz) / SAMPLE_RATE;
        Tone {
            step,
            phase: 0.0,
            frames: VecDeque::new(),
            since: 0,
            heard: VecDeque::new(),
        }
    }

    /// Takes the next 10 ms; true if the second that they end is the tone.
    pub(super) fn feed(&mut self, frame: &[f32], real: bool) -> bool {
        let mixed = if real {
            self.mix(frame)
        } else {
            Frame::default()
        };
        self.phase = (self.phase + self.step * frame.len() as f64) % TAU;
        if mixed.power > THRESHOLD {
            self.heard.extend(frame);
            let surplus = self.heard.len().saturating_sub(spectrum::LENGTH);
            self.heard.drain(..surplus);
        }
        if self.frames.len() == WINDOW {
            self.frames.pop_front();
        }
        self.frames.push_back(mixed);
        self.since += 1;
        if self.since < EVERY || self.frames.len() < WINDOW {
            return false;
        }
        self.since = 0;
        self.is_tone()
    }

    fn mix(&self, samples: &[f32]) -> Frame {
        let (turn_im, turn_re) = (-self.step).sin_cos();
        let (mut im, mut re) = (-self.phase).sin_cos();
        let mut sum = Frame {
            real: true,
            power: mean_square(samples),
            ..Frame::default()
        };
        for &sample in samples {
            sum.re += f64::from(sample) * re;
            sum.im += f64::from(sample) * im;
            (re, im) = (re * turn_re - im * turn_im, re * turn_im + im * turn_re);
        }
        sum.re /= samples.len().max(1) as f64;
        sum.im /= samples.len().max(1) as f64;
        sum
    }

    fn is_tone(&self) -> bool {
        let real = self.frames.iter().filter(|frame| frame.real).count();
        let power = self.frames.iter().map(|frame| frame.power).sum::<f64>() / real.max(1) as f64;
        let share = self.band() / power.max(f64::MIN_POSITIVE);
        real >= REAL && power > THRESHOLD && share >= SHARE
    }

    /// Power within the band around the expected frequency.
    fn band(&self) -> f64 {
        let line = |hz: i32| {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, frame) in self.frames.iter().enumerate() {
                let (sin, cos) = (-TAU * f64::from(hz) * n as f64 / WINDOW as f64).sin_cos();
                re += frame.re * cos - frame.im * sin;
                im += frame.re * sin + frame.im * cos;
            }
            (re * re + im * im) / (WINDOW * WINDOW) as f64
        };
        // A real tone has half of its power at the negative frequency.
        2.0 * (-BAND..=BAND).map(line).sum::<f64>()
    }

    pub(super) fn got(&self) -> String {
        let (head, tail) = self.heard.as_slices();
        match spectrum::strongest(&[head, tail].concat()) {
            Some((hz, share)) => {
                format!("{hz:.0} Hz with {:.0} % of the energy", share * 100.0)
            }
            None => "no sound".to_owned(),
        }
    }
}
