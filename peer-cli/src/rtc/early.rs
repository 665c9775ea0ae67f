//! Connectivity checks that come before the answer does (RFC 8445 7.3): the webrtc crate drops them, and a peer that repeats them
//! slowly then connects half a second later. They wait here.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

/// Checks that wait at once. A peer checks a pair anew before long: those beyond are not missed.
pub(super) const MAX_WAITING: usize = 32;
/// No check is longer, bytes.
const LONGEST: usize = 1500;

/// A datagram and where it comes from.
pub(super) type Arrived = (Vec<u8>, SocketAddr);

/// The checks of one connection; clones are the same.
#[derive(Clone, Debug)]
// Never held across an await.
pub(super) struct Early(Arc<Mutex<Option<Vec<Waiting>>>>);

/// A check, and the socket that it came to.
type Waiting = (mpsc::Sender<Arrived>, Arrived);

impl Early {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Some(Vec::new()))))
    }

    /// Takes a datagram that is a check and comes too early; `to` is where it shall come again.
    pub(super) fn keeps(
        &self,
        to: &mpsc::Sender<Arrived>,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(waiting) = waiting.as_mut() else {
            return false;
        };
        if !super::tally::is_check(datagram) || datagram.len() > LONGEST {
            return false;
        }
        // A repetition takes the place of what it repeats.
        waiting.retain(|(socket, (_, other))| *other != from || !socket.same_channel(to));
        if waiting.len() < MAX_WAITING {
            waiting.push((to.clone(), (datagram.to_vec(), from)));
        }
        true
    }

    /// The other side is described: all that has waited comes again, and nothing waits any more.
    pub(super) fn release(&self) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        for (to, arrived) in waiting.into_iter().flatten() {
            // A queue is as long as all that can wait; a socket may be gone.
            let _ = to.try_send(arrived);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: [u8; 24] = {
        let mut check = [0; 24];
        check[1] = 1;
        check
    };

    fn from(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn a_check_waits_until_the_other_side_is_described() {
        let early = Early::new();
        let (to, mut again) = mpsc::channel(MAX_WAITING);
        assert!(early.keeps(&to, from(1), &CHECK));
        assert!(!early.keeps(&to, from(1), b"no check at all, but long enough"));
        assert!(again.try_recv().is_err());
        early.release();
        assert_eq!(again.try_recv().unwrap(), (CHECK.to_vec(), from(1)));
        assert!(!early.keeps(&to, from(1), &CHECK));
    }

    #[test]
    fn a_flood_waits_in_a_bounded_queue_and_a_repetition_takes_no_place() {
        let early = Early::new();
        let (to, mut again) = mpsc::channel(MAX_WAITING);
        for port in 0..1000 {
            early.keeps(&to, from(port % 40), &CHECK);
        }
        early.release();
        let mut ports = Vec::new();
        while let Ok((_, from)) = again.try_recv() {
            ports.push(from.port());
        }
        assert_eq!(ports.len(), MAX_WAITING);
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), MAX_WAITING);
    }
}
