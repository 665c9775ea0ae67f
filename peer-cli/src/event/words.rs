//! The small words and objects inside events, and how their numbers are rounded.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::numbers;

/// State of the connection to the signaling server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SignalingState {
    /// In the room.
    Connected,
    /// The socket ended; a new one is being tried.
    Lost,
    /// In the room again, with the same id.
    Reconnected,
}

/// What the server understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum SignalingMode {
    /// The peer protocol: presence, `from` and `to`.
    #[serde(rename = "peer.v1")]
    PeerV1,
    /// Nothing but the broadcast.
    #[serde(rename = "plain")]
    Plain,
}

/// Presence in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerState {
    /// Came, or was there before us.
    Joined,
    /// Went.
    Left,
}

/// Two candidates and the connectivity checks between them (RFC 8445 7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriedPair {
    /// Ours.
    pub local: Endpoint,
    /// Theirs.
    pub remote: Endpoint,
    /// Requests sent.
    pub checks: u64,
    /// Of those, answered.
    pub answers: u64,
    /// Requests received.
    pub heard: u64,
}

/// Ours or theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Ours: what we gather or send.
    Local,
    /// Theirs: what they tell us or what we receive.
    Remote,
}

/// Kind of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Sound.
    Audio,
}

/// How packets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Path {
    /// From host to host.
    Direct,
    /// Through a TURN server of either side.
    Relay,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Direct => "direct",
            Self::Relay => "relay",
        })
    }
}

/// Type of an ICE candidate, RFC 8445 section 5.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointType {
    /// An address of the machine itself.
    Host,
    /// As a STUN server sees it.
    Srflx,
    /// As the other peer sees it.
    Prflx,
    /// On a TURN server.
    Relay,
}

impl fmt::Display for EndpointType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Host => "host",
            Self::Srflx => "srflx",
            Self::Prflx => "prflx",
            Self::Relay => "relay",
        })
    }
}

/// Transport of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        })
    }
}

/// One end of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// Type of the candidate.
    #[serde(rename = "type")]
    pub kind: EndpointType,
    /// `IP:PORT`, `[IP6]:PORT`, or an mDNS name in place of the address.
    pub address: String,
    /// Transport.
    pub protocol: Protocol,
}

/// Where the time until `connected` went; milliseconds with at most one decimal in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Setup {
    /// From process start to `welcome`; 0 on the answering side and in loopback.
    #[serde(serialize_with = "numbers::milliseconds")]
    pub signaling: Duration,
    /// From making the offer to having both descriptions.
    #[serde(
        serialize_with = "numbers::maybe_milliseconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub offer_answer: Option<Duration>,
    /// From both descriptions to the first working pair.
    #[serde(
        serialize_with = "numbers::maybe_milliseconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub ice: Option<Duration>,
    /// From the first working pair to DTLS up.
    #[serde(
        serialize_with = "numbers::maybe_milliseconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub dtls: Option<Duration>,
    /// `signaling`, and from the offer (made, or received) to `connected`.
    #[serde(serialize_with = "numbers::milliseconds")]
    pub total: Duration,
}

/// What came over a data channel: `text`, or `base64` of a binary message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Content {
    /// A text message.
    #[serde(rename = "text")]
    Text(String),
    /// A binary message.
    #[serde(rename = "base64", serialize_with = "numbers::base64")]
    Binary(Vec<u8>),
}

/// Who ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EndedBy {
    /// We hung up.
    Local,
    /// They hung up.
    Remote,
    /// Nobody: packets stopped.
    Lost,
}

/// A call in a few numbers; like W3C statistics, times are seconds and shares are fractions of 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Summary {
    /// From `connected` to the end, s.
    #[serde(serialize_with = "numbers::milliseconds_of_seconds")]
    pub duration: Duration,
    /// The path at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Path>,
    /// Round trip time, s.
    #[serde(
        serialize_with = "numbers::maybe_microseconds_of_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub rtt: Option<Duration>,
    /// Lost share of the packets sent to us, 0 to 1.
    #[serde(
        serialize_with = "numbers::maybe_fraction",
        skip_serializing_if = "Option::is_none"
    )]
    pub loss: Option<f64>,
    /// Interarrival jitter, RFC 3550 section 6.4.1, s.
    #[serde(
        serialize_with = "numbers::maybe_microseconds_of_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub jitter: Option<Duration>,
    /// Concealed share of the samples played, 0 to 1.
    #[serde(
        serialize_with = "numbers::maybe_fraction",
        skip_serializing_if = "Option::is_none"
    )]
    pub concealed: Option<f64>,
    /// As in `connected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_ms: Option<Setup>,
}

/// A microphone or speaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    /// What it does.
    pub kind: DeviceKind,
    /// The number behind `#`, counted from 0 for each kind.
    pub index: usize,
    /// As `--mic` and `--speaker` take it.
    pub name: String,
    /// Whether `default` means it.
    pub default: bool,
    /// Its usual rate, Hz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// Its usual number of channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u16>,
}

/// What a sound device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// A microphone.
    Input,
    /// A speaker.
    Output,
}
