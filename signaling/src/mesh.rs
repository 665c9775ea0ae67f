//! What this server knows of the others and tells them. Pure: messages go in and come out, time is an argument. PURE
//!
//! To every other server that it has heard of it speaks in order and numbers what it says: first who all of its members are, then
//! each who joins or leaves, and frames for members there. Whoever misses a number asks for the list again; whoever is silent
//! for too long is gone, with all of its members. An id that several servers claim belongs to the highest claim.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use shared::PeerId;

use crate::elsewhere::{Absence, Calendar, Foreign, Letter, Member, ServerId};

mod hearing;
mod link;
mod packet;
mod roster;

use link::{Incoming, Outgoing};
use packet::{Body, Claimed, Item, Packet};
use roster::Roster;

/// How often a server says that it lives.
const BEAT: Duration = Duration::from_secs(2);
/// How long it may be silent: four of those.
const SILENCE: Duration = Duration::from_secs(8);
/// How often it is looked at whether somebody is silent.
const TICK: Duration = Duration::from_millis(500);
/// How long an answer may take before it is asked again.
const PATIENCE: Duration = Duration::from_secs(1);
/// Members in one message: some 40 KiB at most.
const LIST: usize = 64;

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Output {
    /// Through the broker to one server, or to all of them.
    Publish {
        to: Option<ServerId>,
        payload: Bytes,
    },
    /// For members of this server.
    Foreign(Foreign),
    /// So many messages did not come.
    Lost { count: u64, why: Loss },
}

/// Why something did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Numbers are missing: the broker, or a queue on the way, has dropped it.
    Missing,
    /// It is nothing that a server says.
    Malformed,
    /// From a sender who is not known here.
    Stray,
}

impl Loss {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Stray => "unknown sender",
        }
    }
}

/// Another server.
struct Other {
    heard: Instant,
    outgoing: Outgoing,
    incoming: Incoming,
    /// When it was asked who is there.
    asked: Option<Instant>,
}

pub(crate) struct Mesh {
    me: ServerId,
    calendar: Calendar,
    roster: Roster,
    others: BTreeMap<ServerId, Other>,
    /// Lists of members that were begun, whoever they were for: the numbers go up also for who was forgotten meanwhile.
    sessions: u64,
    /// The last claim of ours.
    claims: u64,
    next_beat: Instant,
    next_tick: Instant,
    outputs: VecDeque<Output>,
}

