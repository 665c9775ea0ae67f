#![allow(clippy::unwrap_used)]

use super::*;

/// A voice-like sound: a buzz of 130 Hz whose loudness rises and falls.
fn voice(samples: usize) -> Vec<f32> {
    let pulse = |n: usize| 1.0 - 2.0 * ((n as f32 * 130.0 / 48_000.0) % 1.0);
    let swell = |n: usize| 0.15 + 0.1 * (n as f32 * 3.0 * std::f32::consts::TAU / 48_000.0).sin();
    (0..samples).map(|n| pulse(n) * swell(n)).collect()
}

fn encode(options: &EncoderOptions, sound: &[f32]) -> Vec<Bytes> {
    let mut encoder = Encoder::new(options).unwrap();
    sound
        .chunks_exact(encoder.frame())
        .map(|frame| encoder.encode(frame).unwrap())
        .collect()
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
}

#[test]
fn every_packet_time_makes_packets_of_that_length() {
    for ptime_ms in [10, 20, 40, 60] {
        let packets = encode(
            &EncoderOptions {
                ptime_ms,
                ..EncoderOptions::default()
            },
            &voice(48_000),
        );
        assert_eq!(packets.len() as u32, 1000 / ptime_ms);
        assert!(
            packets
                .iter()
                .all(|p| duration(p) == Some(ptime_ms as usize * MS))
        );
        let mut decoder = Decoder::new(Channels::Mono).unwrap();
        let samples: usize = packets
            .iter()
            .map(|p| decoder.decode(p).unwrap().len())
            .sum();
        assert_eq!(samples, packets.len() * ptime_ms as usize * MS);
    }
    let error = Encoder::new(&EncoderOptions {
        ptime_ms: 30,
        ..EncoderOptions::default()
    })
    .unwrap_err();
    assert!(error.to_string().contains("30 ms"), "{error}");
}

/// A decoder that has heard these packets.
fn after(packets: &[Bytes]) -> Decoder {
    let mut decoder = Decoder::new(Channels::Mono).unwrap();
    for packet in packets {
        decoder.decode(packet).unwrap();
    }
    decoder
}

#[test]
fn redundancy_is_there_when_asked_for_and_beats_concealment_and_silence() {
    let options = EncoderOptions {
        expected_loss: 20,
        ..EncoderOptions::default()
    };
    let packets = encode(&options, &voice(96_000));
    assert!(packets[5..].iter().filter(|p| has_fec(p)).count() > packets.len() / 2);
    let plain = encode(
        &EncoderOptions {
            fec: false,
            ..options
        },
        &voice(96_000),
    );
    assert!(!plain.iter().any(|p| has_fec(p)));

    let (mut fec, mut concealment, mut silence) = (0.0, 0.0, 0.0);
    for lost in (20..90).step_by(10) {
        let truth = after(&packets[..lost])
            .decode(&packets[lost])
            .unwrap()
            .to_vec();
        let mut decoder = after(&packets[..lost]);
        fec += difference(decoder.decode_fec(&packets[lost + 1], 960).unwrap(), &truth);
        let mut decoder = after(&packets[..lost]);
        concealment += difference(decoder.conceal(960).unwrap(), &truth);
        silence += difference(&[0.0; 960], &truth);
    }
    assert!(
        fec < concealment && concealment < silence,
        "{fec} {concealment} {silence}"
    );
}

#[test]
fn garbage_is_an_error_and_never_more() {
    let mut decoder = Decoder::new(Channels::Mono).unwrap();
    let mut seed = 1u32;
    for length in 0..400usize {
        let packet: Vec<u8> = (0..length % 80)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        let (_, _) = (has_fec(&packet), is_pause(&packet));
        if let Some(samples) = duration(&packet) {
            let _ = decoder.decode_fec(&packet, samples);
        }
        let _ = decoder.decode(&packet);
    }
    assert!(decoder.decode(&[]).is_err() && decoder.decode_fec(&[], 960).is_err());
    assert_eq!(decoder.conceal(100).unwrap().len(), 100);
}

#[test]
fn left_and_right_stay_apart_and_either_end_may_have_fewer_channels() {
    let options = EncoderOptions {
        purpose: Purpose::Music,
        channels: Channels::Stereo,
        bitrate: 96_000,
        fec: false,
        ..EncoderOptions::default()
    };
    // The voice on the left alone.
    let sound: Vec<f32> = voice(48_000).into_iter().flat_map(|s| [s, 0.0]).collect();
    let mut encoder = Encoder::new(&options).unwrap();
    let frame = encoder.frame() * 2;
    let packets: Vec<Bytes> = sound
        .chunks_exact(frame)
        .map(|frame| encoder.encode(frame).unwrap())
        .collect();
    let decode = |channels| {
        let mut decoder = Decoder::new(channels).unwrap();
        let decoded = packets.iter().map(|p| decoder.decode(p).unwrap().to_vec());
        let decoded: Vec<f32> = decoded.flatten().collect();
        assert_eq!(decoder.conceal(480).unwrap().len(), 480 * channels.count());
        decoded
    };
    let energy = |sound: &[f32], side: usize, of: usize| -> f32 {
        let side = sound.iter().skip(side).step_by(of);
        side.map(|s| s * s).sum()
    };
    let (both, one) = (decode(Channels::Stereo), decode(Channels::Mono));
    assert_eq!((both.len(), one.len()), (96_000, 48_000));
    let (left, right) = (energy(&both, 0, 2), energy(&both, 1, 2));
    assert!(left > 100.0 * right, "{left} {right}");
    // Mixed, it has half the amplitude.
    let mixed = energy(&one, 0, 1) / left;
    assert!((0.2..0.3).contains(&mixed), "{mixed}");
    // And one channel becomes two that are the same.
    let plain = encode(&EncoderOptions::default(), &voice(960));
    let mut decoder = Decoder::new(Channels::Stereo).unwrap();
    let twice = decoder.decode(&plain[0]).unwrap();
    assert!(twice.len() == 1920 && twice.chunks(2).all(|pair| pair[0] == pair[1]));
}
