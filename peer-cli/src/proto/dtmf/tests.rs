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
        .filter_map(|(_, timestamp, payload)| listener.hear(7, *timestamp, payload))
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
        assert_eq!(listener.hear(1, 1, payload), None);
    }
    assert_eq!(
        listener.hear(1, 1, &[1, 0, 0, 0, 9]).unwrap().to_string(),
        "1"
    );
    assert_eq!(listener.hear(1, 1, &[1, 0x80, 0, 0]), None);
    assert_eq!(
        listener.hear(2, 1, &[1, 0x80, 0, 0]).unwrap().to_string(),
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
