//! Several servers and the network between them, in one place and without time.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use shared::{PeerId, Room};

use super::super::*;
use super::client::Client;
use crate::grant::Grant;
use crate::hub::{ConnId, Kind};
use crate::identity;
use crate::limits::Limits;
use crate::verdict::Cause;

/// One server, and what is on its way to it from each other.
pub(super) struct Node {
    pub(super) exchange: Exchange,
    name: ServerId,
    /// By the server that said it, with a number that goes up with every message of all.
    pub(super) inbox: BTreeMap<ServerId, VecDeque<(u64, Bytes)>>,
    /// Nothing goes out of it, and nothing comes.
    pub(super) cut: bool,
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) nodes: Vec<Node>,
    pub(super) clients: Vec<Client>,
    pub(super) lost: HashMap<&'static str, u64>,
    max_room: usize,
    started: u64,
    conns: u64,
    said: u64,
}

const MICROS: u64 = 1_000_000_000_000;

pub(super) fn secret(who: u8) -> String {
    format!("secret-of-{who:08}")
}

pub(super) fn id_of(who: u8) -> PeerId {
    identity::of_secret(&secret(who)).unwrap()
}

pub(super) fn room(name: &str) -> Option<Room> {
    (!name.is_empty()).then(|| Room::new(name).unwrap())
}

impl World {
    pub(super) fn new(servers: usize, max_room: usize) -> Self {
        let mut world = Self {
            now: Instant::now(),
            nodes: Vec::new(),
            clients: Vec::new(),
            lost: HashMap::new(),
            max_room,
            started: 0,
            conns: 0,
            said: 0,
        };
        for _ in 0..servers {
            let node = world.fresh();
            world.nodes.push(node);
        }
        world.pass(Duration::ZERO);
        world
    }

    fn fresh(&mut self) -> Node {
        self.started += 1;
        let name = ServerId::new(&format!("s{}", self.started)).unwrap();
        let limits = Limits {
            max_room: self.max_room,
            ..Limits::default()
        };
        let hub = Hub::new(&limits, Duration::from_secs(5));
        Node {
            exchange: Exchange::among_others(hub, name.clone(), self.now, MICROS + self.started),
            name,
            inbox: BTreeMap::new(),
            cut: false,
        }
    }

    /// Kill -9, and another process in its place.
    pub(super) fn restart(&mut self, node: usize) {
        for client in self.clients.iter_mut().filter(|c| c.node == node) {
            client.closed = client.closed.or(Some(Cause::GoingAway));
        }
        self.nodes[node] = self.fresh();
    }

    pub(super) fn connect(&mut self, node: usize, name: &str, who: Option<u8>) -> usize {
        self.conns += 1;
        let conn = ConnId(self.conns);
        let number = || identity::of_number(&[9; 32], conn.0).unwrap();
        let (id, kind) = match who {
            Some(who) => (id_of(who), Kind::Peer),
            None => (number(), Kind::Tutorial(number())),
        };
        let peer_v1 = who.is_some();
        let client = Client::new((node, conn), room(name), id, peer_v1);
        self.clients.push(client);
        let grant = Grant {
            room: room(name),
            ..Grant::default()
        };
        self.input(
            node,
            Input::Connected {
                conn,
                grant,
                origin: None,
                kind,
            },
        );
        if let Some(who) = who {
            let hello = format!(
                r#"{{"event":"hello","data":{{"version":1,"name":null,"role":"answer","app":"call","secret":"{}"}}}}"#,
                secret(who)
            );
            self.input(
                node,
                Input::Frame {
                    conn,
                    text: hello.as_str().into(),
                },
            );
        }
        self.clients.len() - 1
    }

    pub(super) fn says(&mut self, client: usize, text: &str) {
        let Client { node, conn, .. } = self.clients[client];
        self.input(
            node,
            Input::Frame {
                conn,
                text: text.into(),
            },
        );
    }

    pub(super) fn leaves(&mut self, client: usize) {
        let Client {
            node, conn, closed, ..
        } = self.clients[client];
        if closed.is_none() {
            self.clients[client].closed = Some(Cause::GoingAway);
            self.input(node, Input::Gone { conn });
        }
    }

    fn input(&mut self, node: usize, input: Input) {
        self.nodes[node].exchange.handle(self.now, input);
        self.settle(node);
    }

