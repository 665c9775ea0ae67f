//! Without anybody on the other side.

use super::acoustics::{SECOND, noise};
use super::*;
use crate::audio::FRAME;

fn processed(processing: Processing, sound: &[f32]) -> Vec<f32> {
    let mut voice = Voice::new(processing, None).unwrap();
    let mut sent = sound.to_vec();
    for packet in sent.chunks_mut(2 * FRAME) {
        voice.process(packet, 0);
    }
    sent
}

fn level(sound: &[f32], from: usize, to: usize) -> f64 {
    decibels(power(&sound[from * SECOND..to * SECOND]))
}

const NOISE: Processing = Processing {
    echo: false,
    noise: true,
    gain: false,
};
const GAIN: Processing = Processing {
    echo: false,
    noise: false,
    gain: true,
};

#[test]
fn noise_is_suppressed_and_speech_is_not() {
    let hiss = noise(-45.0, 8 * SECOND);
    let weaker = level(&hiss, 3, 8) - level(&processed(NOISE, &hiss), 3, 8);
    assert!((11.0..30.0).contains(&weaker), "{weaker}");
    let speech = speech(8);
    let weaker = level(&speech, 3, 8) - level(&processed(NOISE, &speech), 3, 8);
    assert!((-1.0..2.0).contains(&weaker), "{weaker}");
}

#[test]
fn a_quiet_voice_is_made_louder() {
    let mut quiet = speech(10);
    let scale = 10_f64.powf((-40.0 - level(&quiet, 0, 10)) / 20.0) as f32;
    quiet.iter_mut().for_each(|sample| *sample *= scale);
    let sent = processed(GAIN, &quiet);
    let (second, later) = (level(&sent, 2, 4), level(&sent, 5, 10));
    assert!((-30.0..-18.0).contains(&second), "{second}");
    assert!((-30.0..-18.0).contains(&later), "{later}");
    assert!(sent.iter().all(|sample| sample.abs() <= 1.0));
}

#[test]
fn what_is_below_speech_is_filtered_out_by_all_of_them() {
    let hum: Vec<f32> = (0..4 * SECOND)
        .map(|n| 0.1 * (n as f32 * std::f32::consts::TAU * 10.0 / SECOND as f32).sin())
        .collect();
    let sent = processed(NOISE, &hum);
    assert!(level(&sent, 2, 4) < level(&hum, 2, 4) - 20.0);
}

#[test]
fn it_holds_back_as_much_as_it_says() {
    let sound = speech(4);
    let all = [
        NOISE,
        GAIN,
        ECHO,
        Processing {
            echo: true,
            ..NOISE
        },
    ];
    for processing in all {
        let (mut tap, played) = reference();
        let mut voice = Voice::new(processing, Some(played)).unwrap();
        let mut sent = sound.clone();
        for packet in sent.as_chunks_mut::<FRAME>().0 {
            tap.played(&[0.0; FRAME]);
            voice.process(packet, 0);
        }
        let part = &sound[2 * SECOND..5 * SECOND / 2];
        let alike = |delay: &usize| -> f64 {
            let later = &sent[2 * SECOND + delay..];
            part.iter()
                .zip(later)
                .step_by(3)
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum()
        };
        let measured = (0..1000)
            .step_by(3)
            .max_by(|a, b| alike(a).total_cmp(&alike(b)))
            .unwrap();
        assert!(
            measured.abs_diff(voice.delay()) <= 12,
            "{processing:?}: {measured}, says {}",
            voice.delay()
        );
    }
}

#[test]
fn a_rest_shorter_than_10_ms_stays_as_it_is() {
    let mut voice = Voice::new(NOISE, None).unwrap();
    let mut sound = vec![0.25; FRAME + 100];
    voice.process(&mut sound, 0);
    assert_eq!(sound[FRAME..], [0.25; 100]);
    assert_ne!(sound[..FRAME], [0.25; FRAME]);
}
