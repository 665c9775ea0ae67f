//! Chirps to measure delay with: sound that resembles itself at one shift only, and the filter that finds it.       PURE

use std::f64::consts::{PI, TAU};

use lab::wav::Sound;

use lab::best_shift;

/// Of the sound with the chirps, and of every recording that they are looked for in, in hertz.
pub(super) const RATE: u32 = 48_000;
/// One chirp: 50 ms from 500 to 6000 Hz, which any voice codec carries.
const LENGTH: usize = RATE as usize / 20;
const FROM: f64 = 500.0;
const TO: f64 = 6000.0;
/// It rises and falls for 5 ms, so that it begins and ends without a click.
const EDGE: usize = RATE as usize / 200;
const LEVEL: f64 = 0.25;
/// The part that is looked for, 15 ms up to 2 kHz: the speech layer of Opus distorts the fast sweep above.
const PATTERN: usize = RATE as usize * 15 / 1000;
/// Where it begins within each second, in seconds.
const OFFSET: f64 = 0.5;
/// It is looked for from so much before its time on …
const BEFORE: f64 = 0.02;
/// … for so long: the next one is a second away.
const SEARCHED: f64 = 0.95;
/// Normalised correlation of a pattern that came through whole; one with a hole in it stays below.
const WHOLE: f64 = 0.75;

/// So many seconds with a chirp in each.
pub(super) fn source(seconds: usize) -> Sound {
    let mut samples = vec![0.0; seconds * RATE as usize];
    let chirp = chirp();
    for second in 0..seconds {
        let begin = (emitted(second) * f64::from(RATE)).round() as usize;
        for (sample, value) in samples[begin..].iter_mut().zip(&chirp) {
            *sample = *value as f32;
        }
    }
    Sound {
        rate: RATE,
        samples,
    }
}

/// When the chirp of this number begins in the source, in seconds.
pub(super) fn emitted(number: usize) -> f64 {
    number as f64 + OFFSET
}

/// How long each of the first `count` chirps took, in seconds; nothing for one that did not come through whole.
///
/// The recording began `later` seconds after the source.
pub(super) fn delays(heard: &Sound, later: f64, count: usize) -> Vec<Option<f64>> {
    let pattern = &chirp()[..PATTERN];
    (0..count)
        .map(|number| {
            let due = emitted(number) - later;
            let first = (due - BEFORE) * f64::from(RATE);
            if first < 0.0 {
                return None;
            }
            let first = first as usize;
            let last = first + ((BEFORE + SEARCHED) * f64::from(RATE)) as usize;
            let found = find(pattern, heard.samples.get(first..last)?)?;
            Some((first + found) as f64 / f64::from(RATE) - due)
        })
        .collect()
}

fn find(pattern: &[f64], sound: &[f32]) -> Option<usize> {
    let sound: Vec<f64> = sound.iter().copied().map(f64::from).collect();
    let last = sound.len().checked_sub(pattern.len())?;
    let at = usize::try_from(best_shift(pattern, &sound, 0..=last as i64)).ok()?;
    let piece = &sound[at..at + pattern.len()];
    let (mut product, mut own, mut other) = (0.0, 0.0, 1e-12);
    for (a, b) in pattern.iter().zip(piece) {
        product += a * b;
        own += a * a;
        other += b * b;
    }
    (product / (own * other).sqrt() >= WHOLE).then_some(at)
}

fn chirp() -> Vec<f64> {
    let seconds = LENGTH as f64 / f64::from(RATE);
    let value = |n: usize| {
        let time = n as f64 / f64::from(RATE);
        let phase = TAU * (FROM * time + (TO - FROM) * time * time / (2.0 * seconds));
        let edge = n.min(LENGTH - 1 - n).min(EDGE) as f64 / EDGE as f64;
        LEVEL * phase.sin() * (1.0 - (PI * edge).cos()) / 2.0
    };
    (0..LENGTH).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::{RATE, delays, source};

    #[test]
    fn each_chirp_is_found_to_the_sample_and_a_broken_one_is_not() {
        let sent = source(4);
        // Heard 35 ms later, from 0.2 s before the source began; the third has lost its beginning.
        let mut heard = sent.clone();
        let ms = RATE as usize / 1000;
        let mut samples = vec![0.0; 235 * ms];
        samples.extend(sent.samples.iter().map(|sample| sample * 0.3));
        samples.resize(sent.samples.len() + RATE as usize, 0.0);
        samples[(2500 + 235) * ms..(2510 + 235) * ms].fill(0.0);
        heard.samples = samples;
        let found = delays(&heard, -0.2, 4);
        for (number, delay) in found.iter().enumerate() {
            match delay {
                Some(delay) => assert!((delay - 0.035).abs() < 1e-4, "{number}: {delay}"),
                None => assert_eq!(number, 2),
            }
        }
        assert_eq!(found.iter().flatten().count(), 3);
    }

    #[test]
    fn silence_has_none() {
        let mut silence = source(2);
        silence.samples.fill(0.0);
        assert_eq!(delays(&silence, 0.0, 2), [None, None]);
    }
}
