//! Opus through the playout buffer over a bad network, in virtual time.

use super::*;
use crate::codec::opus::{Decoder, Encoder, EncoderOptions};
use crate::proto::packet::Codec;
use crate::proto::playout::{FRAME, JitterBounds, Playout, PlayoutStats};

const SPEECH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/speech.wav");

fn speech(options: &EncoderOptions, start: Instant) -> Vec<Packet> {
    let sound = read_wav(Path::new(SPEECH));
    let mut encoder = Encoder::new(options).unwrap();
    let frame = encoder.frame();
    let encoded = sound.chunks_exact(frame).enumerate();
    let packet = |(n, samples): (usize, &[f32])| Packet {
        sequence: n as u16,
        timestamp: (n * frame) as u32,
        ssrc: 1,
        marker: n == 0,
        codec: Codec::Opus,
        payload: encoder.encode(samples).unwrap(),
        arrival: start + Duration::from_micros(n as u64 * frame as u64 * 125 / 6),
    };
    encoded.map(packet).collect()
}

/// Plays packets at their times; returns the sound and the counters.
pub(super) fn play(packets: &[Packet], start: Instant) -> (Vec<f32>, PlayoutStats) {
    let (mut playout, mut decoder) = (
        Playout::new(JitterBounds::default(), Channels::Mono),
        Decoder::new(Channels::Mono).unwrap(),
    );
    let (mut sound, mut frame, mut at) = (Vec::new(), [0.0; FRAME], 0);
    let mut packets = packets.to_vec();
    packets.sort_by_key(|packet| packet.arrival);
    for tick in 0..1000u32 {
        let now = start + Duration::from_millis(10) * tick;
        while let Some(packet) = packets.get(at).filter(|packet| packet.arrival <= now) {
            playout.insert(packet.clone(), &decoder);
            at += 1;
        }
        playout.pull(now, &mut decoder, &mut frame);
        sound.extend_from_slice(&frame);
        if at == packets.len() && playout.is_drained() {
            break;
        }
    }
    (sound, playout.stats().clone())
}

/// A fixed pattern of one loss in twelve, never two in a row.
fn is_lost(n: usize) -> bool {
    n % 12 == 7
}

#[test]
fn a_calm_network_adds_little_delay_and_nothing_is_made_up() {
    let start = Instant::now();
    for ptime_ms in [10, 20, 40, 60] {
        let options = EncoderOptions {
            ptime_ms,
            ..EncoderOptions::default()
        };
        let (_, stats) = play(&speech(&options, start), start);
        let delay = stats.jitter_buffer_delay / stats.jitter_buffer_emitted_count as f64;
        assert_eq!(
            (
                stats.concealment_events,
                stats.packets_lost,
                stats.packets_discarded
            ),
            (0, 0, 0),
            "{ptime_ms}"
        );
        assert!(delay <= 0.030, "{ptime_ms} ms packets wait {delay} s");
    }
}

#[test]
fn lost_packets_are_rebuilt_from_redundancy_and_concealed_without_it() {
    let start = Instant::now();
    for fec in [true, false] {
        let options = EncoderOptions {
            fec,
            expected_loss: 10,
            ..EncoderOptions::default()
        };
        let packets = speech(&options, start);
        let lost = (0..packets.len()).filter(|n| is_lost(*n)).count() as u64;
        let kept: Vec<Packet> = packets
            .into_iter()
            .enumerate()
            .filter(|(n, _)| !is_lost(*n))
            .map(|(_, p)| p)
            .collect();
        let (sound, stats) = play(&kept, start);
        assert_eq!(stats.packets_lost as u64, lost, "{stats:?}");
        if fec {
            // Silence carries no copies, and the first loss comes before there is a reserve.
            assert!(
                stats.packets_rebuilt * 10 >= lost * 6,
                "{lost} lost, {stats:?}"
            );
            assert!(stats.concealed_samples < lost * 960 / 2, "{stats:?}");
        } else {
            // One more may end the last 10 ms.
            let events = lost..=lost + 1;
            let samples = lost * 960..lost * 960 + 480;
            assert_eq!((stats.packets_rebuilt, stats.fec_packets_received), (0, 0));
            assert!(events.contains(&stats.concealment_events), "{stats:?}");
            assert!(samples.contains(&stats.concealed_samples), "{stats:?}");
        }
        assert!(sound.iter().all(|sample| sample.abs() <= 1.5));
    }
}

#[test]
fn jitter_is_learned_and_a_stall_is_forgotten() {
    let start = Instant::now();
    let options = EncoderOptions::default();
    let mut packets = speech(&options, start);
    for (n, packet) in packets.iter_mut().enumerate() {
        packet.arrival += Duration::from_millis((n * 37 % 41) as u64);
    }
    let (_, stats) = play(&packets, start);
    assert!(stats.concealed_samples < 48_000 / 4, "{stats:?}");

    let mut packets = speech(&options, start);
    let stalled = start + Duration::from_millis(1300);
    for packet in packets
        .iter_mut()
        .filter(|p| p.arrival > start + Duration::from_secs(1))
    {
        packet.arrival = packet.arrival.max(stalled);
    }
    let (sound, stats) = play(&packets, start);
    assert!(
        stats.removed_samples_for_acceleration > 48 * 200,
        "{stats:?}"
    );
    let late = sound.len() as i64 - packets.len() as i64 * 960;
    assert!(late < 48 * 100, "{late} samples too long");
}
