//! What one server says to others, on the wire: a line of JSON, and behind it the frame, byte for byte. PURE

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::{PeerId, PeerInfo, Room};

use crate::elsewhere::{Absence, Letter, Member, Seat, ServerId};
use crate::text::Text;

/// The last seat that is believed: no clock says more microseconds (that is in 2255), and numbers of JSON are exact up to here
/// (RFC 7493 2.2). Whoever claims more sits here, so that the next seats are numbers, too.
const LAST_SEAT: Seat = 1 << 53;

/// One message of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) server: ServerId,
    pub(crate) body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// To everybody: there is such a server.
    Alive,
    /// To one: say again who is there, unless that has been done since this session.
    Again { session: u64 },
    /// To one, in order: `seq` counts all of them, `session` the times that the list of members was begun.
    Link { session: u64, seq: u64, item: Item },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// A part of the list of all members; whoever is not in it is none.
    Members {
        first: bool,
        last: bool,
        list: Vec<Claimed>,
    },
    Joined(Claimed),
    Left(PeerId),
    Letter(Letter),
    /// A letter came too late.
    Absent(Absence),
    /// Nothing, but in time.
    Beat,
    /// The server stops, and all of its members leave.
    Gone,
}

/// A member with the number of its claim to that id: of two the higher one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub(crate) claim: u64,
    pub(crate) member: Member,
}

/// `I` is a peer's description: a value where it is written, its JSON where it is read.
#[derive(Serialize, Deserialize)]
struct Head<'a, I> {
    server: &'a str,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<(u64, u64)>,
    say: Say<'a, I>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Say<'a, I> {
    Alive,
    Again(u64),
    Members {
        first: bool,
        last: bool,
        list: Vec<Somebody<'a, I>>,
    },
    Joined(Somebody<'a, I>),
    Left(&'a str),
    Letter {
        room: Option<&'a str>,
        from: &'a str,
        to: Option<&'a str>,
    },
    Absent {
        from: &'a str,
        to: &'a str,
    },
    Beat,
    Gone,
}

#[derive(Serialize, Deserialize)]
struct Somebody<'a, I> {
    claim: u64,
    seat: u64,
    room: Option<&'a str>,
    info: I,
}

impl Packet {
    /// As it is sent.
    pub(crate) fn encode(&self) -> Bytes {
        let (at, say, frame) = match &self.body {
            Body::Alive => (None, Say::Alive, None),
            Body::Again { session } => (None, Say::Again(*session), None),
            Body::Link { session, seq, item } => {
                let (say, frame) = said(item);
                (Some((*session, *seq)), say, frame)
            }
        };
        let server = self.server.as_str();
        let head = Head { server, at, say };
        // Words, numbers and their lists: there is nothing that JSON cannot say.
        let mut bytes = serde_json::to_vec(&head).unwrap_or_default();
        if let Some(text) = frame {
            bytes.reserve_exact(1 + text.len());
            bytes.push(b'\n');
            bytes.extend_from_slice(text.as_str().as_bytes());
        }
        bytes.into()
    }

    /// Whatever came; `None` if that is nothing that a server says.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let text = str::from_utf8(bytes).ok()?;
        let (head, frame) = text.split_once('\n').unwrap_or((text, ""));
        let head: Head<'_, &RawValue> = serde_json::from_str(head).ok()?;
        let server = ServerId::new(head.server)?;
        let body = match (head.at, head.say) {
            (None, Say::Alive) => Body::Alive,
            (None, Say::Again(session)) => Body::Again { session },
            (Some((session, seq)), say) => {
                let item = item(say, frame)?;
                Body::Link { session, seq, item }
            }
            _ => return None,
        };
        Some(Self { server, body })
    }
}

fn said(item: &Item) -> (Say<'_, &PeerInfo>, Option<&Text>) {
    let say = match item {
        Item::Members { first, last, list } => Say::Members {
            first: *first,
            last: *last,
            list: list.iter().map(Claimed::somebody).collect(),
        },
        Item::Joined(claimed) => Say::Joined(claimed.somebody()),
        Item::Left(id) => Say::Left(id.as_str()),
        Item::Letter(letter) => Say::Letter {
            room: letter.room.as_ref().map(Room::as_str),
            from: letter.from.as_str(),
            to: letter.to.as_ref().map(PeerId::as_str),
        },
        Item::Absent(Absence { from, to }) => Say::Absent {
            from: from.as_str(),
            to: to.as_str(),
        },
        Item::Beat => Say::Beat,
        Item::Gone => Say::Gone,
    };
    let frame = match item {
        Item::Letter(letter) => Some(&letter.text),
        _ => None,
    };
    (say, frame)
}

fn item(say: Say<'_, &RawValue>, frame: &str) -> Option<Item> {
    let id = |text: &str| PeerId::new(text).ok();
    Some(match say {
        Say::Members { first, last, list } => Item::Members {
            first,
            last,
            list: list.iter().map(claimed).collect::<Option<_>>()?,
        },
        Say::Joined(somebody) => Item::Joined(claimed(&somebody)?),
        Say::Left(text) => Item::Left(id(text)?),
        // Nobody hears itself.
        Say::Letter { from, to, .. } if to == Some(from) => return None,
        Say::Letter { room, from, to } => Item::Letter(Letter {
            room: room.map(Room::new).transpose().ok()?,
            from: id(from)?,
            to: to.map(PeerId::new).transpose().ok()?,
            text: frame.into(),
        }),
        Say::Absent { from, to } => Item::Absent(Absence {
            from: id(from)?,
            to: id(to)?,
        }),
        Say::Beat => Item::Beat,
        Say::Gone => Item::Gone,
        Say::Alive | Say::Again(_) => return None,
    })
}

fn claimed(somebody: &Somebody<'_, &RawValue>) -> Option<Claimed> {
    Some(Claimed {
        claim: somebody.claim,
        member: Member {
            room: somebody.room.map(Room::new).transpose().ok()?,
            seat: somebody.seat.min(LAST_SEAT),
            info: PeerInfo::parse(somebody.info.get()).ok()?,
        },
    })
}

impl Claimed {
    fn somebody(&self) -> Somebody<'_, &PeerInfo> {
        Somebody {
            claim: self.claim,
            seat: self.member.seat,
            room: self.member.room.as_ref().map(Room::as_str),
            info: &self.member.info,
        }
    }
}

#[cfg(test)]
mod tests;
