#![allow(clippy::unwrap_used)]

use super::*;

/// Frames of 10 ms of a sum of tones, each (Hz, amplitude).
fn tones(parts: &[(f64, f64)], frames: usize) -> Vec<Vec<f32>> {
    let at = |n: usize| {
        let sample = |(hz, level): &(f64, f64)| {
            level * (std::f64::consts::TAU * hz * n as f64 / SAMPLE_RATE).sin()
        };
        parts.iter().map(sample).sum::<f64>() as f32
    };
    (0..frames)
        .map(|f| (0..480).map(|i| at(f * 480 + i)).collect())
        .collect()
}

fn noise(frames: usize, level: f32) -> Vec<Vec<f32>> {
    let mut seed = 7u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((seed >> 8) as f32 / (1 << 23) as f32 - 1.0) * level
    };
    (0..frames)
        .map(|_| (0..480).map(|_| next()).collect())
        .collect()
}

fn hears(check: SoundCheck, frames: &[Vec<f32>]) -> CheckReport {
    let mut meter = SoundMeter::new(check);
    for frame in frames {
        meter.feed(frame, true);
    }
    meter.report()
}

#[test]
fn only_the_right_tone_is_accepted() {
    let tone = SoundCheck::Tone { hz: 440 };
    type Case = (&'static str, Vec<Vec<f32>>, bool, &'static str);
    let speech: &[(f64, f64)] = &[
        (120.0, 0.2),
        (240.0, 0.2),
        (440.0, 0.15),
        (910.0, 0.1),
        (2400.0, 0.05),
    ];
    #[rustfmt::skip]
    let cases: [Case; 11] = [
        ("440",           tones(&[(440.0, 0.25)], 150),               true,  "440 Hz with 100 %"),
        ("435",           tones(&[(435.0, 0.25)], 150),               true,  "435 Hz"),
        ("444.6",         tones(&[(444.6, 0.25)], 150),               true,  "445 Hz"),
        ("450",           tones(&[(450.0, 0.25)], 150),               false, "450 Hz with 100 %"),
        ("430",           tones(&[(430.0, 0.25)], 150),               false, "430 Hz"),
        ("880",           tones(&[(880.0, 0.25)], 150),               false, "880 Hz"),
        ("540: a null",   tones(&[(540.0, 0.25)], 150),               false, "540 Hz"),
        ("harmonics",     tones(speech, 150),                         false, "Hz with"),
        ("noise",         noise(150, 0.3),                            false, "Hz with"),
        ("too quiet",     tones(&[(440.0, 0.001)], 150),              false, "no sound"),
        ("silence",       tones(&[], 150),                            false, "no sound"),
    ];
    for (name, frames, met, got) in cases {
        let report = hears(tone, &frames);
        assert_eq!(report.met, met, "{name}: {}", report.got);
        assert!(report.got.contains(got), "{name}: {}", report.got);
    }
}

#[test]
fn a_tone_needs_its_second_and_forgives_a_few_missing_frames() {
    let tone = SoundCheck::Tone { hz: 440 };
    assert!(!hears(tone, &tones(&[(440.0, 0.25)], 80)).met);
    let frames = tones(&[(440.0, 0.25), (700.0, 0.08)], 110);
    for (every, expected) in [(12, true), (4, false)] {
        let mut meter = SoundMeter::new(tone);
        for (n, frame) in frames.iter().enumerate() {
            meter.feed(frame, n % every != 0);
        }
        assert_eq!(
            meter.report().met,
            expected,
            "every {every}th frame missing"
        );
    }
}

#[test]
fn every_frequency_that_can_be_asked_for_works() {
    for hz in [20, 50, 100, 1000, 9999, 20_000] {
        let frames = tones(&[(f64::from(hz), 0.25)], 110);
        assert!(hears(SoundCheck::Tone { hz }, &frames).met, "{hz}");
        assert!(
            !hears(SoundCheck::Tone { hz: hz + 12 }, &frames).met,
            "{hz}"
        );
    }
}

#[test]
fn sound_is_200_ms_of_what_was_really_sent() {
    let frames = tones(&[(300.0, 0.1)], 30);
    let report = hears(SoundCheck::Audio, &frames[..19]);
    assert_eq!(
        (report.met, report.got.as_str()),
        (false, "0.19 s of sound above -50 dBFS")
    );
    assert!(hears(SoundCheck::Audio, &frames).met);
    assert!(!hears(SoundCheck::Audio, &tones(&[(300.0, 0.004)], 300)).met);

    let mut made_up = SoundMeter::new(SoundCheck::Audio);
    assert!(
        !frames
            .iter()
            .cycle()
            .take(300)
            .any(|frame| made_up.feed(frame, false))
    );
    assert_eq!(made_up.report().got, "no sound");

    let mut sparse = Loudness::default();
    let met: Vec<bool> = (0..2000)
        .map(|n| sparse.feed(&frames[1], n % 30 == 0))
        .collect();
    assert!(!met.contains(&true));
}

#[test]
fn a_check_is_met_once_and_the_onset_is_remembered() {
    let mut meter = SoundMeter::new(SoundCheck::Audio);
    let frames = tones(&[(300.0, 0.1)], 60);
    assert_eq!(
        frames
            .iter()
            .filter(|frame| meter.feed(frame, true))
            .count(),
        1
    );
    let mut loudness = Loudness::default();
    for (n, frame) in frames.iter().enumerate() {
        if loudness.feed(frame, n >= 5) {
            assert_eq!((n, loudness.frames_since_onset()), (24, 19));
            break;
        }
    }
}

#[test]
fn names_are_those_of_the_command_line() {
    assert_eq!(SoundCheck::Audio.to_string(), "audio");
    assert_eq!(SoundCheck::Tone { hz: 440 }.to_string(), "tone=440");
}