impl Mesh {
    /// Alone, until somebody is heard.
    pub(crate) fn new(me: ServerId, now: Instant, calendar: Calendar) -> Self {
        Self {
            me,
            calendar,
            roster: Roster::default(),
            others: BTreeMap::new(),
            sessions: 0,
            claims: 0,
            next_beat: now,
            next_tick: now,
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call `tick`.
    pub(crate) fn poll_timeout(&self) -> Instant {
        self.next_tick
    }

    /// Other servers that are heard.
    pub(crate) fn servers(&self) -> usize {
        self.others.len()
    }

    /// Claims to ids that are known, here and elsewhere.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn claims(&self) -> usize {
        self.roster.claims()
    }

    /// The broker is there, again or for the first time: everybody shall know at once, and see what is missing.
    pub(crate) fn broker_is_back(&mut self, now: Instant) {
        self.beat(now);
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.next_tick = now + TICK;
        let silent = |other: &Other| now.saturating_duration_since(other.heard) >= SILENCE;
        let gone = self.others.iter().filter(|(_, other)| silent(other));
        let gone: Vec<_> = gone.map(|(server, _)| server.clone()).collect();
        for server in gone {
            self.forget(&server);
        }
        if now >= self.next_beat {
            self.beat(now);
        }
        let late = |at: Option<Instant>| at.is_none_or(|at| now >= at + PATIENCE);
        let unclear = |other: &Other| !other.incoming.is_current() && late(other.asked);
        let unclear = self.others.iter().filter(|(_, other)| unclear(other));
        let unclear: Vec<_> = unclear.map(|(server, _)| server.clone()).collect();
        for server in unclear {
            self.ask(now, &server);
        }
    }

    /// One of ours has taken a seat, whoever had that id before.
    pub(crate) fn joined(&mut self, now: Instant, member: Member) {
        let id = member.info.id.clone();
        let before = self.roster.holder(&id);
        let before = before.map(|(server, claim)| (server.clone(), claim));
        let newer = before
            .as_ref()
            .map_or(0, |(_, claim)| claim.saturating_add(1));
        // Never twice the same: it says which of two is the later one.
        let next = self.claims.saturating_add(1);
        let claim = self.calendar.micros(now).max(newer).max(next);
        self.claims = claim;
        let claimed = Claimed { claim, member };
        let me = self.me.clone();
        self.roster.set(&me, &id, Some(claimed.clone()));
        // Whoever loses that id hears it last: so nobody hears that it left there before that it is here.
        let loser = before.map(|(server, _)| server);
        let last = |server: &ServerId| Some(server) == loser.as_ref();
        let mut servers: Vec<_> = self.others.keys().cloned().collect();
        servers.sort_by_key(last);
        for server in servers {
            self.say(&server, Item::Joined(claimed.clone()));
        }
    }

    /// One of ours is gone.
    pub(crate) fn left(&mut self, id: &PeerId) {
        let me = self.me.clone();
        // A claim of another server that counts now is news here, too.
        self.claim(&me, id, None);
        self.say_to_all(&Item::Left(id.clone()));
    }

    /// A frame of one of ours.
    pub(crate) fn letter(&mut self, server: &ServerId, letter: Letter) {
        self.say(server, Item::Letter(letter));
    }

    /// A letter from there came too late.
    pub(crate) fn absent(&mut self, server: &ServerId, absence: Absence) {
        self.say(server, Item::Absent(absence));
    }

    /// This server stops.
    pub(crate) fn stop(&mut self) {
        self.say_to_all(&Item::Gone);
    }

    fn beat(&mut self, now: Instant) {
        self.next_beat = now + BEAT;
        self.publish(None, Body::Alive);
        self.say_to_all(&Item::Beat);
    }

    fn say_to_all(&mut self, item: &Item) {
        let servers: Vec<_> = self.others.keys().cloned().collect();
        for server in servers {
            self.say(&server, item.clone());
        }
    }

    /// The next message to that server; whoever was forgotten hears nothing.
    fn say(&mut self, server: &ServerId, item: Item) {
        let Some(other) = self.others.get_mut(server) else {
            return;
        };
        let Outgoing { session, seq, .. } = other.outgoing;
        other.outgoing.seq += 1;
        self.publish(Some(server.clone()), Body::Link { session, seq, item });
    }

    fn publish(&mut self, to: Option<ServerId>, body: Body) {
        let server = self.me.clone();
        let payload = Packet { server, body }.encode();
        self.outputs.push_back(Output::Publish { to, payload });
    }

    /// Everybody who is here, from the beginning.
    fn list(&mut self, now: Instant, server: &ServerId) {
        self.sessions += 1;
        let session = self.sessions;
        if let Some(other) = self.others.get_mut(server) {
            other.outgoing.session = session;
            other.outgoing.begun = now;
        }
        let all = self.roster.of(&self.me);
        let count = all.len().div_ceil(LIST).max(1);
        let mut parts = all.chunks(LIST);
        for part in 0..count {
            let item = Item::Members {
                first: part == 0,
                last: part + 1 == count,
                list: parts.next().unwrap_or_default().to_vec(),
            };
            self.say(server, item);
        }
    }

    fn ask(&mut self, now: Instant, server: &ServerId) {
        if let Some(other) = self.others.get_mut(server) {
            other.asked = Some(now);
            let session = other.incoming.session;
            self.publish(Some(server.clone()), Body::Again { session });
        }
    }
}
