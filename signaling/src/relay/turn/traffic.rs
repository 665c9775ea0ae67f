//! What is relayed: from a client to its peers and back. Two relayed addresses of ours meet without a socket between them.

use std::net::SocketAddr;

use stun_types::message::Message;
use stun_types::prelude::AttributeStaticType;
use turn_types::attribute::{Data, XorPeerAddress};

use super::{Class, Client, Moment, Output, PortId, Turn, wire};

impl Turn {
    /// RFC 8656 section 11.2.
    pub(super) fn send_indication(&mut self, now: Moment, client: Client, message: &Message<'_>) {
        let known = [XorPeerAddress::TYPE, Data::TYPE];
        let (peer, data) = (
            message.attribute::<XorPeerAddress>(),
            message.attribute::<Data<'_>>(),
        );
        if let (Ok(peer), Ok(data), Ok(())) = (peer, data, wire::understand(message, &known)) {
            let peer = peer.addr(message.transaction_id());
            self.forward(now, client, peer, data.data());
        }
    }

    /// RFC 8656 section 12.6.
    pub(super) fn channel_data(&mut self, now: Moment, client: Client, data: &[u8]) {
        let Some((number, data)) = wire::read_channel_data(data) else {
            return;
        };
        let port = self.by_client.get(&client);
        let allocation = port.and_then(|p| self.allocations.get(p));
        match allocation.and_then(|a| a.peer_of(now.at, number)) {
            Some(peer) => self.forward(now, client, peer, data),
            None => self.dropped += 1,
        }
    }

    fn forward(&mut self, now: Moment, client: Client, peer: SocketAddr, data: &[u8]) {
        match self.route(now, client, peer, data.len()) {
            None => self.dropped += 1,
            Some(Route::Own { from, port }) => self.peer_data(now, port, from, data),
            Some(Route::Out(port)) => self.outputs.push_back(Output::ToPeer {
                port,
                to: peer,
                data: data.to_vec(),
            }),
        }
    }

    fn route(
        &mut self,
        now: Moment,
        client: Client,
        peer: SocketAddr,
        length: usize,
    ) -> Option<Route> {
        let port = *self.by_client.get(&client)?;
        let own = self.by_relayed.get(&peer).copied();
        let may = own.is_some() || self.anybody_may_reach(peer.ip());
        let allocation = self.allocations.get_mut(&port)?;
        let may = may && allocation.permits(now.at, peer.ip()) && peer.port() != 0;
        if !may || !allocation.to_peers.take_many(now.at, length) {
            return None;
        }
        let from = allocation.relayed;
        Some(own.map_or(Route::Out(port), |port| Route::Own { from, port }))
    }

    /// RFC 8656 sections 11.3 and 12.7: only from whom the client has permitted.
    pub(super) fn peer_data(&mut self, now: Moment, port: PortId, from: SocketAddr, data: &[u8]) {
        let relayed = self.wrap(now, port, from, data);
        match relayed {
            None => self.dropped += 1,
            Some((client, data)) => self.outputs.push_back(Output::ToClient {
                client,
                data,
                class: Class::Data,
            }),
        }
    }

    fn wrap(
        &mut self,
        now: Moment,
        port: PortId,
        from: SocketAddr,
        data: &[u8],
    ) -> Option<(Client, Vec<u8>)> {
        let allocation = self.allocations.get_mut(&port)?;
        if !allocation.permits(now.at, from.ip())
            || !allocation.to_client.take_many(now.at, data.len())
        {
            return None;
        }
        let message = match allocation.channel_to(now.at, from) {
            Some(number) => wire::channel_data(number, data),
            None => {
                self.indications += 1;
                wire::data_indication(self.indications, from, data)
            }
        };
        Some((allocation.client, message?))
    }
}

enum Route {
    /// To another allocation of this server.
    Own { from: SocketAddr, port: PortId },
    /// Through the own socket.
    Out(PortId),
}
