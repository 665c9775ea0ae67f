#![allow(clippy::unwrap_used)]

use stun_types::attribute::{Nonce, Realm, XorMappedAddress};
use stun_types::message::{BINDING, Message};
use turn_types::attribute::{
    EvenPort, Lifetime, RequestedAddressFamily, RequestedTransport, XorRelayedAddress,
};
use turn_types::message::{ALLOCATE, CHANNEL_BIND, CREATE_PERMISSION, REFRESH};

use super::*;

mod desk;
mod random;
mod traffic;

use desk::{Desk, HERE, Login, SECRET, UNIX, addr, client, code, config, relayed};

#[test]
fn anybody_learns_its_own_address() {
    let mut desk = Desk::new(config());
    let request = desk.build(BINDING, &[], None);
    let answer = desk.asks(client(1), &request);
    let answer = Message::from_bytes(&answer).unwrap();
    let mapped = answer.attribute::<XorMappedAddress>().unwrap();
    assert_eq!(mapped.addr(answer.transaction_id()), client(1).remote);
    assert!(desk.is_empty());
}

#[test]
fn an_allocation_is_for_those_with_credentials() {
    let mut desk = Desk::new(config());
    let request = desk.build(ALLOCATE, &[], None);
    let challenge = desk.asks(client(1), &request);
    assert_eq!(code(&challenge), 401);
    let message = Message::from_bytes(&challenge).unwrap();
    assert_eq!(message.attribute::<Realm>().unwrap().realm(), REALM);
    assert!(desk.is_empty(), "a stranger leaves nothing behind");

    let login = desk.login(client(1), "alice");
    let request = desk.build(ALLOCATE, &[&RequestedTransport::new(17)], Some(&login));
    let answer = desk.asks(client(1), &request);
    let message = Message::from_bytes(&answer).unwrap();
    let key = auth::key(&Secret::new(SECRET), &login.username);
    message.validate_integrity_with_key(&key).unwrap();
    let transaction = message.transaction_id();
    let relayed = message.attribute::<XorRelayedAddress>().unwrap();
    assert_eq!(relayed.addr(transaction).ip().to_string(), HERE);
    let mapped = message.attribute::<XorMappedAddress>().unwrap();
    assert_eq!(mapped.addr(transaction), client(1).remote);
    assert_eq!(message.attribute::<Lifetime>().unwrap().seconds(), 600);
    // The same request again is the same allocation, another one is refused.
    assert_eq!(desk.asks(client(1), &request), answer);
    assert_eq!(desk.allocate(client(1), &login), Err(437));
    assert_eq!(desk.turn.allocations(), 1);
}

#[test]
fn credentials_that_do_not_hold_are_401() {
    let mut desk = Desk::new(config());
    let good = desk.login(client(1), "alice");
    let wrong = |username: &str| Login {
        username: username.to_owned(),
        ..good.clone()
    };
    let other_secret = super::super::credentials::issue(&Secret::new("b"), UNIX, "alice");
    let forged = Login {
        password: other_secret.password.expose().to_owned(),
        ..good.clone()
    };
    for login in [
        forged,
        wrong("alice"),
        wrong(""),
        wrong("99999999999:mallory"),
    ] {
        assert_eq!(
            desk.allocate(client(1), &login),
            Err(401),
            "{}",
            login.username
        );
    }
    desk.waits(25 * 3600);
    let expired = Login {
        nonce: desk.login(client(1), "").nonce,
        ..good
    };
    assert_eq!(desk.allocate(client(1), &expired), Err(401));
    let renewed = desk.login(client(1), "alice");
    assert!(desk.allocate(client(1), &renewed).is_ok());
}

#[test]
fn a_nonce_holds_for_an_hour_and_for_one_client() {
    let mut desk = Desk::new(config());
    let login = desk.login(client(1), "alice");
    let request = desk.build(ALLOCATE, &[], Some(&login));
    let answer = desk.asks(client(2), &request);
    assert_eq!(code(&answer), 438);
    let fresh = Message::from_bytes(&answer)
        .unwrap()
        .attribute::<Nonce>()
        .unwrap();
    let again = Login {
        nonce: fresh.nonce().to_owned(),
        ..login.clone()
    };
    assert!(desk.allocate(client(2), &again).is_ok());
    for nonce in [
        "",
        "nonsense",
        "é0000000000000000000000000000000000000000",
        &"f".repeat(40),
    ] {
        let made_up = Login {
            nonce: nonce.to_owned(),
            ..login.clone()
        };
        assert_eq!(desk.allocate(client(1), &made_up), Err(438), "{nonce}");
    }
    desk.waits(3601);
    assert_eq!(desk.allocate(client(1), &login), Err(438));
}