    /// What a server wants done, is done.
    pub(super) fn settle(&mut self, node: usize) {
        while let Some(output) = self.nodes[node].exchange.poll_output() {
            match output {
                Output::Send { conn, text } => self.hears(conn, text.as_str()),
                Output::WithIceServers { conn, event, .. } => self.hears(conn, &event.to_text()),
                Output::Close { conn, verdict } => self.client(conn).closed = Some(verdict.cause),
                Output::Called(_) | Output::Home(_) => {}
            }
        }
        while let Some(abroad) = self.nodes[node].exchange.poll_abroad() {
            match abroad {
                Abroad::Publish { to, payload } => self.publish(node, to.as_ref(), &payload),
                Abroad::Lost { count, why } => {
                    let lost = self.lost.entry(why.name()).or_default();
                    // Numbers of a liar may be far apart.
                    *lost = lost.saturating_add(count);
                }
            }
        }
    }

    fn publish(&mut self, from: usize, to: Option<&ServerId>, payload: &Bytes) {
        if self.nodes[from].cut {
            return;
        }
        let sender = self.nodes[from].name.clone();
        for node in &mut self.nodes {
            if node.name != sender && !node.cut && to.is_none_or(|to| *to == node.name) {
                let queue = node.inbox.entry(sender.clone()).or_default();
                self.said += 1;
                queue.push_back((self.said, payload.clone()));
            }
        }
    }

    /// Delivers the next message from the pick-th other server that has one on its way.
    pub(super) fn deliver(&mut self, node: usize, pick: usize) -> bool {
        let inbox = &mut self.nodes[node].inbox;
        inbox.retain(|_, queue| !queue.is_empty());
        let count = inbox.len().max(1);
        let Some((_, payload)) = inbox
            .values_mut()
            .nth(pick % count)
            .and_then(VecDeque::pop_front)
        else {
            return false;
        };
        let now = self.now;
        self.nodes[node].exchange.heard(now, &payload);
        self.settle(node);
        true
    }

    pub(super) fn deliver_all(&mut self) {
        // In the order in which it was said, as one broker does.
        let first = |world: &Self| {
            let each = world.nodes.iter().enumerate().flat_map(|(node, of)| {
                let fronts = of.inbox.values().filter(|queue| !queue.is_empty());
                fronts
                    .enumerate()
                    .filter_map(move |(pick, queue)| Some((queue.front()?.0, node, pick)))
            });
            each.min()
        };
        while let Some((_, node, pick)) = first(self) {
            self.deliver(node, pick);
        }
    }

    /// Time passes at all servers, and everything arrives.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            self.now = (self.now + Duration::from_millis(250)).min(until);
            self.tick();
            self.deliver_all();
            if self.now == until {
                return;
            }
        }
    }

    pub(super) fn tick(&mut self) {
        for node in 0..self.nodes.len() {
            let now = self.now;
            self.nodes[node].exchange.tick(now);
            self.settle(node);
        }
    }

    pub(super) fn cut(&mut self, node: usize, cut: bool) {
        self.nodes[node].cut = cut;
        if cut {
            self.nodes[node].inbox.clear();
        } else {
            let now = self.now;
            self.nodes[node].exchange.broker_is_back(now);
            self.settle(node);
        }
    }

    fn client(&mut self, conn: ConnId) -> &mut Client {
        self.clients.iter_mut().find(|c| c.conn == conn).unwrap()
    }

    fn hears(&mut self, conn: ConnId, text: &str) {
        self.client(conn).hears(text);
    }

    /// Once all is healed and quiet, everybody knows of everybody in its room, and of nobody else.
    pub(super) fn check(&self) {
        let open = || self.clients.iter().filter(|c| c.closed.is_none());
        let mut ids = BTreeSet::new();
        for client in open() {
            assert!(ids.insert(&client.id), "{} is there twice", client.id);
        }
        for client in open().filter(|c| c.peer_v1) {
            let others = open().filter(|c| c.room == client.room && c.id != client.id);
            let truth: BTreeSet<_> = others.map(|c| c.id.to_string()).collect();
            assert_eq!(
                client.present, truth,
                "{} at server {}",
                client.id, client.node
            );
        }
    }
}
