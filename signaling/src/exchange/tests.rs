#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::time::Duration;

use crate::verdict::Cause;

pub(crate) mod broker;
mod client;
#[cfg(test)]
mod random;
#[cfg(test)]
mod repair;
mod world;

use world::{World, id_of};

fn events(world: &mut World, client: usize) -> Vec<String> {
    std::mem::take(&mut world.clients[client].events)
}

#[test]
fn members_of_all_servers_are_one_room() {
    let mut world = World::new(3, 0);
    let a = world.connect(0, "r", Some(1));
    world.deliver_all();
    let page = world.connect(1, "r", None);
    world.deliver_all();
    let c = world.connect(2, "r", Some(3));
    world.deliver_all();
    world.check();
    assert_eq!(events(&mut world, a), ["welcome", "joined", "joined"]);
    assert_eq!(events(&mut world, c), ["welcome"], "who was there is in it");
    let exact = r#" {"event":"offer" , "from":"forged"} "#;
    world.says(c, exact);
    world.says(page, "no json");
    world.says(page, r#"{"event":"answer"}"#);
    world.deliver_all();
    assert_eq!(world.clients[page].heard, [exact]);
    let from = |who: &str, event: &str| format!(r#"{{"from":"{who}","event":"{event}"}}"#);
    let page_id = world.clients[page].id.to_string();
    assert_eq!(
        world.clients[a].heard,
        [from(id_of(3).as_str(), "offer"), from(&page_id, "answer")]
    );
    world.leaves(c);
    world.deliver_all();
    assert_eq!(events(&mut world, a), ["offer", "answer", "left"]);
    assert_eq!(world.lost.values().sum::<u64>(), 0);
}

#[test]
fn the_oldest_comes_first_wherever_it_is() {
    let mut world = World::new(2, 0);
    for (node, who) in [(1, 5), (0, 2), (1, 4), (0, 1)] {
        world.connect(node, "r", Some(who));
        world.pass(Duration::from_millis(1));
    }
    let last = world.connect(0, "r", Some(9));
    let order = [5, 2, 4, 1].map(|who| id_of(who).to_string());
    assert_eq!(world.clients[last].welcome, order);
}

#[test]
fn one_member_elsewhere_can_be_named() {
    let mut world = World::new(2, 0);
    let (a, b) = (
        world.connect(0, "r", Some(1)),
        world.connect(1, "r", Some(2)),
    );
    let page = world.connect(1, "r", None);
    let far = world.connect(1, "other", Some(4));
    world.deliver_all();
    let to = |id: &str| format!(r#"{{"event":"offer","to":"{id}"}}"#);
    let page_id = world.clients[page].id.to_string();
    world.says(a, &to(id_of(2).as_str()));
    world.says(a, &to(&page_id));
    world.says(a, &to(id_of(4).as_str()));
    world.deliver_all();
    let heard = format!(
        r#"{{"from":"{}","event":"offer","to":"{}"}}"#,
        id_of(1),
        id_of(2)
    );
    assert_eq!(world.clients[b].heard, [heard]);
    assert_eq!(world.clients[page].heard, [to(&page_id)]);
    assert!(world.clients[far].heard.is_empty());
    assert!(
        world.clients[a].heard[0].contains("no-such-peer"),
        "another room"
    );
    // It leaves while the frame is on its way.
    world.leaves(b);
    world.says(a, &to(id_of(2).as_str()));
    world.deliver_all();
    assert_eq!(world.clients[a].heard.len(), 2);
    assert!(world.clients[a].heard[1].contains(id_of(2).as_str()));
}

#[test]
fn the_same_secret_takes_over_from_another_server() {
    let mut world = World::new(3, 2);
    let (a, b) = (
        world.connect(0, "r", Some(1)),
        world.connect(1, "r", Some(2)),
    );
    let elsewhere = world.connect(2, "s", Some(3));
    world.deliver_all();
    let _ = [a, b, elsewhere].map(|c| events(&mut world, c));
    let again = world.connect(2, "r", Some(1));
    world.deliver_all();
    assert_eq!(
        world.clients[a].closed,
        Some(Cause::Replaced),
        "even in a full room"
    );
    assert_eq!(events(&mut world, b), ["joined"], "and no left");
    assert_eq!(events(&mut world, again), ["welcome"]);
    world.check();
    let moved = world.connect(0, "s", Some(1));
    world.deliver_all();
    assert_eq!(world.clients[again].closed, Some(Cause::Replaced));
    assert_eq!(events(&mut world, b), ["left"], "to another room");
    assert_eq!(events(&mut world, elsewhere), ["joined"]);
    assert_eq!(events(&mut world, moved), ["welcome"]);
    world.check();
}

#[test]
fn two_at_once_are_one_in_the_end() {
    let mut world = World::new(3, 0);
    let watcher = world.connect(2, "r", Some(9));
    world.deliver_all();
    let (a, b) = (
        world.connect(0, "r", Some(1)),
        world.connect(1, "r", Some(1)),
    );
    world.deliver_all();
    let closed = [a, b].map(|c| world.clients[c].closed);
    assert_eq!(closed.iter().flatten().count(), 1, "{closed:?}");
    world.check();
    assert!(!events(&mut world, watcher).contains(&"left".to_owned()));
}

#[test]
fn a_full_room_is_full_at_every_server() {
    let mut world = World::new(2, 2);
    world.connect(0, "r", Some(1));
    let second = world.connect(1, "r", None);
    world.deliver_all();
    let third = world.connect(1, "r", Some(3));
    assert_eq!(world.clients[third].closed, Some(Cause::RoomFull));
    world.leaves(second);
    world.deliver_all();
    let third = world.connect(0, "r", Some(3));
    assert_eq!(world.clients[third].closed, None);
}

#[test]
fn a_server_that_dies_is_missed_in_time_and_one_that_stops_at_once() {
    let mut world = World::new(3, 0);
    let watcher = world.connect(0, "r", Some(1));
    world.connect(1, "r", Some(2));
    world.connect(2, "r", Some(3));
    world.pass(Duration::from_secs(3));
    events(&mut world, watcher);
    let now = world.now;
    world.nodes[2].exchange.stop(now);
    world.settle(2);
    world.restart(2);
    world.deliver_all();
    assert_eq!(events(&mut world, watcher), ["left"], "said");
    world.restart(1);
    world.pass(Duration::from_millis(5500));
    assert_eq!(
        events(&mut world, watcher),
        Vec::<String>::new(),
        "may come back"
    );
    world.pass(Duration::from_millis(3500));
    assert_eq!(events(&mut world, watcher), ["left"], "within 9 s");
    world.check();
}

#[test]
fn a_broker_that_was_away_is_noticed_only_by_what_has_changed() {
    let mut world = World::new(2, 0);
    let (a, b) = (
        world.connect(0, "r", Some(1)),
        world.connect(1, "r", Some(2)),
    );
    world.pass(Duration::from_secs(1));
    let _ = [a, b].map(|c| events(&mut world, c));
    let cut = |world: &mut World, cut| (0..2).for_each(|node| world.cut(node, cut));
    cut(&mut world, true);
    world.says(a, r#"{"event":"x"}"#);
    world.pass(Duration::from_secs(4));
    cut(&mut world, false);
    world.deliver_all();
    assert_eq!(
        events(&mut world, b),
        Vec::<String>::new(),
        "nobody has left"
    );
    assert!(world.lost["missing"] > 0);
    world.says(a, r#"{"event":"y"}"#);
    world.deliver_all();
    assert_eq!(events(&mut world, b), ["y"]);
    cut(&mut world, true);
    let c = world.connect(0, "r", Some(3));
    world.says(a, r#"{"event":"z"}"#);
    assert_eq!(events(&mut world, c), ["welcome", "z"], "here all goes on");
    world.pass(Duration::from_secs(9));
    assert_eq!(events(&mut world, b), ["left"]);
    cut(&mut world, false);
    world.pass(Duration::from_secs(2));
    assert_eq!(events(&mut world, b), ["joined", "joined"]);
    assert_eq!(events(&mut world, a), ["joined", "left", "joined"]);
    world.check();
}

#[test]
fn many_members_are_told_in_many_messages() {
    let mut world = World::new(2, 0);
    for _ in 0..200 {
        world.connect(0, "r", None);
    }
    world.restart(1);
    world.pass(Duration::from_secs(3));
    let late = world.connect(1, "r", Some(1));
    assert_eq!(world.clients[late].present.len(), 200);
    world.check();
}
