#![allow(clippy::unwrap_used)]

use super::*;
use crate::proto::random::Random;

const MS: Duration = Duration::from_millis(1);

/// All packets of a script with their times in ms.
fn dialled(script: &str) -> Vec<(u64, EventPacket)> {
    let start = Instant::now();
    let mut dialer = Dialer::default();
    dialer.dial(start, script.parse().unwrap());
    let mut packets = Vec::new();
    while let Some(due) = dialer.poll_timeout() {
        if let Some(packet) = dialer.poll_output(due, 48_000) {
            packets.push(((due - start).as_millis() as u64, packet));
        }
    }
    packets
}

#[test]
fn an_event_grows_and_its_end_is_told_three_times() {
    let packets = dialled("5");
    let told: Vec<_> = packets
        .iter()
        .map(|(at, p)| {
            (
                *at,
                p.first,
                p.payload[1] & END != 0,
                u16::from_be_bytes([p.payload[2], p.payload[3]]),
            )
        })
        .collect();
    let expected = [
        (0, true, false, 960),
        (20, false, false, 1920),
        (40, false, false, 2880),
        (60, false, false, 3840),
        (80, false, true, 4800),
        (100, false, true, 4800),
        (120, false, true, 4800),
    ];
    assert_eq!(told, expected);
    assert!(
        packets
            .iter()
            .all(|(_, p)| p.payload[0] == 5 && p.payload[1] & 0x7f == VOLUME)
    );
}

#[test]
fn digits_follow_each_other_with_pauses_where_they_are_asked_for() {
    let starts: Vec<_> = dialled("1w2#d")
        .iter()
        .filter(|(_, p)| p.first)
        .map(|(at, p)| (*at, p.payload[0]))
        .collect();
    assert_eq!(starts, [(0, 1), (700, 2), (900, 11), (1100, 15)]);
}

#[test]
fn what_is_late_is_not_sent_in_a_burst() {
    let start = Instant::now();
    let mut dialer = Dialer::default();
    dialer.dial(start, "12".parse().unwrap());
    let late = start + 5000 * MS;
    assert!(dialer.poll_output(late, 8000).unwrap().first);
    assert!(dialer.poll_output(late, 8000).is_none());
    assert_eq!(dialer.poll_timeout(), Some(late + 20 * MS));
    // More digits wait their turn.
    dialer.dial(late, "3".parse().unwrap());
    assert_eq!(dialer.poll_timeout(), Some(late + 20 * MS));
}

#[test]
fn digits_survive_loss_repeats_and_disorder_and_come_once() {
    let script = "0123456789*#ABCD0123456789*#ABCD";
    let mut random = Random::new(3);
    let mut arrived: Vec<(f64, u32, [u8; 4])> = Vec::new();
    let mut timestamp = 0;
    for (at, packet) in dialled(script) {
        if packet.first {
            timestamp = at as u32 * 48;
        }
        for _ in 0..2 {
            if random.unit() >= 0.3 {
                arrived.push((at as f64 + 60.0 * random.unit(), timestamp, packet.payload));
            }
        }
    }
    arrived.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut listener = Listener::default();
    let heard: String = arrived
        .iter()
        .filter_map(|(_, timestamp, payload)| listener.hear(7, *timestamp, false, payload))
        .map(Digit::character)
        .collect();
    assert_eq!(heard, script);
}

#[test]
fn other_events_and_stumps_are_no_digits() {
    let mut listener = Listener::default();
    for payload in [
        &[][..],
        &[1],
        &[1, 0, 0],
        &[16, 0, 0, 0],
        &[255, 0x8a, 1, 2],
    ] {
        assert_eq!(listener.hear(1, 1, true, payload), None);
    }
    assert_eq!(
        listener
            .hear(1, 1, false, &[1, 0, 0, 0, 9])
            .unwrap()
            .to_string(),
        "1"
    );
    assert_eq!(listener.hear(1, 1, false, &[1, 0x80, 0, 0]), None);
    assert_eq!(
        listener
            .hear(2, 1, false, &[1, 0x80, 0, 0])
            .unwrap()
            .to_string(),
        "1"
    );
}

#[test]
fn a_script_is_read_or_refused_with_the_character() {
    let script: Script = "1w2#dW".parse().unwrap();
    assert_eq!(script.0.len(), 6);
    assert_eq!(script.0[5], Step::Pause);
    let wrong = "1x".parse::<Script>().unwrap_err();
    assert!(wrong.contains("'x'"), "{wrong}");
    assert!("".parse::<Script>().is_err());
    assert!("1".repeat(257).parse::<Script>().is_err());
}

