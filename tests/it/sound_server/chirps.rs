//! Short sweeps, whose arrival a matched filter tells to the sample.

use std::f64::consts::TAU;
use std::time::{Duration, Instant};

use lab::{Heard, Sound};

/// Samples a second of everything here.
pub(super) const RATE: u32 = 16_000;
/// One sweep: 50 ms from 500 to 6000 Hz.
const LENGTH: usize = 800;
const FROM: f64 = 500.0;
const TO: f64 = 6000.0;
/// A sweep stands out by so much: its correlation with the sound, 1 being a perfect copy.
const LIKENESS: f64 = 0.5;

/// One sweep a second, the first after half a second.
pub(super) fn chirps(seconds: usize) -> Sound {
    let second = RATE as usize;
    let mut samples = vec![0.0; seconds * second];
    for (start, sample) in (0..seconds).flat_map(|n| {
        let start = n * second + second / 2;
        sweep()
            .into_iter()
            .enumerate()
            .map(move |(at, s)| (start + at, s))
    }) {
        samples[start] = sample * 0.5;
    }
    Sound {
        rate: RATE,
        samples,
    }
}

fn sweep() -> Vec<f32> {
    let seconds = LENGTH as f64 / f64::from(RATE);
    let phase = |at: usize| {
        let t = at as f64 / f64::from(RATE);
        TAU * (FROM * t + (TO - FROM) * t * t / (2.0 * seconds))
    };
    // Rounded at its ends, so that it does not click.
    let window = |at: usize| (TAU * at as f64 / LENGTH as f64).cos().mul_add(-0.5, 0.5);
    (0..LENGTH)
        .map(|at| (phase(at).sin() * window(at)) as f32)
        .collect()
}

/// When the sweeps were heard.
pub(super) fn arrivals(heard: &Heard) -> Vec<Instant> {
    let (sweep, samples) = (sweep(), &heard.sound.samples);
    let own: f32 = sweep.iter().map(|s| s * s).sum();
    let likeness = |at: usize| {
        let part = &samples[at..at + LENGTH];
        let energy: f32 = part.iter().map(|s| s * s).sum();
        let product: f32 = part.iter().zip(&sweep).map(|(a, b)| a * b).sum();
        f64::from(product.abs() / (own * energy).sqrt().max(1e-3))
    };
    let mut found: Vec<(usize, f64)> = Vec::new();
    for at in 0..(samples.len() + 1).saturating_sub(LENGTH) {
        // Most of a recording is silence.
        if samples[at + LENGTH / 2].abs() < 1e-3 && samples[at + LENGTH / 2 + 3].abs() < 1e-3 {
            continue;
        }
        let like = likeness(at);
        match found.last_mut() {
            _ if like < LIKENESS => {}
            Some((last, best)) if at - *last < LENGTH => {
                if like > *best {
                    (*last, *best) = (at, like);
                }
            }
            _ => found.push((at, like)),
        }
    }
    let time = |(at, _): &(usize, f64)| {
        heard.start + Duration::from_secs_f64(*at as f64 / f64::from(RATE))
    };
    found.iter().map(time).collect()
}

/// For each sweep that was heard at the end, how long it took from the last one before it at the beginning.
pub(super) fn delays(beginning: &Heard, end: &Heard) -> Vec<Duration> {
    let said = arrivals(beginning);
    let heard = arrivals(end);
    let delay = |at: &Instant| Some(*at - *said.iter().rfind(|said| *said < at)?);
    heard.iter().filter_map(delay).collect()
}

#[test]
fn a_late_copy_is_measured() {
    let start = Instant::now();
    let said = Heard {
        sound: chirps(4),
        start,
    };
    let mut late = chirps(4);
    late.samples.splice(0..0, vec![0.0; 1000]);
    for sample in &mut late.samples {
        *sample *= 0.1;
    }
    let heard = Heard { sound: late, start };
    let delays = delays(&said, &heard);
    assert_eq!(delays, [Duration::from_micros(62_500); 4]);
}