#[test]
fn an_allocation_belongs_to_its_user_and_outlives_the_credentials() {
    let mut desk = Desk::new(config());
    let (alice, login, _) = desk.allocated(1, "alice");
    let mallory = desk.login(client(1), "mallory");
    for method in [REFRESH, CREATE_PERMISSION, CHANNEL_BIND] {
        assert_eq!(desk.code(alice, method, &[], &mallory), 441);
    }
    for _ in 0..25 {
        let nonce = desk.login(alice, "").nonce;
        let login = Login {
            nonce,
            ..login.clone()
        };
        let hour = Lifetime::new(3600);
        assert_eq!(desk.code(alice, REFRESH, &[&hour], &login), 0);
        desk.waits(3599);
    }
    let renewed = desk.login(alice, "alice");
    assert_eq!(desk.code(alice, REFRESH, &[], &renewed), 0, "the same user");
    assert_eq!(desk.code(client(2), REFRESH, &[], &renewed), 438);
    let stranger = desk.login(client(2), "bob");
    assert_eq!(desk.code(client(2), REFRESH, &[], &stranger), 437);
}

#[test]
fn allocations_end_in_time() {
    let mut desk = Desk::new(config());
    let (alice, login, _) = desk.allocated(1, "alice");
    let refresh = |desk: &mut Desk, seconds| {
        let request = desk.build(REFRESH, &[&Lifetime::new(seconds)], Some(&login));
        let answer = desk.asks(alice, &request);
        let answer = Message::from_bytes(&answer).unwrap();
        answer.attribute::<Lifetime>().unwrap().seconds()
    };
    assert_eq!(refresh(&mut desk, 1), 600, "no less than usual");
    assert_eq!(refresh(&mut desk, 86_400), 3600, "no more than an hour");
    desk.waits(3599);
    assert_eq!((desk.turn.allocations(), desk.open.len()), (1, 1));
    desk.waits(1);
    assert!(desk.is_empty() && desk.open.is_empty());
    let (bob, login, _) = desk.allocated(2, "bob");
    let nothing = Lifetime::new(0);
    assert_eq!(desk.code(bob, REFRESH, &[&nothing], &login), 0);
    assert!(desk.is_empty() && desk.open.is_empty());
    let (carol, ..) = desk.allocated(3, "carol");
    desk.input(Input::Gone { client: carol });
    assert!(desk.is_empty() && desk.open.is_empty());
    assert_eq!(desk.turn.poll_timeout(), None);
}

#[test]
fn quotas_hold_for_each_user_and_for_all() {
    let mut desk = Desk::new(Config {
        max_allocations: 5,
        max_per_user: 2,
        ..config()
    });
    for user in ["alice", "bob"] {
        for port in [1, 2] {
            desk.allocated(port + user.len() as u16 * 10, user);
        }
    }
    let third = desk.login(client(99), "alice");
    assert_eq!(desk.allocate(client(99), &third), Err(486));
    desk.allocated(60, "carol");
    let sixth = desk.login(client(98), "dave");
    assert_eq!(desk.allocate(client(98), &sixth), Err(508));
    desk.input(Input::Gone { client: client(51) });
    assert!(desk.allocate(client(99), &third).is_ok(), "room again");
}

#[test]
fn what_is_asked_wrongly_is_said() {
    let mut desk = Desk::new(config());
    let login = desk.login(client(1), "alice");
    let (udp, tcp) = (RequestedTransport::new(17), RequestedTransport::new(6));
    let (even, pair) = (EvenPort::new(false), EvenPort::new(true));
    let fixed = turn_types::attribute::DontFragment::new();
    let third = stun_types::attribute::RawAttribute::new(0x17.into(), &[9, 0, 0, 0]);
    for (attributes, expected) in [
        (&[] as &[&dyn stun_types::prelude::AttributeWrite], 400),
        (&[&tcp], 442),
        (&[&udp, &fixed], 420),
        (&[&udp, &pair], 508),
        (&[&udp, &third], 440),
    ] {
        assert_eq!(desk.code(client(1), ALLOCATE, attributes, &login), expected);
    }
    for (why, expected) in [(NoPort::Family, 440), (NoPort::Capacity, 508)] {
        desk.no_port = Some(why);
        assert_eq!(desk.allocate(client(1), &login), Err(expected));
    }
    assert!(desk.is_empty());
    desk.no_port = None;
    let request = desk.build(ALLOCATE, &[&udp, &even], Some(&login));
    assert_eq!(
        relayed(&desk.asks(client(1), &request)).unwrap().port() % 2,
        0
    );
}

#[test]
fn ipv6_is_for_those_who_ask_and_stays_among_itself() {
    let mut desk = Desk::new(config());
    let login = desk.login(client(1), "alice");
    let udp = RequestedTransport::new(17);
    let v6 = RequestedAddressFamily::new(stun_types::AddressFamily::IPV6);
    let v4 = RequestedAddressFamily::new(stun_types::AddressFamily::IPV4);
    let request = desk.build(ALLOCATE, &[&udp, &v6], Some(&login));
    assert!(relayed(&desk.asks(client(1), &request)).unwrap().is_ipv6());
    assert_eq!(desk.permit(client(1), &login, "203.0.113.9:1"), 443);
    assert_eq!(desk.permit(client(1), &login, "[2001:db8::9]:1"), 0);
    assert_eq!(desk.permit(client(1), &login, "[::ffff:10.0.0.1]:1"), 403);
    assert_eq!(desk.permit(client(1), &login, "[fd00::1]:1"), 403);
    assert_eq!(desk.code(client(1), REFRESH, &[&v4], &login), 443);
    assert_eq!(desk.code(client(1), REFRESH, &[&v6], &login), 0);
}
