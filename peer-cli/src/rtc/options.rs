//! What a connection is asked to do.

use std::net::IpAddr;

use rtc::rtp_transceiver::RTCRtpTransceiverDirection;

use super::servers::{StunServer, TurnServer};
use crate::net::Dialer;
use crate::proto::channels::Channels;
use crate::proto::impair::Impairment;
use crate::proto::packet::Codec;
use crate::proto::sending::Wanted;

/// Which way sound flows, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// Both ways.
    Both,
    /// We only send.
    Send,
    /// We only receive.
    Receive,
    /// No sound at all: data channels only.
    None,
}

impl Sound {
    /// Whether this side sends.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::Both | Self::Send)
    }

    pub(super) fn direction(self) -> RTCRtpTransceiverDirection {
        match self {
            Self::Both => RTCRtpTransceiverDirection::Sendrecv,
            Self::Send => RTCRtpTransceiverDirection::Sendonly,
            Self::Receive => RTCRtpTransceiverDirection::Recvonly,
            Self::None => RTCRtpTransceiverDirection::Inactive,
        }
    }
}

/// Which paths may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RelayPolicy {
    /// Direct ones, and a relay where none works.
    #[default]
    Allowed,
    /// Relayed ones only (W3C `iceTransportPolicy: "relay"`).
    Only,
    /// Direct ones only.
    Never,
}

/// How a connection finds its paths.
#[derive(Clone, Debug)]
pub struct PeerOptions {
    /// Local addresses to use; empty for all.
    pub bind: Vec<IpAddr>,
    /// Add 127.0.0.1.
    pub loopback: bool,
    /// Nothing but 127.0.0.1: the self test.
    pub loopback_only: bool,
    /// Servers that tell our reflexive addresses.
    pub stun: Vec<StunServer>,
    /// Servers that relay.
    pub turn: Vec<TurnServer>,
    /// Which paths may be used.
    pub relay: RelayPolicy,
    /// Reaches those relays that take TCP or TLS.
    pub dialer: Dialer,
    /// A bad network on what this peer sends, and its seed.
    pub impairment: Option<(Impairment, u64)>,
    /// Which way sound flows.
    pub sound: Sound,
    /// Codecs of sound that are offered and accepted, the best first.
    pub codecs: Vec<Codec>,
    /// How many channels are sent and received, where the other side and the codec can.
    pub channels: Channels,
    /// The best that the network may give to the sound we send.
    pub wanted: Wanted,
}