/// A key held for so many clock units from `begins` on, told every `update` units, as (timestamp, marker, payload).
fn held(begins: u32, units: u32, update: u32, longest: u16) -> Vec<(u32, bool, [u8; 4])> {
    let (mut packets, mut segment, mut at) = (Vec::new(), 0, 0);
    while at < units {
        at = (at + update).min(units);
        let marker = packets.is_empty();
        while at - segment > u32::from(longest) {
            let [high, low] = longest.to_be_bytes();
            packets.push((begins.wrapping_add(segment), marker, [5, VOLUME, high, low]));
            segment += u32::from(longest);
        }
        let [high, low] = ((at - segment) as u16).to_be_bytes();
        let end = if at == units { END } else { 0 };
        let told = (
            begins.wrapping_add(segment),
            marker,
            [5, end | VOLUME, high, low],
        );
        packets.extend(std::iter::repeat_n(told, if at == units { 3 } else { 1 }));
    }
    packets
}

fn digits(packets: impl IntoIterator<Item = (u32, bool, [u8; 4])>) -> usize {
    let mut listener = Listener::default();
    let heard = |(timestamp, marker, payload): (u32, bool, [u8; 4])| {
        listener.hear(7, timestamp, marker, &payload)
    };
    packets.into_iter().filter_map(heard).count()
}

#[test]
fn a_key_held_for_long_is_one_digit() {
    // Ten seconds and a minute, in either clock, across the wrap; senders that fill the field and one that counts in packets.
    for (units, update, longest) in [
        (480_000, 960, 0xffff),
        (2_880_000, 2400, 0xffff),
        (480_000, 160, 0xffff),
        (480_000, 960, 0xffff / 960 * 960),
    ] {
        let packets = held(u32::MAX - 100_000, units, update, longest);
        let segments: Vec<u32> = packets.iter().map(|(timestamp, ..)| *timestamp).collect();
        assert!(segments.chunk_by(|a, b| a == b).count() > 5);
        assert_eq!(digits(packets), 1, "{units} {update} {longest}");
    }
}

#[test]
fn a_held_key_survives_loss_and_disorder() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let packets = held(1000, 480_000, 960, 0xffff);
        let kept: Vec<_> = packets
            .into_iter()
            .filter(|_| random.unit() >= 0.3)
            .collect();
        let mut late: Vec<_> = kept
            .into_iter()
            .enumerate()
            .map(|(n, packet)| (n as f64 + 3.0 * random.unit(), packet))
            .collect();
        late.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(
            digits(late.into_iter().map(|(_, packet)| packet)),
            1,
            "{seed}"
        );
    }
}

#[test]
fn the_same_key_again_is_another_digit() {
    // However long it was held, and even if what would set it apart is lost: here its first packet with the marker.
    for units in [4800, 200_000] {
        let first = held(0, units, 960, 0xffff);
        let second = held(units + 4800, 4800, 960, 0xffff);
        assert_eq!(
            digits(first.iter().copied().chain(second.iter().copied())),
            2
        );
        assert_eq!(
            digits(first.into_iter().chain(second.into_iter().skip(1))),
            2
        );
    }
    // Told to begin where another would go on, but with the marker; and another key there.
    let open = (0, true, [5, VOLUME, 0xff, 0xff]);
    let then = |marker, code| (0xffff, marker, [code, VOLUME, 3, 0xc0]);
    assert_eq!(digits([open, then(false, 5)]), 1);
    assert_eq!(digits([open, then(true, 5)]), 2);
    assert_eq!(digits([open, then(false, 6)]), 2);
}

#[test]
fn a_stall_loses_no_digit_and_a_flood_is_thinned_out() {
    let start = Instant::now();
    let mut fingers = Fingers::default();
    let passed = |fingers: &mut Fingers, at: &dyn Fn(u32) -> Duration, count: u32| {
        let times = (0..count).map(|n| start + at(n));
        times.filter(|now| fingers.let_pass(*now)).count()
    };
    // Dialled at leisure, then two seconds of it at once, then at leisure again.
    assert_eq!(passed(&mut fingers, &|n| 200 * MS * n, 10), 10);
    assert_eq!(passed(&mut fingers, &|_| 4000 * MS, 10), 10);
    assert_eq!(passed(&mut fingers, &|n| 4200 * MS + 200 * MS * n, 10), 10);
    // A thousand in a second.
    let flood = passed(&mut fingers, &|n| 60_000 * MS + MS * n, 1000);
    assert!((25..=36).contains(&flood), "{flood}");
}
