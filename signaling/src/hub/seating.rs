//! Coming and going: seats, capacity, and what the members are told of it.

use std::time::Instant;

use shared::limits::MAX_FRAME;
use shared::{PeerId, PeerInfo, Room, ServerEvent, Welcome};

use super::{ConnId, Hub, Member, Output, Seat};
use crate::elsewhere::{Home, Member as Seated};
use crate::limits::{Bucket, FRAME_COST};
use crate::text::Text;
use crate::verdict::{Cause, Verdict};

/// Bytes that a `welcome` leaves for everything but its list of peers: id, room and ICE servers (`--turn-url` is bounded).
const WELCOME_FRAME: usize = 8 * 1024;

/// How much of a newcomer's queue the list of members may fill: the rest is for what comes while it reads.
const LIST_SHARE: usize = 2;

/// Members as a newcomer hears of them, each with its bytes as an event of its own.
type List = Vec<(PeerInfo, usize)>;

impl Hub {
    /// Gives the client a seat and tells everybody, or closes it if there is none.
    pub(super) fn join(
        &mut self,
        now: Instant,
        conn: ConnId,
        room: Option<Room>,
        info: PeerInfo,
        peer_v1: bool,
    ) {
        let old = self.ids.get(&info.id).copied();
        let old_seat = self.old_seat(old, room.as_ref(), &info.id);
        let others = if peer_v1 {
            self.others(room.as_ref(), &info.id)
        } else {
            List::new()
        };
        let full = self.no_space(room.as_ref(), old);
        let full = full.filter(|_| old_seat.is_none());
        if let Some(full) = full.or_else(|| self.no_list(room.as_ref(), &others)) {
            return self.close(conn, full);
        }
        if let Some(old) = old {
            // From another room the peer has truly left; in its own it only changes sockets, so nobody hears `left`.
            if let Some(ours) = self.unseat(old) {
                self.tell_left(ours.room.as_ref(), &info.id, room.as_ref());
            }
            self.close(old, Cause::Replaced.into());
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
            reach: Bucket::new(self.max_rate, now),
        };
        self.members.insert(conn, member);
        if peer_v1 {
            self.welcome(conn, room.clone(), &info, others);
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

    /// Of who comes back to its room, from wherever.
    fn old_seat(&self, old: Option<ConnId>, room: Option<&Room>, id: &PeerId) -> Option<Seat> {
        let here = old.and_then(|conn| self.members.get(&conn));
        let here = here.filter(|m| m.room.as_ref() == room).map(|m| m.seat);
        here.or_else(|| self.elsewhere.seat(room, id))
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

    /// Why nobody new can join this room, if so. Who comes from another one (`old`) may be the last to leave that.
    fn no_space(&self, room: Option<&Room>, old: Option<ConnId>) -> Option<Verdict> {
        let here = self.rooms.get(&room.cloned());
        let members = here.map_or(0, |seating| seating.len()) + self.elsewhere.count(room);
        match here {
            _ if members >= self.max_room => {
                let why = format!("{} is full ({members} members)", named(room));
                Some(Verdict::new(Cause::RoomFull, why))
            }
            None if self.rooms.len() - self.freed(old) >= self.max_rooms => {
                let why = format!("all {} rooms of this server are taken", self.rooms.len());
                Some(Verdict::new(Cause::TooManyRooms, why))
            }
            _ => None,
        }
    }

    /// Rooms that end when this one leaves.
    fn freed(&self, leaves: Option<ConnId>) -> usize {
        let member = leaves.and_then(|conn| self.members.get(&conn));
        let seating = member.and_then(|member| self.rooms.get(&member.room));
        usize::from(seating.is_some_and(|seating| seating.len() == 1))
    }

    /// Why nobody can be told who is in this room, if so: it would be closed as one that reads too slowly.
    fn no_list(&self, room: Option<&Room>, others: &List) -> Option<Verdict> {
        let bytes: usize = others.iter().map(|(_, bytes)| bytes + FRAME_COST).sum();
        (bytes > self.max_queue / LIST_SHARE).then(|| {
            let (name, members) = (named(room), others.len());
            let why = format!("{name} is full: a list of {members} members is too long to send");
            Verdict::new(Cause::RoomFull, why)
        })
    }

    /// The room as it is, oldest first, without the one who asks.
    fn others(&self, room: Option<&Room>, me: &PeerId) -> List {
        let seated = self.rooms.get(&room.cloned()).into_iter().flatten();
        let here = seated.filter_map(|(seat, (c, _))| Some((*seat, &self.members.get(c)?.info)));
        let mut all: Vec<_> = here.chain(self.elsewhere.seated(room)).collect();
        all.sort_by_key(|(seat, _)| *seat);
        let others = all.into_iter().map(|(_, info)| info);
        let others = others.filter(|info| info.id != *me);
        let listed = others.map(|info| {
            let bytes = ServerEvent::Joined(info.clone()).to_text().len();
            (info.clone(), bytes)
        });
        listed.collect()
    }

    /// What would make the frame larger than a client must accept follows as `joined`.
    fn welcome(&mut self, conn: ConnId, room: Option<Room>, me: &PeerInfo, others: List) {
        let mut size = WELCOME_FRAME;
        let fits = |(_, bytes): &&(PeerInfo, usize)| {
            size += bytes;
            size <= MAX_FRAME
        };
        let fitting = others.iter().take_while(fits).count();
        let mut others = others.into_iter().map(|(info, _)| info);
        let welcome = Welcome {
            id: me.id.clone(),
            room,
            peers: others.by_ref().take(fitting).collect(),
            ice_servers: Vec::new(),
        };
        let (id, event) = (me.id.clone(), ServerEvent::Welcome(welcome));
        self.outputs
            .push_back(Output::WithIceServers { conn, id, event });
        for peer in others {
            self.tell(conn, &ServerEvent::Joined(peer));
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

fn named(room: Option<&Room>) -> &str {
    room.map_or("the global room", Room::as_str)
}
