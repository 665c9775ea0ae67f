//! Who is in which room and who hears what. Pure: connections are numbers, time is an argument, what must be said comes out
//! of `poll_output` in the order in which each recipient must hear it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use shared::{Outcome, PeerId, PeerInfo, Room, ServerEvent};

use crate::elsewhere::{Calendar, Foreign, Home, Seat};
use crate::grant::Grant;
use crate::limits::{Bucket, Limits, bound};
use crate::text::Text;
use crate::verdict::{Cause, Verdict};

mod elsewhere;
mod relay;
mod seating;

use elsewhere::Elsewhere;

/// One WebSocket; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnId(pub(crate) u64);

/// What a client has shown of itself while connecting.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Knows the broadcast only; it is called by this id.
    Tutorial(PeerId),
    /// Speaks `peer.v1` and will say `hello`.
    Peer,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// A WebSocket is open.
    Connected {
        conn: ConnId,
        grant: Grant,
        origin: Option<String>,
        kind: Kind,
    },
    /// It brought a text frame.
    Frame { conn: ConnId, text: Text },
    /// It ended, or reads too slowly to stay.
    Gone { conn: ConnId },
    /// `poll_timeout` has come.
    Tick,
    /// At another server.
    Foreign(Foreign),
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Output {
    /// Put the text into its queue.
    Send { conn: ConnId, text: Text },
    /// The same for an event whose ICE servers are to be filled in: credentials for `id` depend on the time of day.
    WithIceServers {
        conn: ConnId,
        id: PeerId,
        event: ServerEvent,
    },
    /// How a call came out, as one of its peers says.
    Called(Called),
    /// For other servers, if there may be any.
    Home(Home),
    /// Close it; the hub has forgotten it already.
    Close { conn: ConnId, verdict: Verdict },
}

/// A `bye` for the server alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Called {
    pub(crate) outcome: Outcome,
    /// From the start to being connected.
    pub(crate) setup: Option<Duration>,
}

/// Before `hello`.
struct Waiting {
    grant: Grant,
    origin: Option<String>,
    deadline: Instant,
}

/// In a room.
struct Member {
    room: Option<Room>,
    seat: Seat,
    peer_v1: bool,
    info: PeerInfo,
    /// What it may say to many.
    reach: Bucket,
}

/// Its members by seat, and whether each speaks `peer.v1`.
type Seating = BTreeMap<Seat, (ConnId, bool)>;

/// All rooms of this server.
pub(crate) struct Hub {
    max_rooms: usize,
    max_room: usize,
    max_queue: usize,
    max_rate: u32,
    hello_timeout: Duration,
    waiting: HashMap<ConnId, Waiting>,
    deadlines: BTreeSet<(Instant, ConnId)>,
    members: HashMap<ConnId, Member>,
    ids: HashMap<PeerId, ConnId>,
    rooms: HashMap<Option<Room>, Seating>,
    seats: Seat,
    /// Those of other servers.
    elsewhere: Elsewhere,
    /// What seats are counted on, if there may be other servers.
    calendar: Option<Calendar>,
    outputs: VecDeque<Output>,
}

impl Hub {
    /// Without anybody in it.
    pub(crate) fn new(limits: &Limits, hello_timeout: Duration) -> Self {
        Self {
            max_rooms: bound(limits.max_rooms),
            max_room: bound(limits.max_room),
            max_queue: bound(limits.max_queue),
            max_rate: limits.max_rate,
            hello_timeout,
            waiting: HashMap::new(),
            deadlines: BTreeSet::new(),
            members: HashMap::new(),
            ids: HashMap::new(),
            rooms: HashMap::new(),
            seats: 0,
            elsewhere: Elsewhere::default(),
            calendar: None,
            outputs: VecDeque::new(),
        }
    }

    /// Shares its rooms with other servers.
    pub(crate) fn shared(mut self, calendar: Calendar) -> Self {
        self.calendar = Some(calendar);
        self
    }

    /// Takes in what happened; call `poll_output` until it is empty afterwards.
    pub(crate) fn handle(&mut self, now: Instant, input: Input) {
        if let Some(calendar) = &self.calendar {
            self.seats = self.seats.max(calendar.micros(now));
        }
        match input {
            Input::Connected {
                conn,
                grant,
                origin,
                kind: Kind::Tutorial(id),
            } => match grant.admits_unseen() {
                Ok(()) => {
                    let info = PeerInfo {
                        id,
                        name: grant.name,
                        role: None,
                        app: None,
                        origin,
                    };
                    self.join(now, conn, grant.room, info, false);
                }
                Err(why) => self.close(conn, Verdict::new(Cause::OtherRole, why)),
            },
            Input::Connected {
                conn,
                grant,
                origin,
                kind: Kind::Peer,
            } => {
                let deadline = now + self.hello_timeout;
                self.deadlines.insert((deadline, conn));
                self.waiting.insert(
                    conn,
                    Waiting {
                        grant,
                        origin,
                        deadline,
                    },
                );
            }
            Input::Frame { conn, text } => self.frame(now, conn, &text),
            Input::Gone { conn } => self.gone(conn),
            Input::Tick => self.end_waits(now),
            Input::Foreign(news) => self.foreign(news),
        }
    }

    /// What is to be done next.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Rooms with somebody in them.
    pub(crate) fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// When to send a `Tick`.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    fn end_waits(&mut self, now: Instant) {
        while let Some((_, conn)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            self.stop_waiting(conn);
            let seconds = self.hello_timeout.as_secs_f64();
            let why = format!("no hello within {seconds} s");
            self.close(conn, Verdict::new(Cause::NoHello, why));
        }
    }

    fn stop_waiting(&mut self, conn: ConnId) -> Option<Waiting> {
        let waiting = self.waiting.remove(&conn)?;
        self.deadlines.remove(&(waiting.deadline, conn));
        Some(waiting)
    }

    fn gone(&mut self, conn: ConnId) {
        if self.stop_waiting(conn).is_none() {
            self.leave(conn);
        }
    }

    fn send(&mut self, conn: ConnId, text: Text) {
        self.outputs.push_back(Output::Send { conn, text });
    }

    fn tell(&mut self, conn: ConnId, event: &ServerEvent) {
        self.send(conn, event.to_text().into());
    }

    fn close(&mut self, conn: ConnId, verdict: Verdict) {
        self.outputs.push_back(Output::Close { conn, verdict });
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod tests;
