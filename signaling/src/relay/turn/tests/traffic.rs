use turn_types::attribute::{Data, XorPeerAddress};

use super::*;

const PEER: &str = "203.0.113.9:4000";

fn indication(bytes: &[u8]) -> (SocketAddr, Vec<u8>) {
    let message = Message::from_bytes(bytes).unwrap();
    let peer = message.attribute::<XorPeerAddress>().unwrap();
    let data = message.attribute::<Data<'_>>().unwrap();
    (peer.addr(message.transaction_id()), data.data().to_vec())
}

#[test]
fn only_whom_the_client_has_permitted_hears_and_is_heard() {
    let mut desk = Desk::new(config());
    let (alice, login, _) = desk.allocated(1, "alice");
    assert_eq!(desk.sends(alice, PEER, b"early"), []);
    assert_eq!(desk.arrives(PEER, b"early"), [] as [Vec<u8>; 0]);
    assert_eq!(desk.permit(alice, &login, PEER), 0);
    assert_eq!(
        desk.sends(alice, PEER, b"hi"),
        [(addr(PEER), b"hi".to_vec())]
    );
    let heard = desk.arrives(PEER, b"ho");
    assert_eq!(indication(&heard[0]), (addr(PEER), b"ho".to_vec()));
    // A permission is for an address, whatever the port.
    assert_eq!(desk.arrives("203.0.113.9:1", b"x").len(), 1);
    assert_eq!(desk.arrives("203.0.113.8:4000", b"x").len(), 0);
    assert_eq!(
        desk.sends(client(2), PEER, b"x"),
        [],
        "nor a client without an allocation"
    );
    let dropped = desk.turn.dropped();
    desk.waits(300);
    assert_eq!(desk.sends(alice, PEER, b"late"), []);
    assert_eq!(desk.arrives(PEER, b"late").len(), 0);
    assert_eq!(desk.turn.dropped(), dropped + 2);
}

#[test]
fn channels_carry_the_same_for_less() {
    let mut desk = Desk::new(config());
    let (alice, login, _) = desk.allocated(1, "alice");
    assert_eq!(desk.bind(alice, &login, 0x4001, PEER), 0);
    assert_eq!(desk.bind(alice, &login, 0x4001, PEER), 0, "refreshed");
    assert_eq!(desk.bind(alice, &login, 0x4002, PEER), 400, "bound already");
    assert_eq!(desk.bind(alice, &login, 0x4001, "203.0.113.9:1"), 400);
    for number in [0x3fff, 0x8000, 0xffff] {
        assert_eq!(desk.bind(alice, &login, number, "203.0.113.8:1"), 400);
    }
    let data = b"\x40\x01\x00\x03abc\x00";
    desk.input(Input::FromClient {
        client: alice,
        data,
    });
    let (_, to, sent) = desk.to_peers.pop().unwrap();
    assert_eq!((to, &sent[..]), (addr(PEER), &b"abc"[..]));
    assert_eq!(
        desk.arrives(PEER, b"def"),
        [b"\x40\x01\x00\x03def".to_vec()]
    );
    let other = desk.arrives("203.0.113.9:1", b"x");
    assert_eq!(
        indication(&other[0]).0,
        addr("203.0.113.9:1"),
        "another port has no channel"
    );
    for data in [
        &b"\x40\x02\x00\x01x"[..],
        b"\x40\x01\x00\x09x",
        b"\x40\x01",
        b"\x40",
    ] {
        desk.input(Input::FromClient {
            client: alice,
            data,
        });
        assert!(desk.to_peers.is_empty());
    }
    // The channel outlives its permission, and is no use without.
    desk.waits(301);
    let data = b"\x40\x01\x00\x01x";
    desk.input(Input::FromClient {
        client: alice,
        data,
    });
    assert!(desk.to_peers.is_empty());
    assert_eq!(desk.permit(alice, &login, PEER), 0);
    desk.input(Input::FromClient {
        client: alice,
        data,
    });
    assert_eq!(desk.to_peers.len(), 1);
    desk.code(alice, REFRESH, &[], &login);
    desk.waits(299);
    assert_eq!(desk.bind(alice, &login, 0x4002, PEER), 0, "free again");
}

