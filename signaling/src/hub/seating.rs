//! Coming and going: seats, capacity, and what the members are told of it.

use shared::limits::MAX_FRAME;
use shared::{CloseCode, PeerInfo, Room, ServerEvent, Welcome};

use super::{ConnId, Hub, Member, Output, Seat};
use crate::elsewhere::{Home, Member as Seated};
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
        let old_seat = old_seat.or_else(|| self.elsewhere.seat(room.as_ref(), &info.id));
        if let Some(full) = self.no_space(room.as_ref()).filter(|_| old_seat.is_none()) {
            return self.close(conn, CloseCode::RoomFull, full);
        }
        if let Some(old) = old {
            // From another room the peer has truly left; in its own it only changes sockets, so nobody hears `left`.
            if let Some(ours) = self.unseat(old) {
                self.tell_left(ours.room.as_ref(), &info.id, room.as_ref());
            }
            self.close(
                old,
                CloseCode::Replaced,
                CloseCode::Replaced.name().to_owned(),
            );
        }
        if let Some(before) = self.elsewhere.remove(&info.id) {
            // The other server closes that socket when it hears of this one.
            self.tell_left(before.room.as_ref(), &info.id, room.as_ref());
        }
        let seat = self.seat(room.as_ref(), old_seat);
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
        if self.calendar.is_some() {
            self.outputs.push_back(Output::Home(Home::Joined(Seated {
                room: room.clone(),
                seat,
                info: info.clone(),
            })));
        }
        self.tell_peers(room.as_ref(), Some(conn), &ServerEvent::Joined(info));
    }

    /// Takes a member's seat away and tells the others; a stranger is no news.
    pub(super) fn leave(&mut self, conn: ConnId) {
        if let Some(member) = self.unseat(conn) {
            if self.calendar.is_some() {
                let id = member.info.id.clone();
                self.outputs.push_back(Output::Home(Home::Left(id)));
            }
            let left = ServerEvent::Left { id: member.info.id };
            self.tell_peers(member.room.as_ref(), None, &left);
        }
    }

    pub(super) fn unseat(&mut self, conn: ConnId) -> Option<Member> {
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

    /// The old one, or the next.
    fn seat(&mut self, room: Option<&Room>, old: Option<Seat>) -> Seat {
        let mut seat = old.unwrap_or_else(|| {
            self.seats += 1;
            self.seats
        });
        // One that comes from another server may happen to be taken here.
        let taken = self.rooms.get(&room.cloned());
        while taken.is_some_and(|seating| seating.contains_key(&seat)) {
            seat += 1;
        }
        seat
    }

    /// Why nobody new can join this room, if so.
    fn no_space(&self, room: Option<&Room>) -> Option<String> {
        let here = self.rooms.get(&room.cloned());
        let members = here.map_or(0, |seating| seating.len()) + self.elsewhere.count(room);
        match here {
            _ if members >= self.max_room => {
                let name = room.map_or("the global room", Room::as_str);
                Some(format!("{name} is full ({members} members)"))
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
        let seated = self.rooms.get(&room).into_iter().flat_map(|s| s.iter());
        let here = seated.filter_map(|(seat, (c, _))| Some((*seat, &self.members.get(c)?.info)));
        let mut all: Vec<_> = here.chain(self.elsewhere.seated(room.as_ref())).collect();
        all.sort_by_key(|(seat, _)| *seat);
        let others = all.into_iter().map(|(_, info)| info);
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
    pub(super) fn tell_peers(
        &mut self,
        room: Option<&Room>,
        except: Option<ConnId>,
        event: &ServerEvent,
    ) {
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
