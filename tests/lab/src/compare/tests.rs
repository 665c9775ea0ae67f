use super::{DRIFT, Match, aligned, trimmed};
use crate::wav::Sound;

const RATE: u32 = 8000;

fn compare(sent: &Sound, heard: &Sound) -> Match {
    super::compare(sent, heard, DRIFT)
}

/// Syllables of noise, different from one another, with pauses between them: like speech, no two moments are alike.
fn sentence() -> Sound {
    let mut noise = Noise(7);
    let samples = (0..3 * RATE)
        .map(|n| {
            let syllable = n / 1200;
            let loud = if n % 1200 < 800 {
                0.2 + 0.1 * f64::from(syllable % 5)
            } else {
                0.0
            };
            (loud * noise.next()) as f32
        })
        .collect();
    Sound {
        rate: RATE,
        samples,
    }
}

/// A linear congruential generator: noise that is the same on every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / f64::from(1 << 23) - 1.0
    }
}

fn later(sound: &Sound, by: usize) -> Sound {
    let samples = std::iter::repeat_n(0.0, by)
        .chain(sound.samples.iter().copied())
        .collect();
    Sound {
        rate: sound.rate,
        samples,
    }
}

#[test]
fn a_shifted_and_softer_copy_has_its_delay_and_is_the_same() {
    for by in [0, 1, 477, 1600, 12_001] {
        let mut heard = later(&sentence(), by);
        heard.samples.iter_mut().for_each(|sample| *sample *= 0.3);
        let found = compare(&sentence(), &heard);
        assert!(
            (found.delay - by as f64 / f64::from(RATE)).abs() < 1e-9,
            "{by}: {found:?}"
        );
        assert!(found.similarity > 0.999, "{by}: {found:?}");
        assert_eq!(
            (found.missing_start, found.missing_end),
            (0.0, 0.0),
            "{by}: {found:?}"
        );
    }
}

#[test]
fn a_recording_that_starts_too_late_has_a_negative_delay() {
    let mut heard = sentence();
    heard.samples.drain(..500);
    assert!((compare(&sentence(), &heard).delay + 500.0 / f64::from(RATE)).abs() < 1e-9);
}

#[test]
fn noise_silence_and_nothing_are_not_the_sentence() {
    let mut noise = Noise(99);
    let other = Sound {
        rate: RATE,
        samples: (0..3 * RATE).map(|_| noise.next() as f32).collect(),
    };
    let silence = Sound {
        rate: RATE,
        samples: vec![0.0; 3 * RATE as usize],
    };
    let nothing = Sound {
        rate: RATE,
        samples: Vec::new(),
    };
    assert!(compare(&sentence(), &other).similarity < 0.2);
    assert_eq!(compare(&sentence(), &silence).similarity, 0.0);
    assert_eq!(compare(&sentence(), &nothing).similarity, 0.0);
    assert_eq!(compare(&nothing, &sentence()).similarity, 0.0);
}

#[test]
fn half_a_sentence_is_half_as_similar() {
    let mut heard = sentence();
    heard.samples[..RATE as usize * 3 / 2].fill(0.0);
    let found = compare(&sentence(), &heard);
    assert!((0.4..0.6).contains(&found.similarity), "{found:?}");
}

#[test]
fn what_is_cut_off_at_either_end_is_missing() {
    let cut = RATE as usize / 5;
    let mut heard = sentence();
    let length = heard.samples.len();
    heard.samples[..cut].fill(0.0);
    heard.samples[length - 2 * cut..].fill(0.0);
    let found = compare(&sentence(), &later(&heard, 160));
    // The sentence itself ends in a pause of 50 ms, and a step is 10 ms.
    assert!((found.missing_start - 0.2).abs() < 0.03, "{found:?}");
    assert!((found.missing_end - 0.35).abs() < 0.03, "{found:?}");
}

#[test]
fn alignment_takes_the_delay_away_again() {
    let heard = later(&sentence(), 333);
    assert_eq!(
        aligned(&sentence(), &heard, 333.0 / f64::from(RATE)),
        sentence()
    );
    let short = Sound {
        rate: RATE,
        samples: vec![0.5; 10],
    };
    assert_eq!(
        aligned(&sentence(), &short, 0.0).samples.len(),
        sentence().samples.len()
    );
}

#[test]
fn trimming_takes_silence_only() {
    let padded = later(&sentence(), 4000);
    let speech = trimmed(&padded);
    assert!(
        speech.samples.len() < 3 * RATE as usize && speech.samples.len() > 3 * RATE as usize - 600
    );
    assert!(
        speech.samples[..80]
            .iter()
            .any(|sample| sample.abs() > 0.01)
    );
    assert!(
        trimmed(&Sound {
            rate: RATE,
            samples: vec![0.0; 100]
        })
        .samples
        .is_empty()
    );
}
