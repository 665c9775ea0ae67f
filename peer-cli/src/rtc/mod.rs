//! The WebRTC connection: the only room that names the webrtc crate.
//!
//! [`Peer`] is one connection. It takes and gives descriptions as SDP text, candidates as the wire
//! carries them, sound as [`Packet`](crate::proto::packet::Packet)s and messages on [`Channel`]s;
//! what happens comes out of [`PeerStreams`].

mod addresses;
mod build;
mod channel;
mod eager;
mod early;
mod event;
mod feedback;
mod formats;
mod gather;
mod handler;
mod impaired;
mod inside;
mod options;
mod pace;
mod peer;
pub mod probe;
mod relay;
mod repeat;
mod runtime;
mod servers;
mod sharing;
mod socket;
mod stats;
mod stun;
mod tally;
mod track;
mod worker;

pub use addresses::{check_bind, watch_addresses};
pub use channel::{Channel, ChannelEvent};
pub use event::{ConnectionState, IceState, PeerEvent};
pub use options::{PeerOptions, RelayPolicy, Sound};
pub use peer::{Peer, PeerStreams, SoundPath};
pub use servers::{StunServer, TurnServer, TurnTransport};
pub use stats::{SelectedPair, Stats};
pub use tally::Tried;

/// What the crate, or the system below it, refused.
#[derive(Debug, thiserror::Error)]
pub enum RtcError {
    /// The crate said no.
    #[error("{0}")]
    Webrtc(#[from] webrtc::error::Error),
    /// The interfaces could not be listed.
    #[error("cannot list the network interfaces: {0}")]
    Interfaces(#[from] std::io::Error),
    /// An answer to an offer that was withdrawn.
    #[error("it answers no offer that is out")]
    NoRestart,
    /// Who answers a restart is not who was called.
    #[error("it comes from another connection")]
    Stranger,
    /// Each costs sockets.
    #[error("too many connections in a short time")]
    TooOften,
}
