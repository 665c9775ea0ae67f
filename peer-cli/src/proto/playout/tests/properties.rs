//! What holds whatever the network does.

use proptest::prelude::*;

use super::*;

/// The same with random signs: such sound resembles itself nowhere and is never stretched.
struct Noise;

impl PacketDecoder for Noise {
    fn inspect(&self, codec: Codec, payload: &[u8]) -> Option<PacketInfo> {
        Numbers.inspect(codec, payload)
    }
    fn decode(&mut self, payload: &[u8], out: &mut Vec<f32>) -> bool {
        let (before, mut seed) = (out.len(), u32::from(payload[3]) | 1);
        let decoded = Numbers.decode(payload, out);
        for sample in &mut out[before..] {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample *= if seed >> 31 == 0 { 1.0 } else { -1.0 };
        }
        decoded
    }
    fn decode_fec(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>) -> bool {
        Numbers.decode_fec(next, samples, out)
    }
    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        out.extend(std::iter::repeat_n(0.0, samples));
    }
}

fn history() -> impl Strategy<Value = Vec<(u16, i64, u32, u16, u64, bool)>> {
    // (sequence, timestamp error, ssrc, samples, arrival in ms, redundancy)
    let jump = prop_oneof![9 => Just(0i64), 1 => any::<i32>().prop_map(i64::from)];
    let ssrc = prop_oneof![20 => Just(1u32), 1 => 2u32..4];
    let samples = prop_oneof![Just(480u16), Just(960), Just(1920), Just(2880), 0u16..6000];
    prop::collection::vec(
        (0u16..200, jump, ssrc, samples, 0u64..3000, any::<bool>()),
        0..200,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever comes: no panic, one frame a pull, bounded memory, packets never play backwards or twice.
    #[test]
    fn anything_may_come(history in history(), offset in any::<u16>()) {
        let start = Instant::now();
        let packets = history.iter().map(|&(sequence, error, ssrc, samples, ms, fec)| Packet {
            sequence: sequence.wrapping_add(offset),
            timestamp: (u32::from(sequence) * 960).wrapping_add(error as u32),
            ssrc,
            marker: false, codec: Codec::Opus,
            payload: payload(u32::from(sequence), samples, fec),
            arrival: start + Duration::from_millis(ms),
        }).collect();
        let (line, playout) = play(start, packets, 320);
        prop_assert_eq!(line.len(), 320);
        prop_assert!(playout.store.samples() <= 96_000 + 5760 && playout.pcm.len() <= 12_000);
        prop_assert_eq!(playout.pcm.len(), playout.origin.iter().map(|(_, n)| n).sum::<usize>());
        let stats = playout.stats();
        prop_assert!(stats.silent_concealed_samples <= stats.concealed_samples);
        prop_assert!(stats.fec_packets_discarded <= stats.fec_packets_received);
        prop_assert!(stats.packets_rebuilt + stats.fec_packets_discarded <= stats.fec_packets_received);
        prop_assert!(stats.fec_packets_received <= stats.packets_received);
        prop_assert!(stats.total_samples_received <= 320 * 480);
        prop_assert!(stats.concealed_samples <= 320 * 480 + 5760);
        prop_assert!(stats.concealment_events <= stats.concealed_samples);
        prop_assert!(stats.packets_received + stats.packets_discarded + stats.packets_duplicated >= history.len() as u64);
        prop_assert!(stats.jitter_buffer_delay >= 0.0 && stats.jitter_buffer_target_delay >= 0.0);
        prop_assert!(stats.total_audio_energy.is_finite() && (0.0..=1.0).contains(&stats.audio_level));
    }

    /// However jittery: after some seconds the delay follows the jitter and no more, and little is missed.
    #[test]
    fn delay_is_bounded_by_jitter(most in 0u32..150, seed in any::<u32>()) {
        let late = |number: u32| {
            let mixed = (number ^ seed).wrapping_mul(2_654_435_761) >> 7;
            f64::from(mixed % (most + 1))
        };
        let run = delays::run(12, 0.0, "0..400", late);
        let longest = run.longest(7.0..12.0);
        prop_assert!(longest <= f64::from(most) + 45.0, "{} ms of jitter, {} ms of delay", most, longest);
        prop_assert!(run.stats.concealed_samples < 12 * 48_000 / 20, "{:?}", run.stats);
    }

    /// One source, any order, loss and repeats within the reserve: what comes is played once, in order, all of it.
    #[test]
    fn real_sound_is_played_once_and_in_order(
        late in prop::collection::vec(0u64..10, 100),
        lost in prop::collection::vec(prop::bool::weighted(0.1), 100),
        twice in prop::collection::vec(any::<bool>(), 100),
        first in any::<u16>(),
    ) {
        let start = Instant::now();
        let mut packets = Vec::new();
        let sent: Vec<u32> = (0..100).filter(|i| *i == 0 || !lost[*i as usize]).collect();
        for &i in &sent {
            let at = start + Duration::from_millis(u64::from(i) * 20 + late[i as usize]);
            let packet = Packet { sequence: first.wrapping_add(i as u16), ..packet(at, i + 1, false) };
            packets.extend(std::iter::repeat_n(packet, 1 + usize::from(twice[i as usize])));
        }
        packets.sort_by_key(|p| p.arrival);
        let (mut playout, mut heard, mut packets) = (Playout::new(JitterBounds::default(), Channels::Mono), Vec::<u32>::new(), packets.into_iter().peekable());
        let mut out = [0.0; FRAME];
        for tick in 0..220 {
            let now = start + Duration::from_millis(tick * 10);
            while let Some(packet) = packets.next_if(|p| p.arrival <= now) {
                playout.insert(packet, &Noise);
            }
            playout.pull(now, &mut Noise, &mut out);
            heard.extend(out.iter().filter(|sample| sample.abs() > 0.5).map(|sample| sample.abs() as u32 - 1));
        }
        heard.dedup();
        prop_assert_eq!(&heard, &sent);
        prop_assert_eq!(playout.stats().packets_lost as usize, 100 - sent.len() - lost.iter().rev().take_while(|l| **l).count());
    }
}
