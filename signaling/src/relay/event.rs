//! What the tasks at the sockets tell the one that owns the machine.

use std::net::SocketAddr;

use tokio::sync::mpsc;

use super::turn::{Client, PortId};

/// News from the other tasks.
pub(super) enum Event {
    /// A datagram has come to a relayed address.
    FromPeer {
        port: PortId,
        from: SocketAddr,
        data: Vec<u8>,
    },
    /// A client is there.
    Opened {
        client: Client,
        outbox: mpsc::Sender<Vec<u8>>,
    },
    /// It has sent one frame.
    Frame { client: Client, data: Vec<u8> },
    /// It has been there for a while.
    Check { client: Client },
    /// It has gone.
    Closed { client: Client },
}
