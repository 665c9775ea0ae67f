//! Whatever is sent, nothing panics and the books agree.

use proptest::prelude::*;

use super::*;

fn books_agree(turn: &Turn) {
    assert_eq!(
        turn.allocations.len() + turn.pending.len(),
        turn.by_client.len()
    );
    assert_eq!(turn.allocations.len(), turn.by_relayed.len());
    assert_eq!(turn.allocations.len(), turn.expiries.len());
    assert_eq!(turn.users.values().sum::<usize>(), turn.by_client.len());
    assert!(turn.users.values().all(|count| *count > 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn strangers_leave_nothing_behind(bytes in proptest::collection::vec(any::<u8>(), 0..200), stun in any::<bool>()) {
        let mut desk = Desk::new(config());
        let mut bytes = bytes;
        if stun && bytes.len() >= 20 {
            // As far as a header goes it is STUN.
            let length = (bytes.len() - 20) / 4 * 4;
            bytes.truncate(20 + length);
            bytes[0] &= 0x3f;
            bytes[2..4].copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
            bytes[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        }
        desk.input(Input::FromClient { client: client(1), data: &bytes });
        prop_assert!(desk.is_empty());
        prop_assert!(desk.to_clients.len() <= 1);
    }

    #[test]
    fn a_changed_request_is_no_request(at in 0usize..2000, bit in 0u8..8) {
        let mut desk = Desk::new(config());
        let login = desk.login(client(1), "alice");
        let udp = RequestedTransport::new(RequestedTransport::UDP);
        let mut request = desk.build(ALLOCATE, &[&udp], Some(&login));
        let at = at % request.len();
        request[at] ^= 1 << bit;
        desk.input(Input::FromClient { client: client(1), data: &request });
        prop_assert!(desk.is_empty(), "byte {at} bit {bit}");
    }

    #[test]
    fn any_order_of_requests_keeps_the_books(steps in proptest::collection::vec((0u8..8, 1u16..4, 0u64..400), 1..60)) {
        let mut desk = Desk::new(Config { max_allocations: 2, max_per_user: 1, ..config() });
        for (what, who, seconds) in steps {
            let user = format!("u{}", who % 2);
            let login = desk.login(client(who), &user);
            match what {
                0 | 1 => drop(desk.allocate(client(who), &login)),
                2 => drop(desk.code(client(who), REFRESH, &[&Lifetime::new(0)], &login)),
                3 => drop(desk.permit(client(who), &login, "203.0.113.9:1")),
                4 => drop(desk.bind(client(who), &login, 0x4000, "203.0.113.9:1")),
                5 => desk.input(Input::Gone { client: client(who) }),
                6 => desk.waits(seconds),
                _ => {
                    desk.no_port = desk.no_port.is_none().then_some(NoPort::Capacity);
                }
            }
            books_agree(&desk.turn);
            prop_assert!(desk.turn.allocations() <= 2);
            prop_assert_eq!(desk.open.len(), desk.turn.allocations());
        }
        desk.waits(600);
        prop_assert!(desk.is_empty() && desk.open.is_empty());
    }
}
