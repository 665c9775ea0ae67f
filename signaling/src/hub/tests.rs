#![allow(clippy::unwrap_used)]

use shared::{Event, Incoming, Name, Role};

use super::*;
use crate::identity;

mod desk;
pub(crate) mod random;

use desk::{Desk, TIMEOUT, hello, id_of};

#[test]
fn tutorial_clients_hear_each_others_bytes_and_nothing_else() {
    let mut desk = Desk::new(0, 0);
    let (a, b, c) = (
        desk.tutorial(1, "r"),
        desk.tutorial(2, "r"),
        desk.tutorial(3, "other"),
    );
    for frame in ["not json", r#" {"event" : "offer" , "from":"x"} "#, ""] {
        desk.says(a, frame);
        assert_eq!(desk.takes(b), [frame]);
    }
    desk.input(Input::Gone { conn: b });
    desk.says(a, "alone");
    for conn in [a, b, c] {
        assert_eq!(desk.takes(conn), Vec::<String>::new());
    }
}

#[test]
fn a_peer_is_welcomed_before_it_hears_anything_and_introduced() {
    let mut desk = Desk::new(0, 0);
    let t = desk.tutorial(1, "r");
    let a = desk.peer(2, "r", 1);
    let b = desk.socket(3, "r");
    desk.says(t, r#"{"event":"offer"}"#);
    assert_eq!(
        desk.takes(b),
        Vec::<String>::new(),
        "no member before hello"
    );
    desk.says(b, &hello(2));
    assert_eq!(desk.events(a), ["welcome", "offer", "joined"]);
    let Event::Server(ServerEvent::Welcome(welcome)) =
        Incoming::parse(&desk.takes(b)[0]).unwrap().event
    else {
        panic!("no welcome")
    };
    assert_eq!(welcome.id.as_str(), id_of(2));
    assert_eq!(welcome.room, Some(Room::new("r").unwrap()));
    assert!(
        welcome.peers[0].is_tutorial() && welcome.peers[0].name.is_none(),
        "oldest first"
    );
    assert_eq!(welcome.peers[1].name, Some(Name::new("n1").unwrap()));
    assert_eq!(welcome.peers[1].origin.as_deref(), Some("https://x"));
    desk.input(Input::Gone { conn: b });
    assert_eq!(
        desk.takes(a),
        [format!(
            r#"{{"event":"left","data":{{"id":"{}"}}}}"#,
            id_of(2)
        )]
    );
    assert_eq!(desk.takes(t), Vec::<String>::new());
}

#[test]
fn whoever_sends_is_named_by_the_server_alone() {
    let mut desk = Desk::new(0, 0);
    let (a, b, t) = (
        desk.peer(1, "r", 1),
        desk.peer(2, "r", 2),
        desk.tutorial(3, "r"),
    );
    let _ = [a, b, t].map(|c| desk.takes(c));
    let forged = r#"{"from":"x","event":"welcome","data":{"id":"x"},"from":"y"}"#;
    desk.says(a, forged);
    assert_eq!(
        desk.takes(b),
        [format!(
            r#"{{"from":"{}","event":"welcome","data":{{"id":"x"}}}}"#,
            id_of(1)
        )]
    );
    assert_eq!(
        desk.takes(t),
        [forged],
        "a tutorial client hears the sender's bytes"
    );
    desk.says(t, "[1]");
    desk.says(b, "junk");
    assert_eq!(
        (desk.takes(a), desk.takes(b)),
        (vec![], vec![]),
        "no object, no delivery"
    );
    assert_eq!(desk.takes(t), ["junk"]);
}

#[test]
fn to_reaches_one_member_of_the_room_or_complains() {
    let mut desk = Desk::new(0, 0);
    let (a, b, t) = (
        desk.peer(1, "r", 1),
        desk.peer(2, "r", 2),
        desk.tutorial(3, "r"),
    );
    let far = desk.peer(4, "other", 4);
    let _ = [a, b, t, far].map(|c| desk.takes(c));
    let to = |id: &str| format!(r#"{{"event":"offer","to":"{id}"}}"#);
    desk.says(a, &to(&id_of(2)));
    assert_eq!(
        desk.takes(b),
        [format!(
            r#"{{"from":"{}","event":"offer","to":"{}"}}"#,
            id_of(1),
            id_of(2)
        )]
    );
    let tutorial = identity::of_number(&[7; 32], 3).unwrap();
    desk.says(a, &to(tutorial.as_str()));
    assert_eq!(desk.takes(t), [to(tutorial.as_str())]);
    for absent in [&id_of(4), &id_of(1), "nobody", "a b", ""] {
        desk.says(a, &to(absent));
        assert_eq!(
            desk.takes(a),
            [format!(
                r#"{{"event":"error","data":{{"code":"no-such-peer","text":"no other peer \"{}\" here"}}}}"#,
                absent.replace('"', "")
            )]
        );
    }
    desk.says(a, r#"{"event":"offer","to":{}}"#);
    assert_eq!(
        desk.takes(a),
        [r#"{"event":"error","data":{"code":"bad-frame","text":"to is not a string"}}"#]
    );
    desk.says(t, &to(&id_of(2)));
    assert_eq!(
        desk.events(a),
        ["offer"],
        "a tutorial client's `to` means nothing"
    );
    assert_eq!(
        (desk.events(b), desk.events(far)),
        (vec!["offer".to_owned()], vec![])
    );
}

#[test]
fn what_is_for_the_server_stays_there() {
    let mut desk = Desk::new(0, 0);
    let (a, b, t) = (
        desk.peer(1, "r", 1),
        desk.peer(2, "r", 2),
        desk.tutorial(3, "r"),
    );
    let _ = [a, b, t].map(|c| desk.takes(c));
    desk.says(a, r#"{"event":"bye","data":{"reason":"done"}}"#);
    desk.says(a, r#"{"event":"ice-servers"}"#);
    desk.says(a, &hello(9));
    assert_eq!((desk.takes(b), desk.takes(t)), (vec![], vec![]));
    assert_eq!(
        desk.takes(a),
        [
            r#"{"event":"ice-servers","data":{"iceServers":[]}}"#,
            r#"{"event":"error","data":{"code":"bad-frame","text":"hello was said already"}}"#,
        ]
    );
    desk.says(a, &format!(r#"{{"event":"bye","to":"{}"}}"#, id_of(2)));
    assert_eq!(desk.events(b), ["bye"]);
}

#[test]
fn the_same_secret_takes_over_its_seat_without_left() {
    let mut desk = Desk::new(0, 2);
    let (a, b) = (desk.peer(1, "r", 1), desk.peer(2, "r", 2));
    let _ = [a, b].map(|c| desk.takes(c));
    let again = desk.peer(3, "r", 1);
    assert_eq!(
        desk.closed.get(&a),
        Some(&Cause::Replaced),
        "even in a full room"
    );
    assert_eq!(desk.events(b), ["joined"]);
    assert_eq!(desk.events(again), ["welcome"]);
    desk.input(Input::Gone { conn: a });
    assert_eq!(
        desk.takes(b),
        Vec::<String>::new(),
        "the old socket's end is no news"
    );
    desk.peer(4, "elsewhere", 1);
    assert_eq!(desk.events(b), ["left"], "but moving to another room is");
}

#[test]
fn full_rooms_and_too_many_rooms_are_refused() {
    let mut desk = Desk::new(1, 2);
    let (a, _) = (desk.tutorial(1, "r"), desk.peer(2, "r", 2));
    let (third, other) = (desk.peer(3, "r", 3), desk.tutorial(4, "s"));
    assert_eq!(desk.closed.get(&third), Some(&Cause::RoomFull));
    assert_eq!(desk.closed.get(&other), Some(&Cause::TooManyRooms));
    desk.input(Input::Gone { conn: a });
    let next = desk.peer(5, "r", 3);
    assert_eq!(desk.events(next), ["welcome"]);
}

#[test]
fn the_only_member_of_a_room_may_move_where_no_more_rooms_are_permitted() {
    let mut desk = Desk::new(2, 0);
    let (a, b) = (desk.peer(1, "r", 1), desk.peer(2, "s", 2));
    let moved = desk.peer(3, "t", 1);
    assert_eq!(desk.events(moved), ["welcome"]);
    assert_eq!(desk.closed.get(&a), Some(&Cause::Replaced));
    let _guest = desk.tutorial(4, "s");
    let stays = desk.peer(5, "u", 2);
    assert_eq!(
        desk.closed.get(&stays),
        Some(&Cause::TooManyRooms),
        "s goes on"
    );
    assert_eq!(desk.closed.get(&b), None);
}

/// Else the newcomer's queue would run over, and it would be called slow.
#[test]
fn a_room_is_full_when_its_list_fills_half_a_queue() {
    let limits = |max_queue| Limits {
        max_room: 0,
        max_queue,
        ..Limits::default()
    };
    let mut desk = Desk::within(&limits(64 << 10));
    for n in 0..1000 {
        desk.tutorial(n, "r");
    }
    let one = desk.peer(2000, "r", 1);
    assert_eq!(desk.closed.get(&one), Some(&Cause::RoomFull));
    assert_eq!(desk.takes(one), Vec::<String>::new());
    let elsewhere = desk.peer(2001, "s", 1);
    assert_eq!(desk.events(elsewhere), ["welcome"]);
    let page = desk.tutorial(2002, "r");
    assert_eq!(desk.closed.get(&page), None, "it is told no list");
    let mut desk = Desk::within(&limits(0));
    for n in 0..1000 {
        desk.tutorial(n, "r");
    }
    let one = desk.peer(2000, "r", 1);
    assert_eq!(desk.events(one)[0], "welcome");
}

/// What the server does for a message grows with those who hear it.
#[test]
fn a_message_to_many_counts_as_several() {
    let mut desk = Desk::new(0, 0);
    let speaker = desk.peer(0, "r", 1);
    for n in 1..=64 {
        desk.tutorial(n, "r");
    }
    let small = desk.tutorial(100, "s");
    for n in 101..=116 {
        desk.tutorial(n, "s");
    }
    // Of four seconds' worth at 100 a second each takes four.
    for said in 0..=100 {
        assert_eq!(desk.closed.get(&speaker), None, "after {said}");
        desk.says(speaker, r#"{"event":"x"}"#);
        desk.says(small, "x");
    }
    assert_eq!(desk.closed.get(&speaker), Some(&Cause::TooManyMessages));
    assert_eq!(desk.takes(ConnId(1)).len(), 100);
    for _ in 0..1000 {
        desk.says(small, "x");
    }
    assert!(
        !desk.closed.contains_key(&small),
        "sixteen others are for free"
    );
    // To one is to one, and time heals.
    let speaker = desk.peer(1000, "r", 2);
    for _ in 0..1000 {
        desk.says(speaker, &format!(r#"{{"event":"x","to":"{}"}}"#, id_of(9)));
        desk.now += Duration::from_millis(40);
        desk.says(speaker, r#"{"event":"x"}"#);
    }
    assert!(!desk.closed.contains_key(&speaker));
}

#[test]
fn who_may_come_in_for_a_role_must_say_hello() {
    let mut desk = Desk::new(0, 0);
    for (n, role) in [(1, Role::Call), (2, Role::Answer)] {
        let conn = desk.tutorial_as(n, "r", Some(role));
        assert_eq!(desk.closed.get(&conn), Some(&Cause::OtherRole));
    }
    for (n, role) in [(3, None), (4, Some(Role::Either))] {
        let conn = desk.tutorial_as(n, "r", role);
        assert_eq!(desk.closed.get(&conn), None);
    }
}

#[test]
fn hello_must_come_first_and_in_time() {
    let mut desk = Desk::new(0, 0);
    let (late, wrong) = (desk.socket(1, "r"), desk.socket(2, "r"));
    desk.says(wrong, r#"{"event":"offer"}"#);
    assert_eq!(desk.closed.get(&wrong), Some(&Cause::BadHello));
    assert_eq!(desk.hub.poll_timeout(), Some(desk.now + TIMEOUT));
    desk.now += TIMEOUT;
    desk.input(Input::Tick);
    assert_eq!(desk.closed.get(&late), Some(&Cause::NoHello));
    assert_eq!(desk.hub.poll_timeout(), None);
    desk.says(late, &hello(1));
    assert_eq!(desk.takes(late), Vec::<String>::new(), "closed is closed");
}

#[test]
fn a_long_welcome_goes_on_as_joined() {
    let mut desk = Desk::new(0, 0);
    for n in 0..600 {
        desk.tutorial(n, "r");
    }
    let peer = desk.peer(1000, "r", 1);
    let frames = desk.takes(peer);
    assert!(
        frames[0].len() <= shared::limits::MAX_FRAME,
        "{}",
        frames[0].len()
    );
    let Event::Server(ServerEvent::Welcome(welcome)) = Incoming::parse(&frames[0]).unwrap().event
    else {
        panic!("no welcome")
    };
    assert!(welcome.peers.len() > 300 && frames.len() > 1);
    assert_eq!(welcome.peers.len() + frames.len() - 1, 600);
}
