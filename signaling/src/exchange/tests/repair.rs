//! What is missing comes again, and soon; what nobody sensible says does no harm.

use super::*;

/// What is on its way to this server does not come.
fn lose(world: &mut World, node: usize) {
    world.nodes[node].inbox.clear();
}

/// The number of the last message that is on its way to this server.
fn last_said(world: &World, node: usize) -> Option<u64> {
    let queues = world.nodes[node].inbox.values();
    queues.filter_map(|queue| Some(queue.back()?.0)).max()
}

#[test]
fn a_gap_is_closed_within_one_round_trip() {
    let mut world = World::new(2, 0);
    let watcher = world.connect(1, "r", Some(1));
    world.deliver_all();
    events(&mut world, watcher);
    let lost = world.connect(0, "r", Some(2));
    lose(&mut world, 1);
    world.connect(0, "r", Some(3));
    // No time passes, so no beat and no other look at what is missing.
    world.deliver_all();
    assert_eq!(world.lost["missing"], 1);
    assert_eq!(events(&mut world, watcher), ["joined", "joined"]);
    world.check();
    world.leaves(lost);
    lose(&mut world, 1);
    world.says(watcher, r#"{"event":"x"}"#);
    let other = world.connect(0, "s", Some(4));
    world.deliver_all();
    assert_eq!(events(&mut world, watcher), ["left"]);
    assert_eq!(events(&mut world, other), ["welcome"]);
    world.check();
}

#[test]
fn a_list_that_is_lost_is_said_again_before_the_next_beat() {
    let mut world = World::new(2, 0);
    world.connect(0, "r", Some(1));
    world.deliver_all();
    world.restart(1);
    world.tick();
    world.deliver(0, 0);
    assert!(last_said(&world, 1).is_some(), "the list");
    lose(&mut world, 1);
    // That there is a server at all is heard.
    let alive = br#"{"server":"s1","say":"alive"}"#;
    let now = world.now;
    world.nodes[1].exchange.heard(now, alive);
    world.settle(1);
    world.pass(Duration::from_millis(1500));
    let late = world.connect(1, "r", Some(2));
    assert_eq!(world.clients[late].welcome, [id_of(1).to_string()]);
}

#[test]
fn what_comes_twice_is_heard_once() {
    let mut world = World::new(2, 0);
    let (a, b) = (
        world.connect(0, "r", Some(1)),
        world.connect(1, "r", Some(2)),
    );
    world.deliver_all();
    events(&mut world, b);
    world.says(a, r#"{"event":"x"}"#);
    for queue in world.nodes[1].inbox.values_mut() {
        let again = queue.clone();
        queue.extend(again);
    }
    world.deliver_all();
    assert_eq!(events(&mut world, b), ["x"]);
}

#[test]
fn a_server_without_members_in_a_room_hears_nothing_of_it() {
    let mut world = World::new(2, 0);
    let (a, b) = (
        world.connect(0, "r", Some(1)),
        world.connect(1, "r", Some(2)),
    );
    world.connect(1, "s", Some(3));
    world.deliver_all();
    world.says(a, r#"{"event":"x"}"#);
    assert!(last_said(&world, 1).is_some());
    world.deliver_all();
    world.leaves(b);
    world.deliver_all();
    world.nodes[1].inbox.clear();
    world.says(a, r#"{"event":"y"}"#);
    assert_eq!(last_said(&world, 1), None);
}

#[test]
fn a_move_that_is_missed_is_seen_in_the_list_however_fast_it_was() {
    let mut world = World::new(2, 0);
    for (room, who) in [("r", 8), ("s", 9)] {
        world.connect(1, room, Some(who));
    }
    let moves = world.connect(0, "r", Some(1));
    world.deliver_all();
    // Within one microsecond.
    world.leaves(moves);
    world.connect(0, "s", Some(1));
    lose(&mut world, 1);
    world.connect(0, "", Some(2));
    world.deliver_all();
    world.check();
}

#[test]
fn who_was_taken_over_without_hearing_of_it_is_still_there() {
    let mut world = World::new(2, 0);
    let watcher = world.connect(0, "r", Some(9));
    let stays = world.connect(1, "r", Some(1));
    world.deliver_all();
    events(&mut world, watcher);
    let short = world.connect(0, "r", Some(1));
    world.leaves(short);
    lose(&mut world, 1);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.clients[stays].closed, None);
    world.check();
    let seen = events(&mut world, watcher);
    assert_eq!(seen, ["joined", "left", "joined"]);
}

#[test]
fn of_two_that_come_in_the_same_microsecond_one_stays() {
    let mut world = World::new(3, 0);
    let watcher = world.connect(2, "r", Some(9));
    world.deliver_all();
    // Each server's calendar is a microsecond ahead of the one before.
    let first = world.connect(1, "r", Some(1));
    world.now += Duration::from_micros(1);
    let second = world.connect(0, "r", Some(1));
    world.deliver_all();
    let closed = [first, second].map(|client| world.clients[client].closed);
    assert_eq!(closed, [None, Some(Cause::Replaced)]);
    world.check();
    assert!(!events(&mut world, watcher).contains(&"left".to_owned()));
}

#[test]
fn whoever_loses_an_id_hears_it_last() {
    let mut world = World::new(3, 0);
    for loser in [0, 1] {
        world.connect(loser, "r", Some(1));
        world.deliver_all();
        world.connect(2, "r", Some(1));
        let [there, other] = [loser, 1 - loser].map(|node| last_said(&world, node));
        assert!(there > other, "server {loser}: {there:?}, {other:?}");
        world.deliver_all();
        world.check();
    }
}

#[test]
fn a_server_does_not_listen_to_itself() {
    let mut world = World::new(1, 0);
    let watcher = world.connect(0, "", Some(1));
    events(&mut world, watcher);
    let joined = serde_json::json!({"server": "s1", "at": [1, 0], "say": {"members": {
        "first": true, "last": true, "list": [],
    }}});
    for echo in [r#"{"server":"s1","say":"alive"}"#, &joined.to_string()] {
        let now = world.now;
        world.nodes[0].exchange.heard(now, echo.as_bytes());
        world.settle(0);
    }
    assert_eq!(world.nodes[0].exchange.servers(), 0);
    assert_eq!(world.clients[watcher].closed, None);
    let late = world.connect(0, "", Some(2));
    assert_eq!(world.clients[late].welcome, [id_of(1).to_string()]);
}

#[test]
fn seats_that_nobody_can_have_are_given_up_without_harm() {
    let mut world = World::new(2, 0);
    let member = |who: u8| {
        let info = serde_json::json!({"id": id_of(who).as_str(), "name": null, "role": null, "app": null, "origin": null});
        serde_json::json!({"claim": 1, "seat": u64::MAX, "room": "r", "info": info})
    };
    let said = serde_json::json!({"server": "evil", "at": [1, 0], "say": {"members": {
        "first": true, "last": true, "list": [member(1), member(2), member(3)],
    }}});
    let now = world.now;
    world.nodes[0]
        .exchange
        .heard(now, said.to_string().as_bytes());
    world.settle(0);
    // Each takes over the seat that it is said to have.
    for who in [1, 2, 3] {
        world.connect(0, "r", Some(who));
    }
    world.deliver_all();
    let late = world.connect(1, "r", Some(4));
    world.deliver_all();
    assert_eq!(world.clients[late].present.len(), 3);
    world.check();
}
