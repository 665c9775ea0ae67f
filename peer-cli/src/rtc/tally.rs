//! Connectivity checks (RFC 8445 7) counted at the sockets: the crate's own statistics know only the pair that worked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Pairs remembered; a peer that offers more candidates is not helped by a longer table.
const MAX_PAIRS: usize = 256;
/// Length of a STUN header, bytes: a request to a STUN server is nothing else.
const HEADER: usize = 20;

/// One pair of addresses that was checked directly; what goes through a relay is not seen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Our address.
    pub local: SocketAddr,
    /// Their address.
    pub remote: SocketAddr,
    /// Requests sent.
    pub checks: u64,
    /// Answers received.
    pub answers: u64,
    /// Requests received.
    pub heard: u64,
}

/// All pairs of one connection; clones are the same.
#[derive(Clone, Debug, Default)]
// Never held across an await.
pub(super) struct Tally(Arc<Mutex<BTreeMap<(SocketAddr, SocketAddr), Tried>>>);

/// Whether this is a connectivity check.
pub(super) fn is_check(datagram: &[u8]) -> bool {
    /// A Binding request (RFC 8489 5).
    const REQUEST: [u8; 2] = [0x00, 0x01];
    datagram.starts_with(&REQUEST) && datagram.len() > HEADER
}

impl Tally {
    /// A check leaves.
    pub(super) fn sent(&self, local: SocketAddr, remote: SocketAddr) {
        self.count(local, remote, true, |pair| pair.checks += 1);
    }

    /// A datagram has come.
    pub(super) fn heard(&self, local: SocketAddr, remote: SocketAddr, datagram: &[u8]) {
        /// A Binding success response.
        const ANSWER: [u8; 2] = [0x01, 0x01];
        if datagram.starts_with(&ANSWER) {
            self.count(local, remote, false, |pair| pair.answers += 1);
        } else if is_check(datagram) {
            self.count(local, remote, true, |pair| pair.heard += 1);
        }
    }

    /// The table: what came nearest to working first.
    pub(super) fn table(&self) -> Vec<Tried> {
        let pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut table: Vec<Tried> = pairs.values().copied().collect();
        table.sort_by_key(|pair| std::cmp::Reverse((pair.answers, pair.heard, pair.checks)));
        table
    }

    fn count(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
        begins: bool,
        count: impl FnOnce(&mut Tried),
    ) {
        let mut pairs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (local, remote);
        if begins && pairs.len() < MAX_PAIRS {
            pairs.entry(key).or_insert(Tried {
                local,
                remote,
                checks: 0,
                answers: 0,
                heard: 0,
            });
        }
        if let Some(pair) = pairs.get_mut(&key) {
            count(pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_nearest_stands_first_and_strangers_answers_do_not_count() {
        let at = |port| SocketAddr::from(([192, 0, 2, 1], port));
        let check = [&[0, 1][..], &[0; 40]].concat();
        let tally = Tally::default();
        for _ in 0..3 {
            tally.sent(at(1), at(2));
        }
        tally.heard(at(1), at(3), &check);
        tally.heard(at(1), at(4), &[1, 1, 0, 0]);
        tally.heard(at(1), at(4), &check[..HEADER]);
        let table = tally.table();
        let counts: Vec<_> = table
            .iter()
            .map(|pair| (pair.remote.port(), pair.checks, pair.answers, pair.heard))
            .collect();
        assert_eq!(counts, [(3, 0, 0, 1), (2, 3, 0, 0)]);
        for port in 0..1000 {
            tally.sent(at(1), at(port));
        }
        assert_eq!(tally.table().len(), MAX_PAIRS);
    }
}
