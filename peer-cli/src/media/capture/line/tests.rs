#![allow(clippy::unwrap_used)]

use tokio::sync::mpsc;

use super::*;
use crate::codec::opus;

fn line(codec: Codec, options: &CaptureOptions) -> (Line, mpsc::Receiver<Packet>) {
    let mut line = Line::new((codec, options.channels), options).unwrap();
    let (sender, packets) = mpsc::channel(256);
    line.add(ListenerId(0), sender);
    (line, packets)
}

fn drain(packets: &mut mpsc::Receiver<Packet>) -> Vec<Packet> {
    std::iter::from_fn(|| packets.try_recv().ok()).collect()
}

/// A buzz, loud or not at all.
fn buzz(samples: usize, loud: bool) -> Vec<f32> {
    let level = if loud { 0.3 } else { 0.0 };
    (0..samples)
        .map(|n| level * ((n % 370) as f32 / 185.0 - 1.0))
        .collect()
}

#[test]
fn frames_grow_and_shrink_under_way_and_no_sample_is_missed() {
    let (mut line, mut packets) = line(Codec::Opus, &CaptureOptions::default());
    let now = Instant::now();
    for (n, ptime_ms) in [20, 60, 40, 10, 60, 20].into_iter().enumerate() {
        line.steer(Sending {
            bitrate: 12_000,
            ptime_ms,
            expected_loss: 3,
        })
        .unwrap();
        for _ in 0..5 + n {
            line.push(now, &buzz(960, true)).unwrap();
        }
    }
    let packets = drain(&mut packets);
    let mut due = 0;
    for (n, packet) in packets.iter().enumerate() {
        assert_eq!((packet.sequence, packet.timestamp), (n as u16, due));
        due += opus::duration(&packet.payload).unwrap() as u32;
    }
    assert_eq!(
        due as usize + line.pending.len(),
        (5 + 6 + 7 + 8 + 9 + 10) * 960
    );
    let lengths: Vec<_> = packets
        .iter()
        .filter_map(|p| opus::duration(&p.payload))
        .collect();
    assert!(
        [480, 960, 1920, 2880]
            .iter()
            .all(|length| lengths.contains(length))
    );
}

#[test]
fn silence_is_announced_once_and_left_out_while_time_goes_on() {
    let options = CaptureOptions {
        dtx: true,
        ..CaptureOptions::default()
    };
    let (mut line, mut packets) = line(Codec::Opus, &options);
    let now = Instant::now();
    line.push(now, &buzz(48_000, true)).unwrap();
    let loud = drain(&mut packets);
    assert_eq!(loud.len(), 50);
    line.push(now, &buzz(4 * 48_000, false)).unwrap();
    let silent = drain(&mut packets);
    let announced = silent.iter().filter(|p| is_pause(&p.payload)).count();
    assert!(silent.len() < 60 && announced > 0, "{}", silent.len());
    let pairs = silent
        .windows(2)
        .filter(|w| is_pause(&w[0].payload) && is_pause(&w[1].payload));
    assert_eq!(pairs.count(), 0);
    line.push(now, &buzz(9600, true)).unwrap();
    let again = drain(&mut packets);
    let first = &again[0];
    assert_eq!((first.timestamp, first.marker), (5 * 48_000, true));
    assert_eq!(usize::from(first.sequence), 50 + silent.len());
}

#[test]
fn a_telephone_codec_counts_in_eighths_of_a_millisecond() {
    for codec in [Codec::Pcmu, Codec::Pcma] {
        for ptime_ms in [10, 20, 40, 60] {
            let options = CaptureOptions {
                ptime_ms,
                ..CaptureOptions::default()
            };
            let (mut line, mut packets) = line(codec, &options);
            let now = Instant::now();
            // Three packets; before the last 10 ms of them the source pauses for a second.
            let pieces = 3 * ptime_ms / 10;
            for n in 1..=pieces {
                if n == pieces {
                    line.skip(48_000);
                }
                line.push(now, &buzz(480, true)).unwrap();
            }
            let packets = drain(&mut packets);
            let seen: Vec<_> = packets
                .iter()
                .map(|p| (p.sequence, p.timestamp, p.marker))
                .collect();
            let units = ptime_ms * 8;
            let third = (2, 2 * units + 8000, true);
            assert_eq!(seen, [(0, 0, true), (1, units, false), third]);
            for packet in packets {
                let length = packet.payload.len() as u32;
                assert_eq!((length, packet.codec), (units, codec));
            }
            assert!(line.is_whole());
        }
    }
}

#[test]
fn who_has_gone_costs_nothing() {
    let (mut line, packets) = line(Codec::Opus, &CaptureOptions::default());
    drop(packets);
    assert_eq!(
        line.push(Instant::now(), &buzz(960, true)).unwrap().packets,
        1
    );
    assert!(line.is_alone());
    assert_eq!(
        line.push(Instant::now(), &buzz(960, true)).unwrap().packets,
        0
    );
}

#[test]
fn a_stereo_source_is_sent_whole_and_mixed_for_whoever_gets_one_channel() {
    let options = CaptureOptions {
        channels: Channels::Stereo,
        bitrate: 96_000,
        ..CaptureOptions::default()
    };
    // Something on the left, nothing on the right.
    let sound: Vec<f32> = buzz(9600, true)
        .into_iter()
        .flat_map(|s| [s, 0.0])
        .collect();
    let now = Instant::now();
    for (format, channels) in [
        ((Codec::Opus, Channels::Stereo), Channels::Stereo),
        ((Codec::Opus, Channels::Mono), Channels::Mono),
        ((Codec::Pcmu, Channels::Mono), Channels::Mono),
    ] {
        let mut line = Line::new(format, &options).unwrap();
        let (sender, mut packets) = mpsc::channel(256);
        line.add(ListenerId(0), sender);
        // 15 ms at a time: frames lie across them.
        for piece in sound.chunks(2 * 720) {
            line.push(now, piece).unwrap();
        }
        let packets = drain(&mut packets);
        assert_eq!(packets.len(), 10, "{format:?}");
        let step = format.0.clock_rate() / 50;
        assert!(
            packets
                .iter()
                .zip(0..)
                .all(|(p, n)| p.timestamp == n * step)
        );
        if format.0 == Codec::Opus {
            let stereo = |p: &Packet| p.payload[0] & 0b100 != 0;
            let all = packets
                .iter()
                .all(|p| stereo(p) == (channels == Channels::Stereo));
            assert!(all, "{format:?}");
        }
    }
}
