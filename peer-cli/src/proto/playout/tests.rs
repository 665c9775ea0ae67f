#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::*;
use crate::proto::packet::Codec;

mod counters;
mod delays;
mod properties;

/// A codec whose packets are a number and a length; its sound is that number, so that every sample tells where it is from.
struct Numbers;

const CONCEALED: f32 = -1.0;

fn payload(number: u32, samples: u16, fec: bool) -> Bytes {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.extend(samples.to_be_bytes());
    bytes.push(u8::from(fec));
    bytes.into()
}

impl PacketDecoder for Numbers {
    fn inspect(&self, _: Codec, payload: &[u8]) -> Option<PacketInfo> {
        let samples = u32::from(u16::from_be_bytes([*payload.get(4)?, *payload.get(5)?]));
        Some(PacketInfo {
            samples,
            fec: payload.get(6) == Some(&1),
            pause: payload.len() == 6,
        })
    }
    fn decode(&mut self, payload: &[u8], out: &mut Vec<f32>) -> bool {
        let number = u32::from_be_bytes(payload[..4].try_into().unwrap());
        let samples = usize::from(u16::from_be_bytes([payload[4], payload[5]]));
        out.extend(std::iter::repeat_n(number as f32, samples));
        number != 666
    }
    fn decode_fec(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>) -> bool {
        let number = u32::from_be_bytes(next[..4].try_into().unwrap());
        out.extend(std::iter::repeat_n(number as f32 - 0.5, samples));
        true
    }
    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        out.extend(std::iter::repeat_n(CONCEALED, samples));
    }
}

fn packet(at: Instant, number: u32, fec: bool) -> Packet {
    Packet {
        sequence: number as u16,
        timestamp: number.wrapping_mul(960),
        ssrc: 7,
        marker: false,
        codec: Codec::Opus,
        payload: payload(number, 960, fec),
        arrival: at,
    }
}

/// Plays `packets` for `frames` pulls of 10 ms: `.` silence, `c` concealment, `n` comfort noise, `f` rebuilt, a digit the packet.
fn play(start: Instant, mut packets: Vec<Packet>, frames: u32) -> (String, Playout) {
    let mut playout = Playout::new(JitterBounds::default(), Channels::Mono);
    let mut line = String::new();
    packets.sort_by_key(|p| p.arrival);
    let mut packets = packets.into_iter().peekable();
    for tick in 0..frames {
        let now = start + Duration::from_millis(u64::from(tick) * 10);
        while let Some(packet) = packets.next_if(|p| p.arrival <= now) {
            playout.insert(packet, &Numbers);
        }
        let mut out = [0.0; FRAME];
        let kind = playout.pull(now, &mut Numbers, &mut out);
        line.push(match kind {
            FrameKind::Silence => '.',
            FrameKind::Concealed => 'c',
            FrameKind::Comfort => 'n',
            FrameKind::Real if out[FRAME / 2].fract() != 0.0 => 'f',
            FrameKind::Real => char::from_digit(out[FRAME / 2] as u32 % 10, 10).unwrap(),
        });
    }
    (line, playout)
}

/// Packets as (arrival in ms, number).
fn arrive(start: Instant, table: &[(u64, u32)], fec: bool) -> Vec<Packet> {
    table
        .iter()
        .map(|(ms, number)| packet(start + Duration::from_millis(*ms), *number, fec))
        .collect()
}

