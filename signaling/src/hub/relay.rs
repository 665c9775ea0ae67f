//! One frame from a client: for the server, for one member, or for the room.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use shared::{Event, Hello, Incoming, PeerEvent, PeerId, PeerInfo, Room, ServerEvent};

use super::{Called, ConnId, Hub, Output, Waiting};
use crate::envelope::{Envelope, To};
use crate::grant::Grant;
use crate::identity;
use crate::text::Text;
use crate::verdict::{Cause, Verdict};

/// Others whom a message reaches for the price of one.
const REACH: usize = 16;

/// Characters of an unknown `to` that the complaint repeats.
const SHOWN: usize = 64;

impl Hub {
    pub(super) fn frame(&mut self, now: Instant, conn: ConnId, text: &Text) {
        if self.waiting.contains_key(&conn) {
            self.hello(now, conn, text);
        } else if let Some(member) = self.members.get(&conn) {
            let (room, id) = (member.room.clone(), member.info.id.clone());
            if member.peer_v1 {
                self.direct(now, conn, room.as_ref(), &id, text);
            } else {
                self.broadcast(now, conn, room.as_ref(), &id, text, None);
            }
        }
        // Else it was closed a moment ago and this is what it had sent before.
    }

    fn hello(&mut self, now: Instant, conn: ConnId, text: &Text) {
        let Some(waiting) = self.stop_waiting(conn) else {
            return;
        };
        let Waiting { grant, origin, .. } = waiting;
        match introduced(text, origin, &grant) {
            Ok(info) => self.join(now, conn, grant.room, info, true),
            Err(verdict) => self.close(conn, verdict),
        }
    }

    fn direct(
        &mut self,
        now: Instant,
        conn: ConnId,
        room: Option<&Room>,
        id: &PeerId,
        text: &Text,
    ) {
        let Some(envelope) = Envelope::parse(text.as_str()) else {
            return self.broadcast(now, conn, room, id, text, None);
        };
        match (envelope.event().as_deref(), envelope.to()) {
            // Never relayed: it carries the secret.
            (Some("hello"), _) => self.complain(conn, "bad-frame", "hello was said already".into()),
            (Some("ice-servers"), _) => {
                let (id, event) = (id.clone(), ServerEvent::IceServers(Vec::new()));
                self.outputs
                    .push_back(Output::WithIceServers { conn, id, event });
            }
            // The end of the last session is the server's to know, not the room's.
            (Some("bye"), To::Room) => self.outputs.extend(called(text).map(Output::Called)),
            (_, To::Room) => self.broadcast(now, conn, room, id, text, Some(&envelope)),
            (_, To::Nonsense) => self.complain(conn, "bad-frame", "to is not a string".into()),
            (_, To::One(to)) => match self.member_of(room, &to, conn) {
                Some((other, true)) => self.send(other, envelope.with_from(id).into()),
                Some((other, false)) => self.send(other, text.clone()),
                None if self.direct_there(room, id, &to, text) => {}
                None => self.no_such_peer(conn, &to),
            },
        }
    }

    /// To everybody else: the sender's bytes, or a `peer.v1` client's reading of them, each made once.
    fn broadcast(
        &mut self,
        now: Instant,
        sender: ConnId,
        room: Option<&Room>,
        id: &PeerId,
        text: &Text,
        envelope: Option<&Envelope<'_>>,
    ) {
        if !self.may_reach(now, sender, room) {
            self.leave(sender);
            return self.close(sender, Cause::TooManyMessages.into());
        }
        self.broadcast_here(Some(sender), room, id, text, envelope);
        self.broadcast_there(room, id, text);
    }

    /// A message to many is work for each of them: it counts as several, so that a full room of those who speak as often as they may
    /// is not all that the server does.
    fn may_reach(&mut self, now: Instant, sender: ConnId, room: Option<&Room>) -> bool {
        let here = self.rooms.get(&room.cloned()).map_or(0, BTreeMap::len);
        let others = (here + self.elsewhere.count(room)).saturating_sub(1);
        let cost = others.div_ceil(REACH);
        let sender = self.members.get_mut(&sender).filter(|_| cost > 1);
        sender.is_none_or(|sender| sender.reach.take_many(now, cost))
    }

    /// The same to those who are connected to this server.
    pub(super) fn broadcast_here(
        &mut self,
        sender: Option<ConnId>,
        room: Option<&Room>,
        id: &PeerId,
        text: &Text,
        envelope: Option<&Envelope<'_>>,
    ) {
        let others = self
            .seated(room)
            .into_iter()
            .filter(|(conn, _)| Some(*conn) != sender);
        let others: Vec<_> = others.collect();
        let relayed = others
            .iter()
            .any(|(_, peer_v1)| *peer_v1)
            .then(|| match envelope {
                Some(envelope) => Some(envelope.with_from(id)),
                None => Envelope::parse(text.as_str()).map(|e| e.with_from(id)),
            });
        let relayed = relayed.flatten().map(Text::from);
        for (conn, peer_v1) in others {
            let heard = if peer_v1 {
                relayed.as_ref()
            } else {
                Some(text)
            };
            if let Some(heard) = heard {
                self.send(conn, heard.clone());
            }
        }
    }

    /// Another member of the same room, and whether it speaks `peer.v1`.
    fn member_of(&self, room: Option<&Room>, id: &str, asks: ConnId) -> Option<(ConnId, bool)> {
        let id = PeerId::new(id).ok()?;
        let conn = self.ids.get(&id).copied().filter(|conn| *conn != asks)?;
        let member = self
            .members
            .get(&conn)
            .filter(|m| m.room.as_ref() == room)?;
        Some((conn, member.peer_v1))
    }

    pub(super) fn no_such_peer(&mut self, conn: ConnId, to: &str) {
        let to: String = to.chars().take(SHOWN).collect();
        self.complain(conn, "no-such-peer", format!("no other peer {to:?} here"));
    }

    fn complain(&mut self, conn: ConnId, code: &str, text: String) {
        self.tell(
            conn,
            &ServerEvent::Error {
                code: code.to_owned(),
                text,
            },
        );
    }
}

/// What a `bye` tells the server; one that tells nothing is good, too.
fn called(text: &Text) -> Option<Called> {
    let event = Incoming::parse(text.as_str()).ok()?.event;
    let Event::Peer(PeerEvent::Bye(bye)) = event else {
        return None;
    };
    let setup = bye
        .setup_ms
        .map(|ms| Duration::try_from_secs_f64(ms / 1000.0));
    Some(Called {
        outcome: bye.outcome?,
        setup: setup.and_then(Result::ok),
    })
}

fn introduced(text: &Text, origin: Option<String>, grant: &Grant) -> Result<PeerInfo, Verdict> {
    let hello = Hello::parse(text.as_str()).map_err(|e| Verdict::new(Cause::BadHello, e))?;
    let name = grant.admits(&hello);
    Ok(PeerInfo {
        id: identity::of_secret(hello.secret.expose())
            .ok_or_else(|| Verdict::new(Cause::BadHello, "hello: no id for this secret"))?,
        name: name.map_err(|why| Verdict::new(Cause::OtherRole, why))?,
        role: Some(hello.role),
        app: Some(hello.app),
        origin,
    })
}
