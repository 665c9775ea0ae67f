//! What a client asks for: its own address (Binding), an allocation, a longer life for it.

use std::net::SocketAddr;
use std::time::Duration;

use stun_types::AddressFamily;
use stun_types::attribute::{ErrorCode, Username, XorMappedAddress};
use stun_types::message::{BINDING, Message, MessageClass};
use stun_types::prelude::AttributeStaticType;
use turn_types::attribute::{
    EvenPort, Lifetime, RequestedAddressFamily, RequestedTransport, XorRelayedAddress,
};
use turn_types::message::{ALLOCATE, CHANNEL_BIND, CREATE_PERMISSION, REFRESH, SEND};

use super::allocation::Allocation;
use super::auth::{self, Caller};
use super::wire::{self, Refusal};
use super::{Client, Moment, NoPort, Output, Pending, PortId, Turn, Wanted};

/// RFC 8656 section 7.2 recommends an hour.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);

impl Turn {
    pub(super) fn message(&mut self, now: Moment, client: Client, data: &[u8]) {
        let Some(message) = wire::read(data) else {
            return;
        };
        match (message.class(), message.method()) {
            (MessageClass::Request, BINDING) => self.binding(client, &message),
            (MessageClass::Request, _) => self.request(now, client, &message),
            (MessageClass::Indication, SEND) => self.send_indication(now, client, &message),
            _ => {}
        }
    }

    /// RFC 8489 section 5: where the client is seen from. Anybody may ask.
    fn binding(&mut self, client: Client, request: &Message<'_>) {
        let mapped = XorMappedAddress::new(client.remote, request.transaction_id());
        let answer = match wire::understand(request, &[]) {
            Ok(()) => wire::success(request, &[&mapped], None),
            Err(refusal) => refusal.response(request, None),
        };
        self.answer(client, answer);
    }

    fn request(&mut self, now: Moment, client: Client, request: &Message<'_>) {
        let port = self.by_client.get(&client).copied();
        let allocation = port.and_then(|p| self.allocations.get(&p));
        let owner = allocation.map(|a| a.user.as_str());
        let caller = auth::authenticate(&self.config, now, &client, request, owner);
        let caller = match caller {
            Ok(caller) => caller,
            Err(refusal) => return self.answer(client, refusal.response(request, None)),
        };
        let answer = match (request.method(), port) {
            (ALLOCATE, None) => self.allocate(client, request, &caller),
            (ALLOCATE, Some(port)) => self.allocate_again(now, port, request, &caller),
            (REFRESH | CREATE_PERMISSION | CHANNEL_BIND, None) => {
                Err(ErrorCode::ALLOCATION_MISMATCH.into())
            }
            (_, Some(_)) if owner_differs(self, port, &caller) => {
                Err(ErrorCode::WRONG_CREDENTIALS.into())
            }
            (REFRESH, Some(port)) => self.refresh(now, port, request, &caller).map(Some),
            (CREATE_PERMISSION, Some(port)) => self
                .create_permission(now, port, request, &caller)
                .map(Some),
            (CHANNEL_BIND, Some(port)) => self.channel_bind(now, port, request, &caller).map(Some),
            _ => Err(ErrorCode::BAD_REQUEST.into()),
        };
        match answer {
            Ok(Some(answer)) => self.answer(client, answer),
            Ok(None) => {}
            Err(refusal) => self.answer(client, refusal.response(request, Some(&caller.key))),
        }
    }

    /// RFC 8656 section 7.2. The answer follows when there is a socket.
    fn allocate(
        &mut self,
        client: Client,
        request: &Message<'_>,
        caller: &Caller,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let known = [
            RequestedTransport::TYPE,
            RequestedAddressFamily::TYPE,
            EvenPort::TYPE,
            Lifetime::TYPE,
        ];
        wire::understand(request, &known)?;
        let transport = request.attribute::<RequestedTransport>();
        let transport = transport.map_err(|_| ErrorCode::BAD_REQUEST)?.protocol();
        if transport != RequestedTransport::UDP {
            return Err(ErrorCode::UNSUPPORTED_TRANSPORT_PROTOCOL.into());
        }
        let wanted = Wanted {
            ipv6: family(request)? == Some(AddressFamily::IPV6),
            even: request.has_attribute(EvenPort::TYPE),
            reached: client.local,
        };
        // The next port cannot be kept for later.
        if request.attribute::<EvenPort>().is_ok_and(|e| e.requested()) {
            return Err(ErrorCode::INSUFFICIENT_CAPACITY.into());
        }
        let own = self.users.get(&caller.user).copied().unwrap_or_default();
        if own >= self.config.max_per_user {
            return Err(ErrorCode::ALLOCATION_QUOTA_REACHED.into());
        }
        if self.by_client.len() >= self.config.max_allocations {
            return Err(ErrorCode::INSUFFICIENT_CAPACITY.into());
        }
        let port = PortId(self.ports);
        self.ports += 1;
        let pending = Pending {
            client,
            user: caller.user.clone(),
            request: request.as_bytes().to_vec(),
        };
        self.pending.insert(port, pending);
        self.by_client.insert(client, port);
        *self.users.entry(caller.user.clone()).or_default() += 1;
        self.outputs.push_back(Output::Bind { port, wanted });
        Ok(None)
    }

