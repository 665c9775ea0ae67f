//! What one server says of its members to another, as values: who they are, and what they say to members there. PURE

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use shared::limits::MAX_WORD;
use shared::{PeerId, PeerInfo, Room};

use crate::text::Text;

/// One process that serves these rooms, too; made up when it starts. A part of a subject of the broker: letters and digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ServerId(Arc<str>);

impl ServerId {
    pub(crate) fn new(text: &str) -> Option<Self> {
        let good = (1..=MAX_WORD).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        good.then(|| Self(text.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Place in the order of joining: about the microsecond (since 1970) of it, so that those of different servers compare.
pub(crate) type Seat = u64;

/// Microseconds since 1970, counted on from one look at the clock, so that they never go back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calendar {
    /// A moment, and how many they were then.
    pub(crate) start: (Instant, u64),
}

impl Calendar {
    pub(crate) fn micros(&self, now: Instant) -> u64 {
        let (start, micros) = self.start;
        let passed = now.saturating_duration_since(start).as_micros();
        micros.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) room: Option<Room>,
    pub(crate) seat: Seat,
    pub(crate) info: PeerInfo,
}

/// A frame, and who may hear it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) room: Option<Room>,
    pub(crate) from: PeerId,
    /// That member alone; none is everybody.
    pub(crate) to: Option<PeerId>,
    /// As the sender wrote it.
    pub(crate) text: Text,
}

/// Who was not there any more for a letter to one member, and who had written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Absence {
    pub(crate) from: PeerId,
    pub(crate) to: PeerId,
}

/// What happens at other servers.
#[derive(Debug)]
pub(crate) enum Foreign {
    /// Somebody is a member there, by a claim to that id that counts more than any other.
    Appeared { server: ServerId, member: Member },
    /// Not any more.
    Vanished(PeerId),
    /// A frame from a member there.
    Letter { server: ServerId, letter: Letter },
    /// A letter of ours came too late.
    Absent(Absence),
}

/// What happens here, for other servers.
#[derive(Debug)]
pub(crate) enum Home {
    /// Somebody has taken a seat, for the first time or again.
    Joined(Member),
    /// A seat is free.
    Left(PeerId),
    /// A frame for members of that server.
    Letter { server: ServerId, letter: Letter },
    /// A letter from that server came too late.
    Absent { server: ServerId, absence: Absence },
    /// A letter came from nobody who is known here.
    Stray,
}
