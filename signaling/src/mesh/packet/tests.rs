#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use shared::{App, Name, Role};

use super::*;

fn packet(item: Item) -> Packet {
    Packet {
        server: ServerId::new("s1").unwrap(),
        body: Body::Link {
            session: 2,
            seq: 7,
            item,
        },
    }
}

fn somebody() -> Claimed {
    let info = PeerInfo {
        id: PeerId::new("a").unwrap(),
        name: Some(Name::new("alice").unwrap()),
        role: Some(Role::Call),
        app: Some(App::Call),
        origin: Some("https://\"x".to_owned()),
    };
    Claimed {
        claim: 5,
        member: Member {
            room: Some(Room::new("demo").unwrap()),
            seat: 4,
            info,
        },
    }
}

fn letter(text: &str, to: Option<&str>) -> Item {
    Item::Letter(Letter {
        room: None,
        from: PeerId::new("a").unwrap(),
        to: to.map(|to| PeerId::new(to).unwrap()),
        text: text.into(),
    })
}

#[test]
fn everything_comes_back_as_it_was() {
    let absent = Absence {
        from: PeerId::new("a").unwrap(),
        to: PeerId::new("b").unwrap(),
    };
    let items = [
        Item::Members {
            first: true,
            last: false,
            list: vec![somebody(), somebody()],
        },
        Item::Joined(somebody()),
        Item::Left(PeerId::new("a").unwrap()),
        letter("not\njson \u{1f980}", None),
        letter("", Some("b")),
        Item::Absent(absent),
        Item::Beat,
        Item::Gone,
    ];
    for item in items {
        let packet = packet(item);
        assert_eq!(Packet::decode(&packet.encode()), Some(packet));
    }
    for body in [Body::Alive, Body::Again { session: 3 }] {
        let server = ServerId::new("s1").unwrap();
        let packet = Packet { server, body };
        assert_eq!(Packet::decode(&packet.encode()), Some(packet));
    }
}

#[test]
fn a_letter_is_a_line_and_the_frame() {
    let encoded = packet(letter(r#"{"event":"x"}"#, Some("b"))).encode();
    let expected = concat!(
        r#"{"server":"s1","at":[2,7],"say":{"letter":{"room":null,"from":"a","to":"b"}}}"#,
        "\n",
        r#"{"event":"x"}"#
    );
    assert_eq!(str::from_utf8(&encoded), Ok(expected));
}

#[test]
fn what_no_server_says_is_nothing() {
    for bad in [
        &b""[..],
        b"\xff",
        b"{}",
        b"[]",
        br#"{"server":"s.1","say":"alive"}"#,
        br#"{"server":"","say":"alive"}"#,
        br#"{"server":"s","at":[1,2],"say":"alive"}"#,
        br#"{"server":"s","say":"beat"}"#,
        br#"{"server":"s","at":[-1,2],"say":"beat"}"#,
        br#"{"server":"s","at":[1,2],"say":{"left":"a b"}}"#,
        br#"{"server":"s","at":[1,2],"say":{"letter":{"room":null,"from":"a","to":"a"}}}"#,
        br#"{"server":"s","at":[1,2],"say":{"joined":{"claim":1,"seat":1,"room":null,"info":{}}}}"#,
    ] {
        assert_eq!(
            Packet::decode(bad),
            None,
            "{}",
            String::from_utf8_lossy(bad)
        );
    }
}

#[test]
fn nobody_sits_beyond_the_last_seat() {
    let read = |seat| {
        let mut sent = somebody();
        sent.member.seat = seat;
        let packet = Packet::decode(&packet(Item::Joined(sent)).encode());
        let Some(Body::Link {
            item: Item::Joined(claimed),
            ..
        }) = packet.map(|p| p.body)
        else {
            panic!("not read")
        };
        claimed.member.seat
    };
    // Microseconds of the year 2200.
    assert_eq!(read(7_258_118_400_000_000), 7_258_118_400_000_000);
    for seat in [LAST_SEAT, LAST_SEAT + 1, u64::MAX] {
        assert_eq!(read(seat), LAST_SEAT);
    }
}

proptest! {
    #[test]
    fn nothing_that_comes_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Packet::decode(&bytes);
    }

    #[test]
    fn a_broken_packet_is_read_or_not(at in 0usize..400, byte in any::<u8>()) {
        let mut bytes = packet(Item::Members { first: true, last: true, list: vec![somebody()] })
            .encode()
            .to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = Packet::decode(&bytes);
    }
}