    /// The same request once more, since its answer was lost, or one too many.
    fn allocate_again(
        &mut self,
        now: Moment,
        port: PortId,
        request: &Message<'_>,
        caller: &Caller,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        match self.allocations.get(&port) {
            // Its answer is on the way.
            None => Ok(None),
            Some(a) if a.transaction == request.transaction_id() && a.user == caller.user => {
                Ok(Some(allocated(now, a, request, caller)))
            }
            Some(_) => Err(ErrorCode::ALLOCATION_MISMATCH.into()),
        }
    }

    pub(super) fn bound(&mut self, now: Moment, port: PortId, relayed: Result<SocketAddr, NoPort>) {
        let Some(pending) = self.pending.get(&port) else {
            // Its client has gone meanwhile, which was said.
            return;
        };
        let (client, bytes) = (pending.client, pending.request.clone());
        let Some((request, username)) = wire::read(&bytes).and_then(|r| {
            let username = r.attribute::<Username>().ok()?.username().to_owned();
            Some((r, username))
        }) else {
            return self.free(port);
        };
        let caller = Caller {
            user: pending.user.clone(),
            key: auth::key(&self.config.secret, &username),
        };
        let relayed = match relayed {
            Ok(relayed) => relayed,
            Err(why) => {
                let code = match why {
                    NoPort::Family => ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED,
                    NoPort::Capacity => ErrorCode::INSUFFICIENT_CAPACITY,
                };
                self.free(port);
                let answer = Refusal::from(code).response(&request, Some(&caller.key));
                return self.answer(client, answer);
            }
        };
        self.pending.remove(&port);
        let times = (now.at, self.lifetime(&request), self.config.max_rate);
        let transaction = request.transaction_id();
        let user = caller.user.clone();
        let allocation = Allocation::new(client, user, relayed, transaction, times);
        let answer = allocated(now, &allocation, &request, &caller);
        self.expiries.insert((allocation.expires, port));
        self.by_relayed.insert(relayed, port);
        self.allocations.insert(port, allocation);
        self.answer(client, answer);
    }

    /// What it asks for, but no less than usual and no more than an hour.
    fn lifetime(&self, request: &Message<'_>) -> Duration {
        let asked = request.attribute::<Lifetime>().map(|l| l.seconds());
        let asked = Duration::from_secs(asked.unwrap_or_default().into());
        asked.min(MAX_LIFETIME).max(self.config.lifetime)
    }

    /// RFC 8656 section 8: a longer life, or none.
    fn refresh(
        &mut self,
        now: Moment,
        port: PortId,
        request: &Message<'_>,
        caller: &Caller,
    ) -> Result<Vec<u8>, Refusal> {
        wire::understand(request, &[Lifetime::TYPE, RequestedAddressFamily::TYPE])?;
        let family = family(request)?;
        let asked = request.attribute::<Lifetime>().map(|l| l.seconds());
        let mut lifetime = self.lifetime(request);
        let allocation = self.allocations.get_mut(&port);
        let allocation = allocation.ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        if family.is_some_and(|f| f != AddressFamily::from(&allocation.relayed)) {
            return Err(ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH.into());
        }
        if asked == Ok(0) {
            lifetime = Duration::ZERO;
            self.free(port);
        } else {
            self.expiries.remove(&(allocation.expires, port));
            allocation.expires = now.at + lifetime;
            self.expiries.insert((allocation.expires, port));
        }
        let lifetime = Lifetime::new(seconds(lifetime));
        Ok(wire::success(request, &[&lifetime], Some(&caller.key)))
    }
}

fn owner_differs(turn: &Turn, port: Option<PortId>, caller: &Caller) -> bool {
    let allocation = port.and_then(|p| turn.allocations.get(&p));
    allocation.is_some_and(|a| a.user != caller.user)
}

fn allocated(
    now: Moment,
    allocation: &Allocation,
    request: &Message<'_>,
    caller: &Caller,
) -> Vec<u8> {
    let transaction = request.transaction_id();
    let relayed = XorRelayedAddress::new(allocation.relayed, transaction);
    let mapped = XorMappedAddress::new(allocation.client.remote, transaction);
    let left = allocation.expires.saturating_duration_since(now.at);
    let lifetime = Lifetime::new(seconds(left));
    wire::success(request, &[&relayed, &lifetime, &mapped], Some(&caller.key))
}

/// REQUESTED-ADDRESS-FAMILY, RFC 8656 section 18.6; a third one is 440.
fn family(request: &Message<'_>) -> Result<Option<AddressFamily>, Refusal> {
    if !request.has_attribute(RequestedAddressFamily::TYPE) {
        return Ok(None);
    }
    let asked = request.attribute::<RequestedAddressFamily>();
    let asked = asked.map_err(|_| ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED)?;
    Ok(Some(asked.family()))
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}
