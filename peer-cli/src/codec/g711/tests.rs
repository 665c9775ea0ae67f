use std::f32::consts::TAU;

use super::*;

/// A tone at 48 kHz.
fn tone(hz: f32, samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|n| (n as f32 * hz * TAU / 48_000.0).sin() * 0.5)
        .collect()
}

fn through(law: Law, sound: &[f32]) -> Vec<f32> {
    let (mut encoder, mut decoder) = (Encoder::new(law), Decoder::new(law));
    let mut heard = Vec::new();
    for frame in sound.chunks_exact(960) {
        let packet = encoder.encode(frame);
        assert_eq!((packet.len(), duration(&packet)), (160, 960));
        decoder.decode(&packet, &mut heard);
    }
    heard
}

/// Signal to noise in dB, `heard` coming `delay` later.
fn snr(sent: &[f32], heard: &[f32], delay: usize) -> f32 {
    let (mut signal, mut noise) = (0.0, 1e-12);
    for (s, h) in sent.iter().zip(&heard[delay..]).skip(4800) {
        signal += s * s;
        noise += (s - h) * (s - h);
    }
    10.0 * f32::log10(signal / noise)
}

#[test]
fn known_values_of_both_laws() {
    // The ends, the middle and the corners of ITU-T G.711, tables 1a to 2b.
    let mu = [
        (0, 0xff),
        (-1, 0x7f),
        (32_767, 0x80),
        (-32_768, 0x00),
        (8_159 * 4, 0x80),
    ];
    for (sample, byte) in mu {
        assert_eq!(Law::Mu.encode(sample), byte, "{sample}");
    }
    for (sample, byte) in [
        (0, 0xd5),
        (-1, 0x55),
        (32_767, 0xaa),
        (-32_768, 0x2a),
        (256, 0xc5),
    ] {
        assert_eq!(Law::A.encode(sample), byte, "{sample}");
    }
    assert_eq!(
        (Law::Mu.decode(0x80), Law::Mu.decode(0x00)),
        (32_124, -32_124)
    );
    assert_eq!((Law::Mu.decode(0xff), Law::Mu.decode(0x7f)), (0, 0));
    assert_eq!(
        (Law::A.decode(0xaa), Law::A.decode(0x2a)),
        (32_256, -32_256)
    );
    assert_eq!((Law::A.decode(0xd5), Law::A.decode(0x55)), (8, -8));
}

#[test]
fn every_byte_comes_back_and_every_sample_comes_near() {
    for law in [Law::Mu, Law::A] {
        for byte in 0..=255u8 {
            let again = law.encode(law.decode(byte));
            // µ-law has two zeros.
            assert!(
                again == byte || (law == Law::Mu && byte == 0x7f),
                "{law:?} {byte:#x}"
            );
        }
        for sample in (i16::MIN..=i16::MAX).step_by(7) {
            let off = i32::from(law.decode(law.encode(sample))) - i32::from(sample);
            assert!(
                off.abs() <= i32::from(sample).abs() / 24 + 40,
                "{law:?} {sample}"
            );
        }
    }
}

#[test]
fn telephone_sound_passes_and_what_is_above_does_not_fold_down() {
    for law in [Law::Mu, Law::A] {
        for hz in [300.0, 1000.0, 3000.0] {
            let sent = tone(hz, 48_000);
            let snr = snr(&sent, &through(law, &sent), DELAY_OF_BOTH);
            assert!(snr > 30.0, "{law:?} {hz} Hz: {snr} dB");
        }
        let heard = through(law, &tone(6_500.0, 48_000));
        let loudest = heard
            .iter()
            .skip(960)
            .fold(0.0f32, |most, s| most.max(s.abs()));
        assert!(loudest < 0.002, "{law:?}: {loudest}");
    }
}

/// Both filters are symmetric; a sixth is taken when its last sample is there.
const DELAY_OF_BOTH: usize = filter::DELAY - (RATIO - 1);

#[test]
fn a_gap_is_bridged_by_the_sound_before_it_and_joined_without_a_click() {
    let sent = tone(150.0, 48_000);
    let (mut encoder, mut decoder) = (Encoder::new(Law::Mu), Decoder::new(Law::Mu));
    let mut heard = Vec::new();
    for (n, frame) in sent.chunks_exact(960).enumerate() {
        let packet = encoder.encode(frame);
        if n % 10 == 5 {
            decoder.conceal(960, &mut heard);
        } else {
            decoder.decode(&packet, &mut heard);
        }
    }
    assert_eq!(heard.len(), 48_000);
    let largest = |sound: &[f32]| {
        sound
            .windows(2)
            .map(|w| (w[1] - w[0]).abs())
            .fold(0.0f32, f32::max)
    };
    assert!(
        largest(&heard[960..]) < 2.0 * largest(&sent),
        "{}",
        largest(&heard[960..])
    );
    let snr = snr(&sent, &heard, DELAY_OF_BOTH);
    assert!(snr > 8.0, "{snr} dB");
}

#[test]
fn odd_sizes_and_gaps_before_any_sound_do_no_harm() {
    let mut decoder = Decoder::new(Law::A);
    let mut heard = Vec::new();
    decoder.conceal(481, &mut heard);
    decoder.decode(&[], &mut heard);
    decoder.decode(&[0x12], &mut heard);
    decoder.conceal(3, &mut heard);
    decoder.decode(&vec![0x34; 2000], &mut heard);
    assert_eq!(heard.len(), 481 + 6 + 3 + 12_000);
    assert!(heard.iter().all(|s| s.is_finite() && s.abs() <= 1.5));
    assert!(Encoder::new(Law::A).encode(&[0.1; 5]).is_empty());
}
