//! With whom an allocation may talk: permissions and channels, and the places that are refused.

use std::net::IpAddr;

use stun_types::attribute::ErrorCode;
use stun_types::message::Message;
use stun_types::prelude::{Attribute, AttributeFromRaw, AttributeStaticType};
use turn_types::attribute::{ChannelNumber, XorPeerAddress};

use super::allocation::NoRight;
use super::auth::Caller;
use super::wire::{self, Refusal};
use super::{Moment, PortId, Turn};
use crate::relay::policy;

/// RFC 5766 section 11; RFC 8656 has fewer (to 0x4fff), but clients of the older one are still about.
const CHANNELS: std::ops::RangeInclusive<u16> = 0x4000..=0x7fff;

impl Turn {
    /// RFC 8656 section 10.2.
    pub(super) fn create_permission(
        &mut self,
        now: Moment,
        port: PortId,
        request: &Message<'_>,
        caller: &Caller,
    ) -> Result<Vec<u8>, Refusal> {
        wire::understand(request, &[XorPeerAddress::TYPE])?;
        let addresses = request
            .iter_attributes()
            .filter(|(_, a)| a.get_type() == XorPeerAddress::TYPE);
        let transaction = request.transaction_id();
        let read = |(_, a)| XorPeerAddress::from_raw(a).map(|x| x.addr(transaction).ip());
        let peers: Result<Vec<IpAddr>, _> = addresses.map(read).collect();
        let peers = peers.map_err(|_| ErrorCode::BAD_REQUEST)?;
        if peers.is_empty() {
            return Err(ErrorCode::BAD_REQUEST.into());
        }
        for peer in &peers {
            self.may_reach(port, *peer)?;
        }
        let allocation = self.allocations.get_mut(&port);
        let allocation = allocation.ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        allocation.permit(now.at, &peers).map_err(refused)?;
        Ok(wire::success(request, &[], Some(&caller.key)))
    }

    /// RFC 8656 section 12.2.
    pub(super) fn channel_bind(
        &mut self,
        now: Moment,
        port: PortId,
        request: &Message<'_>,
        caller: &Caller,
    ) -> Result<Vec<u8>, Refusal> {
        wire::understand(request, &[XorPeerAddress::TYPE, ChannelNumber::TYPE])?;
        let number = request.attribute::<ChannelNumber>().map(|c| c.channel());
        let peer = request.attribute::<XorPeerAddress>();
        let (Ok(number), Ok(peer)) = (number, peer) else {
            return Err(ErrorCode::BAD_REQUEST.into());
        };
        let peer = peer.addr(request.transaction_id());
        if !CHANNELS.contains(&number) {
            return Err(ErrorCode::BAD_REQUEST.into());
        }
        self.may_reach(port, peer.ip())?;
        let allocation = self.allocations.get_mut(&port);
        let allocation = allocation.ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        allocation.bind(now.at, number, peer).map_err(refused)?;
        Ok(wire::success(request, &[], Some(&caller.key)))
    }

    /// Whether an allocation may have rights to send there at all: 443 for the other family, 403 for a place that is none of
    /// its business. Another relayed address of ours is one; which port is one of ours is asked for each datagram.
    fn may_reach(&self, port: PortId, peer: IpAddr) -> Result<(), Refusal> {
        let allocation = self.allocations.get(&port);
        let allocation = allocation.ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        if allocation.relayed.is_ipv4() != peer.is_ipv4() {
            return Err(ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH.into());
        }
        let own = || self.by_relayed.keys().any(|relayed| relayed.ip() == peer);
        if self.anybody_may_reach(peer) || own() {
            return Ok(());
        }
        Err(ErrorCode::FORBIDDEN.into())
    }

    /// What is permitted beyond our own relayed addresses.
    pub(super) fn anybody_may_reach(&self, peer: IpAddr) -> bool {
        let private = !policy::is_public(peer) || self.config.machine.contains(&peer);
        !private || self.config.allow_private
    }
}

fn refused(why: NoRight) -> Refusal {
    match why {
        NoRight::Taken => ErrorCode::BAD_REQUEST.into(),
        NoRight::Full => ErrorCode::INSUFFICIENT_CAPACITY.into(),
    }
}
