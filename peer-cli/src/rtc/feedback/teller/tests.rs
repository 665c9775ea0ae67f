#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rtc::interceptor::convert_twcc;
use rtc::shared::marshal::{Marshal, Unmarshal};

use super::*;

/// What a reader makes of our bytes: whether each packet came, and when, in units of 250 µs.
fn read(stretch: &Stretch) -> (u16, Vec<Option<i64>>, usize) {
    let mut bytes = feedback(stretch).marshal().unwrap().freeze();
    let size = bytes.len();
    let read = TransportLayerCc::unmarshal(&mut bytes).unwrap();
    assert_eq!(
        usize::from(read.packet_status_count),
        stretch.arrivals().len()
    );
    let acks = convert_twcc(&read);
    let at = |at: Duration| (at.as_micros() / UNIT_US.unsigned_abs() as u128) as i64;
    let arrivals = acks
        .iter()
        .map(|ack| ack.arrived.then(|| at(ack.arrival.unwrap())));
    (read.base_sequence_number, arrivals.collect(), size)
}

proptest! {
    /// Whatever came: the crate's reader finds the same in our bytes, and they fit into a datagram.
    #[test]
    fn what_is_written_is_read_again(
        packets in prop::collection::vec((prop_oneof![9 => Just(1u16), 3 => 1u16..20, 1 => 1u16..2000], 0u64..40_000), 1..1200),
        first in any::<u16>(),
        swapped in any::<bool>(),
    ) {
        let (mut arrivals, mut number, mut at) = (Arrivals::default(), first, 3_000_000u64);
        let mut noted = Vec::new();
        for (step, pause) in packets {
            number = number.wrapping_add(step);
            at += pause;
            noted.push((number, at));
        }
        if swapped {
            noted.chunks_exact_mut(2).for_each(|two| two.swap(0, 1));
        }
        for (number, at) in noted {
            arrivals.note(number, Duration::from_micros(at));
        }
        for stretch in arrivals.take() {
            let (first, read, size) = read(&stretch);
            prop_assert_eq!(first, stretch.first());
            prop_assert_eq!(read, stretch.arrivals().to_vec());
            prop_assert!(size <= 1200, "{} bytes", size);
        }
    }
}

#[test]
fn a_second_of_calm_takes_a_single_chunk_and_a_byte_a_packet() {
    let mut arrivals = Arrivals::default();
    for n in 0..50u16 {
        arrivals.note(n, Duration::from_millis(u64::from(n) * 20));
    }
    let (_, read, size) = read(&arrivals.take()[0]);
    assert_eq!(read.len(), 50);
    // Headers of 20 bytes, and up to 3 of padding.
    assert_eq!(size, (20 + 2 + 50usize).next_multiple_of(4));
}

#[test]
fn who_hears_nothing_asks_for_nothing() {
    let (mut teller, now) = (Teller::new(Duration::from_millis(250)), Instant::now());
    assert_eq!(teller.poll_timeout(), None);
    teller.handle_timeout(now).unwrap();
    assert!(teller.poll_write().is_none());
}