#[test]
fn private_places_are_refused_unless_the_operator_wants_them() {
    let private = [
        "127.0.0.1:22",
        "10.9.9.9:80",
        "192.168.1.1:80",
        "169.254.169.254:80",
        "100.64.1.1:1",
        "224.0.0.1:1",
        "255.255.255.255:1",
        "0.0.0.0:1",
        "192.0.2.1:1",
    ];
    let mut desk = Desk::new(config());
    let login = desk.login(client(1), "alice");
    let lonely = desk.allocate(client(1), &login).unwrap();
    assert_eq!(lonely.ip().to_string(), HERE);
    for peer in private {
        // The relay's own address alone may be permitted; the port decides then.
        let expected = if peer.starts_with(HERE) { 0 } else { 403 };
        assert_eq!(desk.permit(client(1), &login, peer), expected, "{peer}");
        assert_eq!(
            desk.bind(client(1), &login, 0x4000, peer),
            expected,
            "{peer}"
        );
        assert_eq!(desk.sends(client(1), peer, b"x"), [], "{peer}");
    }
    let mut desk = Desk::new(Config {
        allow_private: true,
        ..config()
    });
    let (alice, login, _) = desk.allocated(1, "alice");
    for peer in ["127.0.0.1:22", "10.9.9.9:80", "192.0.2.1:1"] {
        assert_eq!(desk.permit(alice, &login, peer), 0, "{peer}");
        assert_eq!(desk.sends(alice, peer, b"x").len(), 1, "{peer}");
    }
}

#[test]
fn two_relayed_clients_meet_inside_with_permissions_on_both_sides() {
    let mut desk = Desk::new(config());
    let (alice, login_a, at_a) = desk.allocated(1, "alice");
    let (bob, login_b, at_b) = desk.allocated(2, "bob");
    assert_eq!(desk.permit(alice, &login_a, &at_b.to_string()), 0);
    assert_eq!(desk.sends(alice, &at_b.to_string(), b"x"), []);
    assert!(desk.to_clients.is_empty(), "bob has not permitted it");
    assert_eq!(desk.bind(bob, &login_b, 0x4005, &at_a.to_string()), 0);
    desk.sends(alice, &at_b.to_string(), b"hi");
    let (to, data) = desk.to_clients.pop().unwrap();
    assert_eq!((to, &data[..]), (bob, &b"\x40\x05\x00\x02hi"[..]));
    let data = b"\x40\x05\x00\x02ho";
    desk.input(Input::FromClient { client: bob, data });
    let (to, data) = desk.to_clients.pop().unwrap();
    assert_eq!((to, indication(&data)), (alice, (at_b, b"ho".to_vec())));
    assert!(desk.to_peers.is_empty(), "no socket in between");
    desk.input(Input::Gone { client: bob });
    assert_eq!(desk.sends(alice, &at_b.to_string(), b"x"), []);
    assert!(
        desk.to_clients.is_empty() && desk.to_peers.is_empty(),
        "now it is any local port"
    );
}

#[test]
fn rights_and_rates_are_bounded() {
    let mut desk = Desk::new(Config {
        max_rate: 1000,
        ..config()
    });
    let (alice, login, _) = desk.allocated(1, "alice");
    for n in 1..=128 {
        assert_eq!(desk.permit(alice, &login, &format!("203.0.113.{n}:1")), 0);
    }
    assert_eq!(desk.permit(alice, &login, "203.0.113.200:1"), 508);
    assert_eq!(desk.permit(alice, &login, "203.0.113.1:1"), 0, "an old one");
    let sent: usize = (0..100)
        .map(|_| desk.sends(alice, PEER, &[0; 100]).len())
        .sum();
    assert_eq!(sent, 40, "four seconds' worth at once");
    let heard: usize = (0..100).map(|_| desk.arrives(PEER, &[0; 100]).len()).sum();
    assert_eq!(heard, 40, "and as much the other way");
    desk.waits(1);
    let sent: usize = (0..100)
        .map(|_| desk.sends(alice, PEER, &[0; 100]).len())
        .sum();
    assert_eq!(sent, 10, "then the rate");
    desk.waits(300);
    assert_eq!(
        desk.permit(alice, &login, "203.0.113.200:1"),
        0,
        "expired ones make room"
    );
}
