//! Members of these rooms who are connected to other servers: who they are, and what is for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use shared::{PeerId, PeerInfo, Room, ServerEvent};

use super::{Hub, Output};
use crate::elsewhere::{Absence, Foreign, Home, Letter, Member, Seat, ServerId};
use crate::envelope::Envelope;
use crate::text::Text;
use crate::verdict::Cause;

/// Everybody in our rooms, or in others, who is not here.
#[derive(Default)]
pub(super) struct Elsewhere {
    members: HashMap<PeerId, (ServerId, Member)>,
    rooms: HashMap<Option<Room>, BTreeSet<(Seat, PeerId)>>,
    /// How many of a room each server has.
    servers: HashMap<Option<Room>, BTreeMap<ServerId, usize>>,
}

impl Elsewhere {
    /// One server or many, so many members of this room are not here.
    pub(super) fn count(&self, room: Option<&Room>) -> usize {
        self.rooms.get(&room.cloned()).map_or(0, BTreeSet::len)
    }

    /// The seat of one who is in this room.
    pub(super) fn seat(&self, room: Option<&Room>, id: &PeerId) -> Option<Seat> {
        let (_, member) = self.members.get(id)?;
        (member.room.as_ref() == room).then_some(member.seat)
    }

    /// In the order of joining.
    pub(super) fn seated(&self, room: Option<&Room>) -> Vec<(Seat, &PeerInfo)> {
        let ids = self.rooms.get(&room.cloned()).into_iter().flatten();
        ids.filter_map(|(seat, id)| Some((*seat, &self.members.get(id)?.1.info)))
            .collect()
    }

    fn servers(&self, room: Option<&Room>) -> Vec<ServerId> {
        let servers = self.servers.get(&room.cloned()).into_iter();
        servers.flat_map(|s| s.keys().cloned()).collect()
    }

    fn insert(&mut self, server: ServerId, member: Member) {
        let (id, room) = (member.info.id.clone(), member.room.clone());
        let seats = self.rooms.entry(room.clone()).or_default();
        seats.insert((member.seat, id.clone()));
        let servers = self.servers.entry(room).or_default();
        *servers.entry(server.clone()).or_default() += 1;
        self.members.insert(id, (server, member));
    }

    pub(super) fn remove(&mut self, id: &PeerId) -> Option<Member> {
        let (server, member) = self.members.remove(id)?;
        if let Some(seats) = self.rooms.get_mut(&member.room) {
            seats.remove(&(member.seat, id.clone()));
            if seats.is_empty() {
                self.rooms.remove(&member.room);
            }
        }
        if let Some(servers) = self.servers.get_mut(&member.room) {
            if let Some(count) = servers.get_mut(&server) {
                *count -= 1;
                if *count == 0 {
                    servers.remove(&server);
                }
            }
            if servers.is_empty() {
                self.servers.remove(&member.room);
            }
        }
        Some(member)
    }
}

impl Hub {
    pub(super) fn foreign(&mut self, news: Foreign) {
        match news {
            Foreign::Appeared { server, member } => self.appeared(server, member),
            Foreign::Vanished(id) => self.vanished(&id),
            Foreign::Letter { server, letter } => self.letter(server, letter),
            Foreign::Absent(absence) => self.absent(&absence),
        }
    }

    /// Somebody is there: new, or with a newer claim to an id than whoever had it until now.
    fn appeared(&mut self, server: ServerId, member: Member) {
        let id = &member.info.id;
        let room = member.room.clone();
        if let Some(conn) = self.ids.get(id).copied() {
            // As between two sockets of one server: in the same room nobody hears `left`.
            if let Some(ours) = self.unseat(conn) {
                self.tell_left(ours.room.as_ref(), id, room.as_ref());
            }
            self.close(conn, Cause::Replaced.into());
        }
        if let Some(before) = self.elsewhere.remove(id) {
            self.tell_left(before.room.as_ref(), id, room.as_ref());
        }
        let joined = ServerEvent::Joined(member.info.clone());
        self.elsewhere.insert(server, member);
        self.tell_peers(room.as_ref(), None, &joined);
    }

    /// It is not there any more, nor anywhere else.
    fn vanished(&mut self, id: &PeerId) {
        if let Some(member) = self.elsewhere.remove(id) {
            let left = ServerEvent::Left { id: id.clone() };
            self.tell_peers(member.room.as_ref(), None, &left);
        }
    }

    /// Unless it only came back to the same room.
    pub(super) fn tell_left(&mut self, from: Option<&Room>, id: &PeerId, to: Option<&Room>) {
        if from != to {
            let left = ServerEvent::Left { id: id.clone() };
            self.tell_peers(from, None, &left);
        }
    }

    /// A frame from there, for one of ours or for all of them.
    fn letter(&mut self, server: ServerId, letter: Letter) {
        let Letter {
            room,
            from,
            to,
            text,
        } = letter;
        let is_member = |here: &Self| {
            let conn = here.ids.get(&from).and_then(|c| here.members.get(c));
            conn.is_some_and(|m| m.room == room)
                || here.elsewhere.seat(room.as_ref(), &from).is_some()
        };
        if !is_member(self) {
            // Nobody hears a frame from a peer before its `joined` or after its `left`.
            return self.outputs.push_back(Output::Home(Home::Stray));
        }
        let Some(to) = to else {
            // The sender may be here by now.
            let sender = self.ids.get(&from).copied();
            return self.broadcast_here(sender, room.as_ref(), &from, &text, None);
        };
        let target = self.ids.get(&to).copied();
        let target = target.and_then(|conn| Some((conn, self.members.get(&conn)?)));
        match target.filter(|(_, member)| member.room == room) {
            Some((conn, member)) if member.peer_v1 => {
                if let Some(envelope) = Envelope::parse(text.as_str()) {
                    self.send(conn, envelope.with_from(&from).into());
                }
            }
            Some((conn, _)) => self.send(conn, text),
            None => {
                let absence = Absence { from, to };
                let late = Home::Absent { server, absence };
                self.outputs.push_back(Output::Home(late));
            }
        }
    }

    /// The one whom a member of ours has written to had gone.
    fn absent(&mut self, absence: &Absence) {
        if let Some(conn) = self.ids.get(&absence.from).copied() {
            self.no_such_peer(conn, absence.to.as_str());
        }
    }

    /// To the servers of everybody else in the room.
    pub(super) fn broadcast_there(&mut self, room: Option<&Room>, from: &PeerId, text: &Text) {
        // Mostly there are no other servers.
        if self.elsewhere.members.is_empty() {
            return;
        }
        for server in self.elsewhere.servers(room) {
            let letter = Letter {
                room: room.cloned(),
                from: from.clone(),
                to: None,
                text: text.clone(),
            };
            self.outputs
                .push_back(Output::Home(Home::Letter { server, letter }));
        }
    }

    /// To one member elsewhere; `false` if there is none of this id in the room.
    pub(super) fn direct_there(
        &mut self,
        room: Option<&Room>,
        from: &PeerId,
        to: &str,
        text: &Text,
    ) -> bool {
        let there = PeerId::new(to).ok().and_then(|id| {
            let (server, member) = self.elsewhere.members.get(&id)?;
            (member.room.as_ref() == room).then(|| (server.clone(), id))
        });
        let Some((server, to)) = there else {
            return false;
        };
        let letter = Letter {
            room: room.cloned(),
            from: from.clone(),
            to: Some(to),
            text: text.clone(),
        };
        self.outputs
            .push_back(Output::Home(Home::Letter { server, letter }));
        true
    }
}
