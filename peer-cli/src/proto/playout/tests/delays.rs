//! How late sound is, in virtual time: drift, stalls, jitter, bounds.

use super::*;

/// Sound whose samples tell when they were sent: a sine of 400 Hz that goes on from packet to packet.
struct Sine;

/// Samples in one period of 400 Hz.
const PERIOD: u32 = 120;

fn sine(at: u32) -> f32 {
    (at as f32 / PERIOD as f32 * std::f32::consts::TAU).sin() * 0.3
}

impl PacketDecoder for Sine {
    fn inspect(&self, codec: Codec, payload: &[u8]) -> Option<PacketInfo> {
        Numbers.inspect(codec, payload)
    }
    fn decode(&mut self, _: &[u8], out: &mut Vec<f32>) -> bool {
        // 960 samples are eight whole periods: each packet begins at phase 0.
        out.extend((0..960).map(sine));
        true
    }
    fn decode_fec(&mut self, _: &[u8], samples: usize, out: &mut Vec<f32>) -> bool {
        out.extend((0..samples as u32).map(sine));
        true
    }
    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        out.extend(std::iter::repeat_n(0.0, samples));
    }
}

/// What a run of the buffer was like.
#[derive(Debug)]
pub(super) struct Run {
    /// How long each packet waited before its first sample was played, by the time of playing, ms.
    delays: Vec<(f64, f64)>,
    /// Largest step between neighbouring samples.
    step: f32,
    pub(super) stats: PlayoutStats,
}

impl Run {
    /// The longest wait of a packet played in this span of seconds.
    pub(super) fn longest(&self, span: std::ops::Range<f64>) -> f64 {
        let inside = self.delays.iter().filter(|(at, _)| span.contains(at));
        inside.map(|(_, delay)| *delay).fold(0.0, f64::max)
    }
}

/// Packets of 20 ms by the sender's clock, `late` ms on their way; `ppm` is how much faster that clock is than ours.
pub(super) fn run(seconds: u32, ppm: f64, bounds: &str, late: impl Fn(u32) -> f64) -> Run {
    let start = Instant::now();
    let sent = |number: u32| f64::from(number) * 0.02 / (1.0 + ppm / 1e6);
    let mut packets: Vec<Packet> = (0..seconds * 50)
        .map(|number| {
            let at = sent(number) + late(number) / 1e3;
            packet(start + Duration::from_secs_f64(at), number, false)
        })
        .collect();
    packets.sort_by_key(|packet| packet.arrival);
    let mut playout = Playout::new(bounds.parse().unwrap(), Channels::Mono);
    let (mut delays, mut step, mut last) = (Vec::new(), 0.0f32, 0.0);
    let mut packets = packets.into_iter().peekable();
    let mut out = [0.0; FRAME];
    // A fast clock has nothing more to send a little before the end.
    for tick in 0..seconds * 100 - 20 {
        let now = start + Duration::from_micros(u64::from(tick) * 10_000 + 3000);
        while let Some(packet) = packets.next_if(|packet| packet.arrival <= now) {
            playout.insert(packet, &Sine);
        }
        let before = playout.position;
        let left = playout.pcm.len();
        playout.pull(now, &mut Sine, &mut out);
        if let (Some((then, _)), Some((sequence, _))) = (before, playout.position)
            && sequence == then + 1
        {
            let number = then as u32 & 0xffff;
            let seconds = f64::from(tick) / 100.0 + 0.003;
            let played = seconds + left as f64 / SAMPLE_RATE;
            delays.push((seconds, (played - sent(number)) * 1e3));
        }
        for sample in out {
            step = step.max((sample - last).abs());
            last = sample;
        }
    }
    let stats = playout.stats().clone();
    Run {
        delays,
        step,
        stats,
    }
}

#[test]
fn clocks_that_run_apart_for_ten_minutes_are_not_heard() {
    let own_step = (0..PERIOD)
        .map(|at| (sine(at + 1) - sine(at)).abs())
        .fold(0.0, f32::max);
    for ppm in [200.0, -200.0] {
        // 16 bits of sequence numbers are enough for ten minutes of packets.
        let run = run(600, ppm, "0..400", |_| 0.0);
        let stats = &run.stats;
        assert!(
            run.delays.len() > 29_000,
            "{ppm}: {} packets",
            run.delays.len()
        );
        assert!(
            run.longest(0.0..600.0) <= 30.0,
            "{ppm}: {}",
            run.longest(0.0..600.0)
        );
        let moved = if ppm > 0.0 {
            stats.removed_samples_for_acceleration
        } else {
            stats.inserted_samples_for_deceleration
        };
        // 120 ms in all, give or take what the buffer may hold.
        assert!((4320..=7200).contains(&moved), "{ppm}: {stats:?}");
        assert_eq!(stats.concealed_samples, 0, "{ppm}: {stats:?}");
        assert!(run.step <= own_step * 1.5, "{ppm}: a step of {}", run.step);
    }
}

/// A tone of this period in samples, the same from packet to packet; in every packet a copy of the one before.
struct Pitch(f32);

impl Pitch {
    fn packet(&self, number: u32, out: &mut Vec<f32>) -> bool {
        let phase = |at: u32| at as f32 / self.0 * std::f32::consts::TAU;
        out.extend((0..960).map(|at| phase(number * 960 + at).sin() * 0.3));
        true
    }
}