#[test]
fn one_packet_a_line() {
    let start = Instant::now();
    type Case = (&'static str, &'static [(u64, u32)], bool, &'static str);
    #[rustfmt::skip]
    let cases: &[Case] = &[
        ("in time",              &[(0, 1), (20, 2), (40, 3), (60, 4)],          false, ".11223344c"),
        ("two swapped in time",  &[(0, 1), (1, 3), (2, 2), (60, 4)],            false, ".11223344c"),
        ("doubled",              &[(0, 1), (1, 1), (20, 2), (21, 1), (40, 3)],  false, ".112233cccc"),
        ("lost, no redundancy",  &[(0, 1), (20, 2), (60, 4), (80, 5)],          false, ".1122cc4455"),
        ("lost, redundancy late",&[(0, 1), (20, 2), (60, 4), (80, 5)],          true,  ".1122cf4455"),
        ("lost, redundancy there",&[(0, 1), (1, 2), (2, 4), (60, 5)],           true,  ".1122ff4455"),
        ("late, not lost",       &[(0, 1), (20, 2), (65, 3), (66, 4)],          false, ".1122cc3344"),
        ("later than its turn",  &[(0, 1), (20, 2), (55, 4), (75, 3), (80, 5)], false, ".1122cc4455"),
    ];
    for (name, table, fec, expected) in cases {
        let (line, _) = play(start, arrive(start, table, *fec), expected.len() as u32);
        assert_eq!(&line, expected, "{name}");
    }
}

#[test]
fn numbers_wrap() {
    let start = Instant::now();
    let packets = (0..8u32)
        .map(|i| Packet {
            sequence: 65_533u16.wrapping_add(i as u16),
            timestamp: u32::MAX.wrapping_sub(2000).wrapping_add(i * 960),
            ..packet(start + Duration::from_millis(u64::from(i) * 20), i, false)
        })
        .collect();
    let (line, playout) = play(start, packets, 17);
    assert_eq!(line, ".0011223344556677");
    assert_eq!(
        (
            playout.stats().packets_lost,
            playout.stats().concealed_samples
        ),
        (0, 0)
    );
}

#[test]
fn a_new_source_takes_over_and_stragglers_of_the_old_one_are_ignored() {
    let start = Instant::now();
    let mut packets = arrive(start, &[(0, 1), (20, 2), (40, 3)], false);
    for (ms, number) in [(60, 4), (80, 5), (100, 6)] {
        let new = packet(start + Duration::from_millis(ms), number, false);
        packets.push(Packet {
            ssrc: 8,
            sequence: 60_000 + number as u16,
            timestamp: 5_000_000 + number * 960,
            ..new
        });
    }
    packets.extend(arrive(start, &[(81, 9)], false));
    let (line, playout) = play(start, packets, 13);
    assert!(line.starts_with(".112233"), "{line}");
    assert!(line.contains("4455"), "{line}");
    assert_eq!(playout.stats().packets_discarded, 1);
}

#[test]
fn a_sender_that_counts_anew_is_followed() {
    let start = Instant::now();
    let at = |i: u32| start + Duration::from_millis(u64::from(i) * 20);
    let mut packets: Vec<_> = (0..10).map(|i| packet(at(i), 10_000 + i, false)).collect();
    packets.extend((10..60).map(|i| packet(at(i), i, false)));
    let (line, _) = play(start, packets, 120);
    assert!(line.ends_with("556677889"), "{line}");
    // And from slightly behind, which at first looks like lateness.
    let mut packets: Vec<_> = (0..10).map(|i| packet(at(i), 1000 + i, false)).collect();
    packets.extend((10..60).map(|i| packet(at(i), i, false)));
    let (line, _) = play(start, packets, 120);
    assert!(line.ends_with("556677889"), "{line}");
}

#[test]
fn an_announced_pause_is_filled_with_comfort_noise_and_is_no_loss() {
    let start = Instant::now();
    let pause = Packet {
        payload: payload(2, 960, false).slice(..6),
        ..packet(start + Duration::from_millis(20), 2, false)
    };
    let mut packets = arrive(start, &[(0, 1)], false);
    packets.push(pause);
    for (i, ms) in [(3u32, 420u64), (4, 440)] {
        packets.push(Packet {
            timestamp: i * 960 + 18_240,
            ..packet(start + Duration::from_millis(ms), i, false)
        });
    }
    let (line, playout) = play(start, packets, 46);
    assert_eq!(line, format!(".11{}334", "n".repeat(40)));
    assert_eq!(playout.stats().concealment_events, 0);
}

#[test]
fn concealment_fades_into_silence_and_sound_comes_back_with_its_reserve() {
    let start = Instant::now();
    let (line, playout) = play(
        start,
        arrive(start, &[(0, 1), (600, 31), (620, 32), (640, 33)], false),
        67,
    );
    assert_eq!(
        line,
        format!(".11{}{}112233", "c".repeat(15), ".".repeat(43))
    );
    let stats = playout.stats();
    assert_eq!(
        (stats.concealment_events, stats.concealed_samples),
        (1, 58 * 480)
    );
    assert_eq!(stats.silent_concealed_samples, 43 * 480);
}

#[test]
fn delay_piled_up_by_a_stall_is_worked_off() {
    let start = Instant::now();
    let table: Vec<(u64, u32)> = (0..500)
        .map(|i| {
            (
                if (100..115).contains(&i) {
                    2300
                } else {
                    u64::from(i) * 20
                },
                i,
            )
        })
        .collect();
    let (line, playout) = play(start, arrive(start, &table, false), 700);
    let stats = playout.stats();
    assert!(
        stats.removed_samples_for_acceleration >= 200 * 48,
        "{stats:?}"
    );
    // Packet 349 was sent 10 ms before the end.
    let last = line.chars().last().and_then(|c| c.to_digit(10)).unwrap();
    assert!(last >= 6, "{line}");
}

#[test]
fn a_stall_beyond_catching_up_costs_whole_packets_and_memory_stays_bounded() {
    let start = Instant::now();
    let mut playout = Playout::new(JitterBounds::default(), Channels::Mono);
    for number in 0..5000 {
        playout.insert(packet(start, number, false), &Numbers);
    }
    assert_eq!(playout.store.samples(), 96_000);
    let mut out = [0.0; FRAME];
    for tick in 0..200 {
        playout.pull(
            start + Duration::from_millis(tick * 10),
            &mut Numbers,
            &mut out,
        );
    }
    assert!(playout.is_drained());
    assert_eq!(playout.stats().packets_discarded, 4900);
}

#[test]
fn losses_with_redundancy_raise_the_reserve_until_the_copy_comes_in_time() {
    let start = Instant::now();
    // Whenever in the 10 ms between two pulls packets come: also where a copy is at first always too late.
    for phase in [0, 1, 5, 6, 9] {
        let table: Vec<(u64, u32)> = (0..400)
            .filter(|i| i % 20 != 19)
            .map(|i| (u64::from(i) * 20 + phase, i))
            .collect();
        let (line, playout) = play(start, arrive(start, &table, true), 800);
        assert!(
            line[700..].contains("ff") && !line[700..].contains('c'),
            "{phase}: {line}"
        );
        assert!(playout.stats().packets_rebuilt >= 15, "{phase}");
        assert!(
            playout.stats().inserted_samples_for_deceleration > 0,
            "{phase}"
        );
    }
}

#[test]
fn broken_packets_are_concealed_and_counted() {
    let start = Instant::now();
    let mut packets = arrive(start, &[(0, 1), (20, 666), (40, 3)], false);
    packets[1].sequence = 2;
    packets[1].timestamp = 2 * 960;
    packets.push(Packet {
        payload: Bytes::from_static(&[1]),
        ..packet(start, 9, false)
    });
    let (line, playout) = play(start, packets, 7);
    assert_eq!(line, ".11cc33");
    assert_eq!(playout.stats().packets_discarded, 2);
}
