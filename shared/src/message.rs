//! The frames as values, and their JSON. Field names are the browser's own, so that a page passes `data` straight to
//! `setRemoteDescription` or `addIceCandidate` (W3C webrtc-pc).

use std::fmt;

use serde::Serialize;

use crate::id::{Name, PeerId, Room, SessionId};

/// A text that is never printed: the client's secret, a relay's credential.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

macro_rules! wire_names {
    ($name:ident { $($variant:ident = $word:literal),+ }) => {
        impl $name {
            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub(crate) fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }
    };
}

/// Who starts: a peer's side of the coming call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Wants to offer.
    Call,
    /// Waits for an offer.
    Answer,
    /// Does either, whichever fits.
    Either,
    /// A word of a later version; never chosen as a partner.
    Unknown,
}
wire_names!(Role { Call = "call", Answer = "answer", Either = "either", Unknown = "unknown" });

/// What the peers want to do with each other; a peer offers only inside its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum App {
    /// Sound and messages.
    Call,
    /// Standard input and output.
    Pipe,
    /// Files.
    Files,
    /// Forwarded ports.
    Forward,
    /// Measurements.
    Bench,
    /// A word of a later version; never chosen as a partner.
    Unknown,
}
wire_names!(App {
    Call = "call", Pipe = "pipe", Files = "files", Forward = "forward", Bench = "bench", Unknown = "unknown"
});

/// The first frame of a `peer.v1` client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hello {
    /// Of the protocol: [`crate::VERSION`].
    pub version: u32,
    /// What others see; `null` leaves them the id.
    pub name: Option<Name>,
    /// Who starts.
    pub role: Role,
    /// What for.
    pub app: App,
    /// 128 random bits as text; the server makes the id from them.
    pub secret: Secret,
}

/// One member of a room as the others see it; a tutorial client has neither name, role nor app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeerInfo {
    /// Who it is.
    pub id: PeerId,
    /// What its user called it.
    pub name: Option<Name>,
    /// Who starts.
    pub role: Option<Role>,
    /// What for.
    pub app: Option<App>,
    /// The web origin of a browser's page, as its browser stated it.
    pub origin: Option<String>,
}

impl PeerInfo {
    /// A client that knows only the broadcast.
    pub const fn is_tutorial(&self) -> bool {
        self.role.is_none()
    }
}

/// W3C `RTCIceServer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IceServer {
    /// `stun:`, `turn:` or `turns:` URLs.
    pub urls: Vec<String>,
    /// Of a TURN server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Of a TURN server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<Secret>,
}

/// The answer to `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// Who the receiver is.
    pub id: PeerId,
    /// Where; `null` is the global room.
    pub room: Option<Room>,
    /// The others, oldest first.
    pub peers: Vec<PeerInfo>,
    /// What the server offers for finding a path.
    pub ice_servers: Vec<IceServer>,
}

/// `type` of an `RTCSessionDescriptionInit` that travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SdpType {
    /// Starts or renegotiates.
    Offer,
    /// Ends the exchange.
    Answer,
}
wire_names!(SdpType { Offer = "offer", Answer = "answer" });

/// W3C `RTCSessionDescriptionInit`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// Offer or answer, the same as the event that carries it.
    #[serde(rename = "type")]
    pub kind: SdpType,
    /// RFC 8866.
    pub sdp: String,
}

impl fmt::Debug for Description {
    /// The body stays out of logs: it carries addresses and the ICE password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Description({}, {} bytes)", self.kind, self.sdp.len())
    }
}

/// W3C `RTCIceCandidateInit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// `candidate:…`, RFC 8839 section 5.1; never empty here.
    pub candidate: String,
    /// The media section by its `a=mid`.
    pub sdp_mid: Option<String>,
    /// The media section by its number, from 0.
    pub sdp_m_line_index: Option<u16>,
    /// Which ICE generation it belongs to.
    pub username_fragment: Option<String>,
}

/// How a call had gone when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Peer to peer.
    Direct,
    /// Through a TURN server.
    Relay,
    /// Never connected.
    Failed,
}
wire_names!(Outcome { Direct = "direct", Relay = "relay", Failed = "failed" });

/// The end of a session, for the peer; without `to`, for the server alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bye {
    /// A few words.
    pub reason: String,
    /// What path it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Milliseconds from start to connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_ms: Option<f64>,
}

/// What one peer tells another.
#[derive(Debug, Clone, PartialEq)]
pub enum PeerEvent {
    /// `offer`
    Offer(Description),
    /// `answer`
    Answer(Description),
    /// `candidate`
    Candidate(Candidate),
    /// `candidates-end`, also `candidate` with `data:null` or an empty candidate (RFC 8838 section 8.2).
    CandidatesEnd {
        /// Which ICE generation has no more of them.
        username_fragment: Option<String>,
    },
    /// `bye`
    Bye(Bye),
    /// `busy`: holds as many sessions as it wants.
    Busy,
}

/// What the server tells a client; it never carries `from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerEvent {
    /// `welcome`
    Welcome(Welcome),
    /// `joined`
    Joined(PeerInfo),
    /// `left`
    Left {
        /// Who.
        id: PeerId,
    },
    /// `error`
    Error {
        /// For programs: `no-such-peer`, `bad-frame`.
        code: String,
        /// For people.
        text: String,
    },
    /// `ice-servers`, the answer to a client's `ice-servers`.
    IceServers(Vec<IceServer>),
}

/// One frame from a peer to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// For that member alone; none is everybody in the room (and the server alone for `bye`).
    pub to: Option<PeerId>,
    /// Our own id, in plain mode only: a `peer.v1` server sets it itself.
    pub from: Option<PeerId>,
    /// Which call it belongs to.
    pub session: Option<SessionId>,
    /// Of an offer: its number among the sender's offers of this session, from 1. Of an answer: that of the offer it
    /// answers.
    pub generation: Option<u64>,
    /// What it says.
    pub event: PeerEvent,
}

mod json;

pub use json::ice_servers_request;

#[cfg(test)]
mod tests;
