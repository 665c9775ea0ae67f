//! One relayed address and what its owner has permitted.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use stun_types::message::TransactionId;

use super::Client;
use crate::limits::Bucket;

/// RFC 8656 section 9.
const PERMISSION: Duration = Duration::from_secs(300);
/// RFC 8656 section 12.
const CHANNEL: Duration = Duration::from_secs(600);
/// Permissions, and channels, of one allocation: more than a peer has candidates.
const MAX_RIGHTS: usize = 128;

#[derive(Debug)]
pub(super) struct Allocation {
    pub(super) client: Client,
    pub(super) user: String,
    pub(super) relayed: SocketAddr,
    pub(super) expires: Instant,
    /// Of the request that made it, to recognise its repetition.
    pub(super) transaction: TransactionId,
    /// What may still leave and arrive, in bytes.
    pub(super) to_peers: Bucket,
    pub(super) to_client: Bucket,
    permissions: HashMap<IpAddr, Instant>,
    channels: HashMap<u16, Channel>,
    numbers: HashMap<SocketAddr, u16>,
}

#[derive(Debug)]
struct Channel {
    peer: SocketAddr,
    expires: Instant,
}

/// Why a right was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRight {
    /// The number, or the peer, belongs to another.
    Taken,
    /// There are too many.
    Full,
}

impl Allocation {
    pub(super) fn new(
        client: Client,
        user: String,
        relayed: SocketAddr,
        transaction: TransactionId,
        (now, lifetime, max_rate): (Instant, Duration, u32),
    ) -> Self {
        Self {
            client,
            user,
            relayed,
            expires: now + lifetime,
            transaction,
            to_peers: Bucket::new(max_rate, now),
            to_client: Bucket::new(max_rate, now),
            permissions: HashMap::new(),
            channels: HashMap::new(),
            numbers: HashMap::new(),
        }
    }

    /// Installs or refreshes the permissions, all or none.
    pub(super) fn permit(&mut self, now: Instant, peers: &[IpAddr]) -> Result<(), NoRight> {
        let mut new = peers.to_vec();
        new.sort_unstable();
        new.dedup();
        if self.permissions.len() + new.len() > MAX_RIGHTS {
            self.permissions.retain(|_, expires| *expires > now);
            new.retain(|peer| !self.permissions.contains_key(peer));
            if self.permissions.len() + new.len() > MAX_RIGHTS {
                return Err(NoRight::Full);
            }
        }
        for peer in peers {
            self.permissions.insert(*peer, now + PERMISSION);
        }
        Ok(())
    }

    pub(super) fn permits(&self, now: Instant, peer: IpAddr) -> bool {
        self.permissions.get(&peer).is_some_and(|at| *at > now)
    }

    /// Binds or refreshes a channel, and the permission with it (RFC 8656 section 12.2).
    pub(super) fn bind(
        &mut self,
        now: Instant,
        number: u16,
        peer: SocketAddr,
    ) -> Result<(), NoRight> {
        self.forget_channels(now);
        let same = match (self.channels.get(&number), self.numbers.get(&peer)) {
            (Some(channel), Some(_)) => channel.peer == peer,
            (None, None) => true,
            _ => false,
        };
        if !same {
            return Err(NoRight::Taken);
        }
        if self.channels.len() >= MAX_RIGHTS && !self.channels.contains_key(&number) {
            return Err(NoRight::Full);
        }
        self.permit(now, &[peer.ip()])?;
        let expires = now + CHANNEL;
        self.channels.insert(number, Channel { peer, expires });
        self.numbers.insert(peer, number);
        Ok(())
    }

    fn forget_channels(&mut self, now: Instant) {
        self.channels.retain(|_, channel| channel.expires > now);
        let channels = &self.channels;
        self.numbers
            .retain(|_, number| channels.contains_key(number));
    }

    /// Whom a channel leads to.
    pub(super) fn peer_of(&self, now: Instant, number: u16) -> Option<SocketAddr> {
        let channel = self.channels.get(&number);
        channel.filter(|c| c.expires > now).map(|c| c.peer)
    }

    /// Which channel leads to that peer.
    pub(super) fn channel_to(&self, now: Instant, peer: SocketAddr) -> Option<u16> {
        let number = self.numbers.get(&peer).copied();
        number.filter(|n| self.peer_of(now, *n).is_some())
    }
}
