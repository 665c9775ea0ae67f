//! Whatever the network does: once it is healed and quiet all servers and clients agree.

use proptest::prelude::*;

use super::world::{World, id_of};
use super::*;

#[derive(Debug, Clone)]
enum Step {
    Connect(usize, u8, Option<u8>),
    Leave(usize),
    Say(usize),
    Direct(usize, u8),
    Deliver(usize, usize),
    Lose(usize),
    Double(usize),
    Swap(usize),
    Cut(usize),
    Heal(usize),
    Restart(usize),
    Stop(usize),
    Wait(u16),
    Settle,
}

const SERVERS: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    let node = 0..SERVERS;
    prop_oneof![
        8 => (node.clone(), 0u8..2, proptest::option::weighted(0.85, 0u8..6))
            .prop_map(|(n, r, who)| Step::Connect(n, r, who)),
        4 => any::<usize>().prop_map(Step::Leave),
        4 => any::<usize>().prop_map(Step::Say),
        2 => (any::<usize>(), 0u8..6).prop_map(|(c, who)| Step::Direct(c, who)),
        10 => (node.clone(), 0usize..3).prop_map(|(n, pick)| Step::Deliver(n, pick)),
        2 => node.clone().prop_map(Step::Lose),
        1 => node.clone().prop_map(Step::Double),
        1 => node.clone().prop_map(Step::Swap),
        1 => node.clone().prop_map(Step::Cut),
        1 => node.clone().prop_map(Step::Heal),
        1 => node.clone().prop_map(Step::Restart),
        1 => node.prop_map(Step::Stop),
        3 => (0u16..6000).prop_map(Step::Wait),
        2 => Just(Step::Settle),
    ]
}

fn take(world: &mut World, step: Step) {
    let open: Vec<usize> = (0..world.clients.len())
        .filter(|n| world.clients[*n].closed.is_none())
        .collect();
    let pick = |n: usize| open.get(n % open.len().max(1)).copied();
    match step {
        Step::Connect(node, room, who) => {
            world.connect(node, if room == 0 { "" } else { "r" }, who);
        }
        Step::Leave(n) => pick(n).into_iter().for_each(|c| world.leaves(c)),
        Step::Say(n) => pick(n)
            .into_iter()
            .for_each(|c| world.says(c, r#"{"event":"x"}"#)),
        Step::Direct(n, who) => pick(n).into_iter().for_each(|c| {
            let frame = format!(r#"{{"event":"x","to":"{}"}}"#, id_of(who));
            world.says(c, &frame);
        }),
        Step::Deliver(node, pick) => drop(world.deliver(node, pick)),
        Step::Lose(node) => {
            let mut queues = world.nodes[node].inbox.values_mut();
            let _ = queues.find_map(VecDeque::pop_front);
        }
        Step::Double(node) => {
            for queue in world.nodes[node].inbox.values_mut() {
                let front = queue.front().cloned();
                queue.extend(front);
            }
        }
        Step::Swap(node) => {
            for queue in world.nodes[node].inbox.values_mut().filter(|q| q.len() > 1) {
                queue.swap(0, 1);
            }
        }
        Step::Cut(node) => world.cut(node, true),
        Step::Heal(node) => world.cut(node, false),
        Step::Restart(node) => world.restart(node),
        Step::Stop(node) => {
            let now = world.now;
            world.nodes[node].exchange.stop(now);
            world.settle(node);
            world.restart(node);
        }
        Step::Wait(ms) => {
            world.now += Duration::from_millis(ms.into());
            world.tick();
        }
        Step::Settle => world.pass(Duration::from_millis(500)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]
    #[test]
    fn healed_and_quiet_all_agree(steps in proptest::collection::vec(step(), 1..80)) {
        let mut world = World::new(SERVERS, 0);
        for step in steps {
            take(&mut world, step);
        }
        for node in 0..SERVERS {
            world.cut(node, false);
        }
        // Long enough to miss whoever is gone, and to have asked for everything that was lost.
        world.pass(Duration::from_secs(15));
        world.check();
        for node in &world.nodes {
            prop_assert_eq!(node.exchange.servers(), SERVERS - 1);
        }
    }
}
