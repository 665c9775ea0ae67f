//! Whoever may write to the broker says whatever it likes: run by `trial`.

use serde_json::{Value, json};

use super::world::{World, id_of};
use super::*;

/// What servers call themselves there: the first is the one that listens.
const NAMES: [&str; 4] = ["s1", "evil", "worse", "good"];

/// Bytes as decisions; the story ends with them.
struct Tape<'a>(&'a [u8]);

impl Tape<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn below(&mut self, bound: u8) -> Option<u8> {
        Some(self.next()? % bound)
    }

    /// Small ones meet each other, large ones the ends.
    fn number(&mut self) -> Option<u64> {
        Some(match self.next()? {
            255 => u64::MAX,
            254 => u64::MAX - 1,
            253 => 1 << 53,
            small => u64::from(small % 8),
        })
    }

    fn up_to(&mut self, count: u8) -> &[u8] {
        let (taken, rest) = self.0.split_at(usize::from(count).min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn who(&mut self) -> Option<u8> {
        self.below(5)
    }

    fn room(&mut self) -> Option<&'static str> {
        Some(["", "r", "s"][usize::from(self.below(3)?)])
    }
}

struct Scene<'a> {
    world: World,
    tape: Tape<'a>,
    /// Session and number of what each has said last.
    at: [(u64, u64); NAMES.len()],
}

impl Scene<'_> {
    fn step(&mut self) -> Option<()> {
        match self.tape.below(16)? {
            0 => {
                let length = self.tape.next()?;
                let payload = self.tape.up_to(length).to_vec();
                self.hears(&payload);
            }
            1..=9 => {
                let payload = self.packet()?;
                self.hears(&payload);
            }
            10 | 11 => {
                let (room, who) = (self.tape.room()?, self.tape.below(6)?);
                self.world.connect(0, room, (who < 5).then_some(who));
            }
            12 => {
                if let Some(client) = self.client()? {
                    self.world.leaves(client);
                }
            }
            13 => {
                let (client, to) = (self.client()?, self.tape.who()?);
                let direct = format!(r#"{{"event":"x","to":"{}"}}"#, id_of(to));
                for text in [r#"{"event":"x"}"#, &direct] {
                    client.into_iter().for_each(|c| self.world.says(c, text));
                }
            }
            14 => {
                let steps = self.tape.next()?;
                self.world.now += Duration::from_millis(40) * u32::from(steps);
                self.world.tick();
            }
            _ => self.world.cut(0, false),
        }
        Some(())
    }

    fn hears(&mut self, payload: &[u8]) {
        let now = self.world.now;
        self.world.nodes[0].exchange.heard(now, payload);
        self.world.settle(0);
    }

    /// Somebody who is connected, if anybody is.
    fn client(&mut self) -> Option<Option<usize>> {
        let pick = usize::from(self.tape.next()?);
        let clients = self.world.clients.iter().enumerate();
        let open: Vec<_> = clients.filter(|(_, c)| c.closed.is_none()).collect();
        Some(open.get(pick % open.len().max(1)).map(|(n, _)| *n))
    }

    /// What a server may say, and what only a liar would: now and then with a byte that is another.
    fn packet(&mut self) -> Option<Vec<u8>> {
        let server = usize::from(self.tape.below(4)?);
        let (say, begins) = self.say()?;
        let mut packet = json!({"server": NAMES[server], "say": say});
        if say != "alive" && say.get("again").is_none() {
            packet["at"] = json!(self.number(server, begins)?);
        }
        let mut bytes = packet.to_string().into_bytes();
        if say.get("letter").is_some() {
            bytes.extend(
                br#"
{"event":"x"}"#,
            );
        }
        let (change, byte) = (usize::from(self.tape.next()?), self.tape.next()?);
        if let Some(changed) = bytes.get_mut(change).filter(|_| byte > 200) {
            *changed = byte;
        }
        Some(bytes)
    }

    /// Mostly the one that is due.
    fn number(&mut self, server: usize, begins: bool) -> Option<(u64, u64)> {
        let (session, seq) = self.at[server];
        let at = match self.tape.below(8)? {
            0 => (self.tape.number()?, self.tape.number()?),
            1 => (session, seq.saturating_add(3)),
            _ => (session.saturating_add(begins.into()), seq.saturating_add(1)),
        };
        self.at[server] = at;
        Some(at)
    }

    /// Also whether a list begins with it.
    fn say(&mut self) -> Option<(Value, bool)> {
        let id = |who: u8| id_of(who).to_string();
        let tape = &mut self.tape;
        Some(match tape.below(16)? {
            0 => (json!("alive"), false),
            1 => (json!({"again": tape.number()?}), false),
            2..=5 => {
                let (shape, count) = (tape.next()?, tape.below(4)?);
                let list: Option<Vec<Value>> = (0..count).map(|_| somebody(tape)).collect();
                let (first, last) = (shape % 4 > 0, shape % 8 > 1);
                let members = json!({"first": first, "last": last, "list": list?});
                (json!({"members": members}), first)
            }
            6..=8 => (json!({"joined": somebody(tape)?}), false),
            9 => (json!({"left": id(tape.who()?)}), false),
            10..=12 => {
                let (room, from, to) = (tape.room()?, tape.who()?, tape.below(6)?);
                let room = Some(room).filter(|room| !room.is_empty());
                let to = Some(to).filter(|to| *to < 5).map(id);
                let letter = json!({"room": room, "from": id(from), "to": to});
                (json!({"letter": letter}), false)
            }
            13 => {
                let absent = json!({"from": id(tape.who()?), "to": id(tape.who()?)});
                (json!({"absent": absent}), false)
            }
            14 => (json!("beat"), false),
            _ => (json!("gone"), false),
        })
    }
}

fn somebody(tape: &mut Tape<'_>) -> Option<Value> {
    let (who, room) = (tape.who()?, tape.room()?);
    let info = json!({"id": id_of(who).as_str(), "name": null, "role": "call", "app": "call", "origin": null});
    let room = Some(room).filter(|room| !room.is_empty());
    Some(json!({"claim": tape.number()?, "seat": tape.number()?, "room": room, "info": info}))
}

/// Clients hear a story that makes sense all the time (see [`super::client`]), and of what was said nothing is left once those who
/// said it have been silent.
pub(crate) fn story(bytes: &[u8]) {
    let mut scene = Scene {
        world: World::new(1, 0),
        tape: Tape(bytes),
        at: [(0, 0); NAMES.len()],
    };
    while scene.step().is_some() {}
    let Scene { mut world, .. } = scene;
    world.pass(Duration::from_secs(9));
    world.check();
    let exchange = &world.nodes[0].exchange;
    let open = world.clients.iter().filter(|c| c.closed.is_none());
    let left = (exchange.servers(), exchange.claims());
    assert_eq!(left, (0, open.count()), "other servers, and claims to ids");
}