impl PacketDecoder for Pitch {
    fn inspect(&self, codec: Codec, payload: &[u8]) -> Option<PacketInfo> {
        Numbers.inspect(codec, payload)
    }
    fn decode(&mut self, payload: &[u8], out: &mut Vec<f32>) -> bool {
        self.packet(u32::from_be_bytes(payload[..4].try_into().unwrap()), out)
    }
    fn decode_fec(&mut self, next: &[u8], _: usize, out: &mut Vec<f32>) -> bool {
        self.packet(u32::from_be_bytes(next[..4].try_into().unwrap()) - 1, out)
    }
    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        out.extend(std::iter::repeat_n(0.0, samples));
    }
}

#[test]
fn copies_of_lost_packets_are_waited_for_whole_at_any_pitch() {
    // What stretching adds follows the pitch and seldom is a whole number of pulls: that must leave no gap before a copy.
    for (period, phase) in [83.0, 233.0, 369.2]
        .into_iter()
        .flat_map(|period| (0..5).map(move |phase| (period, phase * 2000 + 300)))
    {
        let stats = lossy(&mut Pitch(period), phase);
        assert_eq!(stats.concealed_samples, 0, "{period}, {phase}: {stats:?}");
        assert!(stats.packets_rebuilt > 30, "{period}, {phase}: {stats:?}");
    }
}

/// Twenty seconds of packets up to 1 ms late, one in twenty of which is lost, pulled so many microseconds after they are sent;
/// what was counted in the last fifteen.
fn lossy(pitch: &mut Pitch, phase: u64) -> PlayoutStats {
    let start = Instant::now();
    let mut playout = Playout::new(JitterBounds::default(), Channels::Mono);
    let (mut number, mut early) = (0, PlayoutStats::default());
    for tick in 0..2000u32 {
        let now = start + Duration::from_micros(u64::from(tick) * 10_000 + phase);
        loop {
            let late = Duration::from_micros(u64::from(number * 377 % 1000));
            let arrival = start + Duration::from_millis(20) * number + late;
            if arrival > now {
                break;
            }
            if number % 20 != 13 {
                playout.insert(packet(arrival, number, true), pitch);
            }
            number += 1;
        }
        playout.pull(now, pitch, &mut [0.0; FRAME]);
        if tick == 500 {
            early = playout.stats().clone();
        }
    }
    let mut stats = playout.stats().clone();
    stats.concealed_samples -= early.concealed_samples;
    stats.packets_rebuilt -= early.packets_rebuilt;
    stats
}

#[test]
fn a_stall_is_forgotten_within_a_second_and_a_half_and_never_adds_up() {
    // 300 ms every 6 s.
    let stalled = |number: u32| {
        let at = number % 300;
        if at < 15 {
            f64::from(15 - at) * 20.0
        } else {
            0.0
        }
    };
    let run = run(60, 0.0, "0..400", stalled);
    for cycle in 1..10 {
        let begun = f64::from(cycle) * 6.0;
        assert!(
            run.longest(begun + 1.8..begun + 6.0) < 60.0,
            "{cycle}: {:?}",
            run.stats
        );
    }
}

#[test]
fn jitter_is_covered_after_a_second_and_forgotten_after_ten() {
    let jitter = |number: u32| {
        if number < 1000 {
            f64::from(number * 37 % 81)
        } else {
            0.0
        }
    };
    let run = run(50, 0.0, "0..400", jitter);
    let steady = run.longest(3.0..20.0);
    assert!((80.0..=100.0).contains(&steady), "{steady}");
    // What was missed while it was learned.
    assert!(run.stats.concealed_samples < 48 * 150, "{:?}", run.stats);
    assert!(
        run.longest(35.0..50.0) <= 30.0,
        "{}",
        run.longest(35.0..50.0)
    );
}

#[test]
fn the_bounds_of_the_user_are_kept() {
    for (bounds, late, expected) in [
        ("60", 0, 60.0..=75.0),
        ("100..200", 0, 100.0..=115.0),
        ("0..20", 80, 10.0..=75.0),
        ("0..400", 80, 80.0..=100.0),
    ] {
        let run = run(20, 0.0, bounds, |number| {
            f64::from(number * 37 % (late + 1))
        });
        let (mut delays, stats) = (run.delays, run.stats);
        delays.retain(|(at, _)| *at > 10.0);
        delays.sort_by(|a, b| a.1.total_cmp(&b.1));
        let median = delays[delays.len() / 2].1;
        assert!(expected.contains(&median), "{bounds}: {median} {stats:?}");
        let mean = |sum: f64| sum / stats.jitter_buffer_emitted_count as f64;
        let (target, least) = (
            mean(stats.jitter_buffer_target_delay),
            mean(stats.jitter_buffer_minimum_delay),
        );
        match bounds {
            "60" | "100..200" => assert!(target >= 0.0599 && least < 0.01, "{target} {least}"),
            "0..20" => assert!(target <= 0.0201 && least > 0.06, "{target} {least}"),
            _ => assert!((target - least).abs() < 1e-9, "{target} {least}"),
        }
    }
}

#[test]
fn bursts_that_are_late_do_not_make_the_rest_late() {
    // Three packets of a hundred come 150 ms late.
    let late = |number: u32| if number % 100 >= 97 { 150.0 } else { 0.0 };
    let run = run(40, 0.0, "0..400", late);
    let mut delays: Vec<f64> = run.delays.iter().map(|(_, delay)| *delay).collect();
    delays.sort_by(f64::total_cmp);
    assert!(
        delays[delays.len() / 2] < 60.0,
        "{}",
        delays[delays.len() / 2]
    );
}
