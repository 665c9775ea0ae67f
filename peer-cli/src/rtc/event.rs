//! What a connection tells its call; no type of the webrtc crate gets past here.

use shared::Candidate;

use crate::proto::dtmf::Digit;
use crate::proto::sending::Sending;

/// Something that happened on one peer connection.
#[derive(Debug)]
pub enum PeerEvent {
    /// A local candidate to send (RFC 8838).
    Candidate(Candidate),
    /// No more local candidates will come.
    CandidatesEnd,
    /// The ICE transport changed its state (RFC 8445).
    Ice(IceState),
    /// The whole connection (ICE and DTLS) changed its state (W3C `RTCPeerConnectionState`).
    Connection(ConnectionState),
    /// The other side's first packet of sound arrived.
    Track {
        /// MIME type of the codec, such as `audio/opus`.
        codec: String,
    },
    /// A digit came (RFC 4733).
    Digit(Digit),
    /// How to send from now on, as the network allows.
    Sending(Sending),
    /// A STUN server gave no address.
    StunFailed {
        /// `host:port`.
        server: String,
        /// Why, in a few words.
        why: String,
    },
    /// A TURN server relays nothing for us.
    RelayFailed {
        /// `host:port`, and over what.
        server: String,
        /// Why, in a few words.
        why: String,
    },
    /// The connection to a TURN server has ended while it was in use.
    RelayLost {
        /// `host:port`, and over what.
        server: String,
        /// Why, in a few words.
        why: String,
    },
    /// The kernel granted small receive buffers, bytes.
    SmallBuffers(usize),
    /// mDNS could not be joined: `.local` candidates of browsers cannot be resolved.
    NoMdns(String),
    /// The crate's driver ended by itself.
    DriverEnded,
}

/// W3C `RTCIceConnectionState`, as far as a call cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceState {
    /// Pairs are being checked.
    Checking,
    /// A pair works.
    Connected,
    /// Nothing was heard for a while.
    Disconnected,
    /// Every pair failed, or nothing was heard for too long.
    Failed,
}

/// W3C `RTCPeerConnectionState`, as far as a call cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// ICE and DTLS are up.
    Connected,
    /// Nothing was heard for a while.
    Disconnected,
    /// It will not come back by itself.
    Failed,
    /// Closed on our side.
    Closed,
}
