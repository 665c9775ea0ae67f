//! Coming and going: seats, capacity, and what the members are told of it.

use shared::limits::MAX_FRAME;
use shared::{CloseCode, PeerInfo, Room, ServerEvent, Welcome};

use super::{ConnId, Hub, Member, Output, Seat};
use crate::text::Text;

/// Bytes that a `welcome` leaves for everything but its list of peers: id, room and ICE servers (`--turn-url` is bounded).
const WELCOME_FRAME: usize = 8 * 1024;

impl Hub {
    /// Gives the client a seat and tells everybody, or closes it if there is none.
    pub(super) fn join(&mut self, conn: ConnId, room: Option<Room>, info: PeerInfo, peer_v1: bool) {
        let old = self.ids.get(&info.id).copied();
        let old_seat = old
            .and_then(|c| self.members.get(&c))
            .filter(|m| m.room == room);
        let old_seat = old_seat.map(|m| m.seat);
        if let Some(full) = self.no_space(room.as_ref()).filter(|_| old_seat.is_none()) {
            return self.close(conn, CloseCode::RoomFull, full);
        }
        if let Some(old) = old {
            // From another room the peer has truly left; in its own it only changes sockets, so nobody hears `left`.
            match old_seat {
                Some(_) => drop(self.unseat(old)),
                None => self.leave(old),
            }
            self.close(
                old,
                CloseCode::Replaced,
                CloseCode::Replaced.name().to_owned(),
            );
        }
        let seat = old_seat.unwrap_or_else(|| self.next_seat());
        self.ids.insert(info.id.clone(), conn);
        self.rooms
            .entry(room.clone())
            .or_default()
            .insert(seat, (conn, peer_v1));
        let member = Member {
            room: room.clone(),
            seat,
            peer_v1,
            info: info.clone(),
        };
        self.members.insert(conn, member);
        if peer_v1 {
            self.welcome(conn, room.clone(), &info);
        }
        self.tell_peers(room.as_ref(), Some(conn), &ServerEvent::Joined(info));
    }

    /// Takes a member's seat away and tells the others; a stranger is no news.
    pub(super) fn leave(&mut self, conn: ConnId) {
        if let Some(member) = self.unseat(conn) {
            let left = ServerEvent::Left { id: member.info.id };
            self.tell_peers(member.room.as_ref(), None, &left);
        }
    }

    fn unseat(&mut self, conn: ConnId) -> Option<Member> {
        let member = self.members.remove(&conn)?;
        self.ids.remove(&member.info.id);
        if let Some(seating) = self.rooms.get_mut(&member.room) {
            seating.remove(&member.seat);
            if seating.is_empty() {
                self.rooms.remove(&member.room);
            }
        }
        Some(member)
    }

    fn next_seat(&mut self) -> Seat {
        self.seats += 1;
        self.seats
    }

    /// Why nobody new can join this room, if so.
    fn no_space(&self, room: Option<&Room>) -> Option<String> {
        match self.rooms.get(&room.cloned()) {
            Some(seating) if seating.len() >= self.max_room => {
                let name = room.map_or("the global room", Room::as_str);
                Some(format!("{name} is full ({} members)", seating.len()))
            }
            None if self.rooms.len() >= self.max_rooms => Some(format!(
                "all {} rooms of this server are taken",
                self.rooms.len()
            )),
            _ => None,
        }
    }

    /// The room as it is, oldest first. What would make the frame larger than a client must accept follows as `joined`.
    fn welcome(&mut self, conn: ConnId, room: Option<Room>, me: &PeerInfo) {
        let seated = self.rooms.get(&room).into_iter().flat_map(|s| s.values());
        let others = seated
            .filter_map(|(c, _)| self.members.get(c))
            .map(|m| &m.info);
        let others: Vec<_> = others.filter(|p| p.id != me.id).cloned().collect();
        let mut size = WELCOME_FRAME;
        let fits = |peer: &&PeerInfo| {
            size += ServerEvent::Joined((*peer).clone()).to_text().len();
            size <= MAX_FRAME
        };
        let fitting = others.iter().take_while(fits).count();
        let (named, rest) = others.split_at(fitting);
        let welcome = Welcome {
            id: me.id.clone(),
            room,
            peers: named.to_vec(),
            ice_servers: Vec::new(),
        };
        let (id, event) = (me.id.clone(), ServerEvent::Welcome(welcome));
        self.outputs
            .push_back(Output::WithIceServers { conn, id, event });
        for peer in rest {
            self.tell(conn, &ServerEvent::Joined(peer.clone()));
        }
    }

    /// Presence goes to those who understand it.
    fn tell_peers(&mut self, room: Option<&Room>, except: Option<ConnId>, event: &ServerEvent) {
        let text = Text::from(event.to_text());
        for (conn, peer_v1) in self.seated(room) {
            if peer_v1 && Some(conn) != except {
                self.send(conn, text.clone());
            }
        }
    }

    /// Everybody in the room by seat, and whether each speaks `peer.v1`.
    pub(super) fn seated(&self, room: Option<&Room>) -> Vec<(ConnId, bool)> {
        let seating = self.rooms.get(&room.cloned());
        seating
            .map(|s| s.values().copied().collect())
            .unwrap_or_default()
    }
}
