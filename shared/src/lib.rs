//! The words on the wire between `signaling` and its clients. Pure: no I/O, clock or randomness.
//!
//! `PROTOCOL.md` beside this crate tells the protocol in prose, with its ladder. Here:
//! - [`id`]: what a peer, a room or a session may be called
//! - [`message`]: the frames as values, and their JSON (browser names, field for field)
//! - [`incoming`]: one text frame -> a value or a short complaint; bad input is never more than that
//! - [`close`]: why a socket was closed, with advice for whoever reads it
//! - [`limits`]: sizes and times that both sides count on

pub mod close;
mod fields;
pub mod id;
pub mod incoming;
pub mod limits;
pub mod message;

pub use close::CloseCode;
pub use id::{BadWord, Name, PeerId, Room, SessionId};
pub use incoming::{Event, Incoming, WireError};
pub use limits::{SUBPROTOCOL, VERSION};
pub use message::{
    App, Bye, Candidate, Description, Hello, IceServer, Outcome, Outgoing, PeerEvent, PeerInfo,
    Role, SdpType, Secret, ServerEvent, Welcome, ice_servers_request,
};
