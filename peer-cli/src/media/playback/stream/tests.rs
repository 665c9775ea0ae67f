#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use tokio::sync::mpsc;

use super::*;
use crate::codec::g711::{self, Law};
use crate::codec::opus;
use crate::proto::packet::Codec;

const MS: Duration = Duration::from_millis(1);
/// Packets of 20 ms of each codec.
const COUNT: usize = 25;

/// A tone of 440 Hz in packets of 20 ms.
fn tone(codec: Codec) -> Vec<Bytes> {
    let sound: Vec<f32> = (0..COUNT * 960)
        .map(|n| (n as f32 * 440.0 / 48_000.0 * std::f32::consts::TAU).sin() * 0.3)
        .collect();
    let mut opus = opus::Encoder::new(&opus::EncoderOptions::default()).unwrap();
    let mut pcmu = g711::Encoder::new(Law::Mu);
    let mut pcma = g711::Encoder::new(Law::A);
    let encode = |frame: &[f32]| match codec {
        Codec::Opus => opus.encode(frame).unwrap(),
        Codec::Pcmu => pcmu.encode(frame),
        Codec::Pcma => pcma.encode(frame),
    };
    sound.chunks_exact(960).map(encode).collect()
}

/// One codec after the other, as a sender that changes in the middle of a call: numbers and time go on.
fn one_after_the_other(start: Instant, codecs: &[Codec]) -> Vec<Packet> {
    let all = codecs.iter().flat_map(|&codec| {
        let payloads = tone(codec).into_iter();
        payloads.map(move |payload| (codec, payload))
    });
    let packet = |(n, (codec, payload)): (usize, (Codec, Bytes))| Packet {
        sequence: n as u16,
        timestamp: n as u32 * codec.clock_rate() / 50,
        ssrc: 0x5eed,
        marker: n == 0,
        codec,
        payload,
        arrival: start + 20 * MS * n as u32,
    };
    all.enumerate().map(packet).collect()
}

/// What is heard of packets that come at their times, and the counters.
fn play(start: Instant, packets: &[Packet]) -> (Vec<f32>, PlayoutStats) {
    play_in(Channels::Mono, start, packets)
}

fn play_in(channels: Channels, start: Instant, packets: &[Packet]) -> (Vec<f32>, PlayoutStats) {
    let (sender, arriving) = mpsc::channel(256);
    let (events, _unread) = mpsc::channel(16);
    let mut notices = Notices::new(events);
    let bounds = JitterBounds::default();
    let mut stream = Stream::new(StreamId(1), arriving, Vec::new(), bounds, channels).unwrap();
    let mut packets = packets.to_vec();
    packets.sort_by_key(|packet| packet.arrival);
    let end = packets.last().unwrap().arrival + 100 * MS;
    let (mut heard, mut packets, mut now) = (Vec::new(), packets.into_iter().peekable(), start);
    while now < end {
        while let Some(packet) = packets.next_if(|packet| packet.arrival <= now) {
            sender.try_send(packet).unwrap();
        }
        let mut mix = vec![0.0; FRAME * channels.count()];
        stream.play(now, Duration::ZERO, &mut mix, &mut notices);
        heard.extend(mix);
        now += TICK;
    }
    (heard, stream.stats().clone())
}

#[test]
fn packets_of_another_codec_that_are_refused_are_not_heard_at_all() {
    let start = Instant::now();
    let packets = one_after_the_other(start, &[Codec::Opus, Codec::Pcmu]);
    let (heard, stats) = play(start, &packets);
    // What was under way in Opus when the sender changed comes late.
    let stragglers = (COUNT + 3..2 * COUNT).map(|n| Packet {
        arrival: packets[n].arrival + 5 * MS,
        ..packets[n - COUNT].clone()
    });
    let with: Vec<Packet> = packets.iter().cloned().chain(stragglers).collect();
    let (also, more) = play(start, &with);
    assert_eq!(
        more.packets_discarded - stats.packets_discarded,
        COUNT as u64 - 3
    );
    let differs = heard.iter().zip(&also).position(|(a, b)| a != b);
    assert_eq!(differs, None, "of {} samples", heard.len());
}

#[test]
fn a_change_of_codec_is_a_short_gap_and_no_noise() {
    let start = Instant::now();
    // There and back again, too.
    let codecs = [Codec::Opus, Codec::Pcma, Codec::Opus, Codec::Pcmu];
    let (heard, stats) = play(start, &one_after_the_other(start, &codecs));
    let loudest = heard.iter().fold(0.0f32, |most, s| most.max(s.abs()));
    assert!(loudest < 0.45, "{loudest}");
    // A buffer of 20 ms and a filter's delay are lost at each change.
    let quiet = heard[4800..].chunks(480).filter(|frame| {
        let sum: f32 = frame.iter().map(|s| s * s).sum();
        (sum / frame.len() as f32).sqrt() < 0.1
    });
    let quiet = quiet.count();
    assert!(quiet <= 20, "{quiet} of {}: {stats:?}", heard.len() / 480);
    assert_eq!(stats.packets_received, 4 * COUNT as u64);
}

#[test]
fn a_telephone_is_heard_on_both_sides_of_two_channels() {
    let start = Instant::now();
    let packets = one_after_the_other(start, &[Codec::Pcmu]);
    let (mono, _) = play(start, &packets);
    let (stereo, _) = play_in(Channels::Stereo, start, &packets);
    let both: Vec<f32> = mono.iter().flat_map(|s| [*s, *s]).collect();
    let loudest = mono.iter().fold(0.0f32, |most, s| most.max(s.abs()));
    assert!(loudest > 0.2 && stereo == both, "{loudest}");
}

#[test]
fn a_decoder_is_made_when_it_is_needed_and_only_once() {
    use crate::proto::playout::PacketDecoder;
    let (opus, pcmu) = (tone(Codec::Opus), tone(Codec::Pcmu));
    let mut decoders = Decoders::new(Channels::Mono).unwrap();
    assert!(decoders.inspect(Codec::Pcmu, &pcmu[0]).is_some());
    let (mut out, before) = (Vec::new(), format!("{decoders:?}"));
    assert!(before.contains("pcmu: None"), "{before}");
    for (opus, pcmu) in opus.iter().zip(&pcmu) {
        for (codec, payload) in [(Codec::Opus, opus), (Codec::Pcmu, pcmu)] {
            decoders.turn_to(codec);
            assert!(decoders.decode(payload, &mut out));
        }
    }
    // Each goes on where it stopped: alone it would sound the same.
    let mut alone = Vec::new();
    let mut decoder = g711::Decoder::new(Law::Mu);
    pcmu.iter()
        .for_each(|payload| decoder.decode(payload, &mut alone));
    let of_pcmu: Vec<f32> = out
        .chunks(960)
        .skip(1)
        .step_by(2)
        .flatten()
        .copied()
        .collect();
    assert!(of_pcmu == alone);
}
