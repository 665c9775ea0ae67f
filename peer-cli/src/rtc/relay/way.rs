//! The state of the way from one socket to one TURN server.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use tokio::sync::mpsc;

use super::watch::Watch;

/// Messages that wait for the way to open; the client repeats its requests in any case.
const MAX_WAITING: usize = 16;

/// One way, as far as it is opened.
pub(super) struct Inner {
    pub(super) way: Way,
    pub(super) watch: Watch,
    /// Since when it relays.
    pub(super) up: Option<Instant>,
    /// Something was reported of it.
    pub(super) reported: bool,
    /// The crate's own request, where ours for an IPv6 address went out in its place.
    pub(super) plain: Option<Vec<u8>>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            way: Way::Opening(VecDeque::new()),
            watch: Watch::default(),
            up: None,
            reported: false,
            plain: None,
        }
    }
}

impl Inner {
    /// A message takes this way, or waits for it.
    pub(super) fn pass(&mut self, message: &[u8]) -> Next {
        match &mut self.way {
            Way::Opening(waiting) => {
                if waiting.len() < MAX_WAITING {
                    waiting.push_back(message.to_vec());
                }
                Next::Taken
            }
            Way::Datagrams(server) => Next::Send(*server),
            // A full queue loses what comes, as any network does.
            Way::Stream(queue) => {
                let _ = queue.try_send(message.to_vec());
                Next::Taken
            }
            Way::Closed => Next::Taken,
        }
    }

    /// Ends it; whether it was up.
    pub(super) fn close(&mut self) -> bool {
        self.way = Way::Closed;
        self.up.is_some()
    }
}

/// What a way is at the moment.
pub(super) enum Way {
    /// Name and connection are on their way.
    Opening(VecDeque<Vec<u8>>),
    /// Datagrams to this address.
    Datagrams(SocketAddr),
    /// Messages into a stream.
    Stream(mpsc::Sender<Vec<u8>>),
    /// There is none.
    Closed,
}

/// Where a message goes next.
pub(super) enum Next {
    /// As a datagram to this address.
    Send(SocketAddr),
    /// It is taken care of.
    Taken,
}
