//! Sizes and times that both sides count on.

use std::time::Duration;

/// The WebSocket subprotocol that turns a broadcast client into a peer with an identity.
pub const SUBPROTOCOL: &str = "peer.v1";

/// The `version` that a `hello` of this protocol carries.
pub const VERSION: u32 = 1;

/// Characters in a name, room, peer id or session.
pub const MAX_WORD: usize = 64;

/// Bytes of one text frame that a client may send.
pub const MAX_FRAME: usize = 64 * 1024;

/// Bytes that a relayed frame may have grown by (`from`), so that a full frame still arrives.
pub const RECEIVE_SLACK: usize = 4 * 1024;

/// Bytes of one text frame that a client must accept.
pub const MAX_RECEIVE: usize = MAX_FRAME + RECEIVE_SLACK;

/// How long a `peer.v1` client may take to say `hello`.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of a `secret`: sixteen is the least that can hold 128 random bits.
pub const MIN_SECRET: usize = 16;

/// Bytes of a `secret` that the server still reads.
pub const MAX_SECRET: usize = 256;

/// Characters of a peer id: 26 × 5 bits of the hash of the secret.
pub const ID_CHARS: usize = 26;
