//! Discontinuous transmission: what is heard in the pauses.

use super::network::play;
use super::*;
use crate::codec::opus::{Encoder, EncoderOptions, is_pause};

const RATE: usize = 48_000;
/// Of the room: about -55 dBFS.
const NOISE: f32 = 0.002;

/// Ten seconds of a room in which somebody hums for two seconds, twice.
fn room() -> Vec<f32> {
    let (mut seed, mut smooth) = (1u32, 0.0f32);
    (0..10 * RATE)
        .map(|at| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let white = (seed >> 8) as f32 / (1 << 23) as f32 - 1.0;
            smooth += (white - smooth) * 0.3;
            let second = at / RATE;
            let humming = second == 1 || second == 2 || second == 6 || second == 7;
            let phase = at as f32 / RATE as f32 * std::f32::consts::TAU * 150.0;
            let hum: f32 = (1..12).map(|n| (phase * n as f32).sin() / n as f32).sum();
            smooth * NOISE * 4.0 + if humming { hum * 0.1 } else { 0.0 }
        })
        .collect()
}

/// Level in dBFS between two seconds.
fn level(sound: &[f32], from: f64, to: f64) -> f64 {
    let at = |seconds: f64| (seconds * RATE as f64) as usize;
    let piece = &sound[at(from)..at(to)];
    let sum: f64 = piece.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    10.0 * (sum / piece.len() as f64).log10()
}

#[test]
fn pauses_keep_the_noise_of_the_room_and_are_no_loss() {
    let options = EncoderOptions {
        dtx: true,
        ..EncoderOptions::default()
    };
    let (start, sound) = (Instant::now(), room());
    let mut encoder = Encoder::new(&options).unwrap();
    let (mut packets, mut pausing) = (Vec::new(), false);
    for (n, samples) in sound.chunks_exact(960).enumerate() {
        let payload = encoder.encode(samples).unwrap();
        // As the capture does: of a silence only its announcement is sent.
        if std::mem::replace(&mut pausing, is_pause(&payload)) && pausing {
            continue;
        }
        packets.push(Packet {
            sequence: packets.len() as u16,
            timestamp: (n * 960) as u32,
            ssrc: 1,
            marker: false,
            codec: crate::proto::packet::Codec::Opus,
            payload,
            arrival: start + Duration::from_millis(n as u64 * 20),
        });
    }
    assert!(packets.len() < 400, "{} packets: no pauses", packets.len());
    let (heard, stats) = play(&packets, start);
    for (from, to) in [(4.0, 5.9), (8.6, 9.6)] {
        let (sent, level_heard) = (level(&sound, from, to), level(&heard, from, to));
        assert!(
            (sent - level_heard).abs() < 3.0,
            "{from} s: sent {sent:.1} dBFS, heard {level_heard:.1}"
        );
        // None of it is dead.
        let quietest = (0..10)
            .map(|n| from + (to - from) * f64::from(n) / 10.0)
            .map(|at| level(&heard, at, at + 0.09))
            .fold(0.0, f64::min);
        assert!(quietest > sent - 6.0, "{quietest}");
    }
    assert_eq!(
        (stats.packets_lost, stats.concealment_events),
        (0, 0),
        "{stats:?}"
    );
}
