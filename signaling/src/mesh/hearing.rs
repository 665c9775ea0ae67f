//! What another server says, and what it means for who is a member where.

use std::time::Instant;

use shared::PeerId;

use super::link::{Fit, Incoming, Outgoing};
use super::packet::{Body, Claimed, Item, Packet};
use super::roster::Change;
use super::{Loss, Mesh, Other, Output, PATIENCE};
use crate::elsewhere::{Foreign, ServerId};

impl Mesh {
    /// Whatever has come through the broker.
    pub(crate) fn heard(&mut self, now: Instant, payload: &[u8]) {
        let Some(Packet { server, body }) = Packet::decode(payload) else {
            return self.lost(1, Loss::Malformed);
        };
        if server == self.me {
            return;
        }
        self.meet(now, &server);
        match body {
            Body::Alive => {}
            Body::Again { session } => self.asked(now, &server, session),
            Body::Link { session, seq, item } => self.item(now, &server, (session, seq), item),
        }
    }

    /// Whoever is heard for the first time is told who is here.
    fn meet(&mut self, now: Instant, server: &ServerId) {
        if self.others.contains_key(server) {
            return;
        }
        let other = Other {
            heard: now,
            outgoing: Outgoing {
                session: 0,
                seq: 0,
                begun: now,
            },
            incoming: Incoming::default(),
            // It does the same when it hears of us.
            asked: Some(now),
        };
        self.others.insert(server.clone(), other);
        self.list(now, server);
    }

    /// It wants to know who is here. The list may be on its way already.
    fn asked(&mut self, now: Instant, server: &ServerId, session: u64) {
        let Some(other) = self.others.get_mut(server) else {
            return;
        };
        other.heard = now;
        let Outgoing {
            session: ours,
            begun,
            ..
        } = other.outgoing;
        if ours <= session || now >= begun + PATIENCE {
            self.list(now, server);
        }
    }

    fn item(&mut self, now: Instant, server: &ServerId, (session, seq): (u64, u64), item: Item) {
        let Some(other) = self.others.get_mut(server) else {
            return;
        };
        other.heard = now;
        let begins = matches!(item, Item::Members { first: true, .. });
        let (fit, lost) = other.incoming.check(session, seq, begins);
        if lost > 0 {
            self.lost(lost, Loss::Missing);
        }
        match (fit, item) {
            (Fit::Repeated, _) | (_, Item::Beat) => {}
            (_, Item::Letter(letter)) => {
                let server = server.clone();
                self.tell(Foreign::Letter { server, letter });
            }
            (_, Item::Absent(absence)) => self.tell(Foreign::Absent(absence)),
            (_, Item::Gone) => return self.forget(server),
            // Of who is there the whole list must be heard.
            (Fit::Loose, _) => {}
            (Fit::InOrder, Item::Members { last, list, .. }) => self.listed(server, last, list),
            (Fit::InOrder, Item::Joined(claimed)) => {
                let id = claimed.member.info.id.clone();
                self.claim(server, &id, Some(claimed));
            }
            (Fit::InOrder, Item::Left(id)) => self.claim(server, &id, None),
        }
        if lost > 0 {
            self.ask(now, server);
        }
    }

    /// A part of the list of its members.
    fn listed(&mut self, server: &ServerId, last: bool, list: Vec<Claimed>) {
        for claimed in list {
            let id = claimed.member.info.id.clone();
            if let Some(other) = self.others.get_mut(server) {
                other.incoming.listed(&id);
            }
            self.claim(server, &id, Some(claimed));
        }
        let other = self.others.get_mut(server).filter(|_| last);
        let Some(listed) = other.and_then(|other| other.incoming.filled()) else {
            return;
        };
        for claimed in self.roster.of(server) {
            let id = &claimed.member.info.id;
            if !listed.contains(id) {
                self.claim(server, id, None);
            }
        }
    }

    /// It is silent, or has said that it stops.
    pub(super) fn forget(&mut self, server: &ServerId) {
        self.others.remove(server);
        for claimed in self.roster.of(server) {
            self.claim(server, &claimed.member.info.id, None);
        }
    }

    /// A claim comes, or goes; who is told depends on whose counts then.
    pub(super) fn claim(&mut self, server: &ServerId, id: &PeerId, claimed: Option<Claimed>) {
        let Some(Change { before, after }) = self.roster.set(server, id, claimed) else {
            return;
        };
        let was_ours = before.as_ref() == Some(&self.me);
        if was_ours && *server != self.me {
            // Ours gives way: that socket is closed, and the claim is no more.
            let me = self.me.clone();
            self.roster.set(&me, id, None);
            self.say_to_all(&Item::Left(id.clone()));
        }
        match after {
            // What happens here is known here.
            Some((server, _)) if server == self.me => {}
            None if was_ours => {}
            None => self.tell(Foreign::Vanished(id.clone())),
            Some((server, member)) => self.tell(Foreign::Appeared { server, member }),
        }
    }

    fn tell(&mut self, news: Foreign) {
        self.outputs.push_back(Output::Foreign(news));
    }

    fn lost(&mut self, count: u64, why: Loss) {
        self.outputs.push_back(Output::Lost { count, why });
    }
}
