//! A machine with clients that speak to it and peers that hear it, for short tests.

use stun_types::attribute::{ErrorCode, Nonce, Realm, Username};
use stun_types::message::{
    IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageWriteVec, Method,
};
use stun_types::prelude::{AttributeWrite, MessageWrite, MessageWriteExt};
use turn_types::attribute::{RequestedTransport, XorPeerAddress, XorRelayedAddress};

use super::super::*;
use crate::relay::credentials;

pub(super) const SECRET: &str = "a secret";
pub(super) const UNIX: u64 = 1_700_000_000;

/// The machine's own address; it relays under it, too.
pub(super) const HERE: &str = "192.0.2.1";

pub(super) fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A client by datagrams, from this port of 198.51.100.7.
pub(super) fn client(port: u16) -> Client {
    Client {
        via: Via::Udp(0),
        remote: SocketAddr::from(([198, 51, 100, 7], port)),
        local: HERE.parse().unwrap(),
    }
}

pub(super) fn config() -> Config {
    Config {
        secret: Secret::new(SECRET),
        nonce_key: [7; 20],
        allow_private: false,
        machine: vec![HERE.parse().unwrap(), "10.0.0.1".parse().unwrap()],
        max_allocations: 100,
        max_per_user: 8,
        max_rate: 0,
        lifetime: DEFAULT_LIFETIME,
    }
}

pub(super) struct Desk {
    pub(super) turn: Turn,
    pub(super) now: Moment,
    /// Answers to the binds to come; none is the next free port of [`HERE`].
    pub(super) no_port: Option<NoPort>,
    pub(super) to_clients: Vec<(Client, Vec<u8>)>,
    pub(super) to_peers: Vec<(PortId, SocketAddr, Vec<u8>)>,
    pub(super) open: Vec<PortId>,
    transactions: u128,
}

/// What a user signs with.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: String,
    pub(super) nonce: String,
}

impl Desk {
    pub(super) fn new(config: Config) -> Self {
        Self {
            turn: Turn::new(config),
            now: Moment {
                at: Instant::now(),
                unix: UNIX,
            },
            no_port: None,
            to_clients: Vec::new(),
            to_peers: Vec::new(),
            open: Vec::new(),
            transactions: 0,
        }
    }

    pub(super) fn input(&mut self, input: Input<'_>) {
        self.turn.handle(self.now, input);
        while let Some(output) = self.turn.poll_output() {
            match output {
                Output::ToClient { client, data, .. } => self.to_clients.push((client, data)),
                Output::ToPeer { port, to, data } => self.to_peers.push((port, to, data)),
                Output::Bind { port, wanted } => {
                    let mut number = 50_000 + u16::try_from(port.0).unwrap();
                    number += number % 2 * u16::from(wanted.even);
                    let ip = if wanted.ipv6 { "2001:db8::1" } else { HERE };
                    let relayed = match self.no_port {
                        Some(why) => Err(why),
                        None => Ok(SocketAddr::new(ip.parse().unwrap(), number)),
                    };
                    if relayed.is_ok() {
                        self.open.push(port);
                    }
                    self.turn.handle(self.now, Input::Bound { port, relayed });
                }
                Output::Unbind { port } => self.open.retain(|p| *p != port),
            }
        }
    }

    pub(super) fn waits(&mut self, seconds: u64) {
        self.now.at += Duration::from_secs(seconds);
        self.now.unix += seconds;
        self.input(Input::Tick);
    }

    /// Sends the bytes and gives the one answer.
    pub(super) fn asks(&mut self, client: Client, data: &[u8]) -> Vec<u8> {
        self.to_clients.clear();
        self.input(Input::FromClient { client, data });
        let [(to, answer)] = &self.to_clients[..] else {
            panic!("{} answers", self.to_clients.len())
        };
        assert_eq!(*to, client);
        answer.clone()
    }

    pub(super) fn build(
        &mut self,
        method: Method,
        attributes: &[&dyn AttributeWrite],
        login: Option<&Login>,
    ) -> Vec<u8> {
        self.transactions += 1;
        let transaction = self.transactions.into();
        let class = stun_types::message::MessageClass::Request;
        let kind = stun_types::message::MessageType::from_class_method(class, method);
        let mut message = Message::builder(kind, transaction, MessageWriteVec::new());
        for attribute in attributes {
            message.add_attribute(*attribute).unwrap();
        }
        if let Some(login) = login {
            message
                .add_attribute(&Username::new(&login.username).unwrap())
                .unwrap();
            message.add_attribute(&Realm::new(REALM).unwrap()).unwrap();
            message
                .add_attribute(&Nonce::new(&login.nonce).unwrap())
                .unwrap();
            let (name, password) = (login.username.clone(), login.password.clone());
            let credentials = LongTermKeyCredentials::new(name, password, REALM.to_owned());
            message
                .add_message_integrity(&credentials.into(), IntegrityAlgorithm::Sha1)
                .unwrap();
        }
        message.finish()
    }

    /// The answer's error code; 0 is success.
    pub(super) fn code(
        &mut self,
        client: Client,
        method: Method,
        attributes: &[&dyn AttributeWrite],
        login: &Login,
    ) -> u16 {
        let request = self.build(method, attributes, Some(login));
        code(&self.asks(client, &request))
    }

    /// A user's credentials, with a nonce that this client was given.
    pub(super) fn login(&mut self, client: Client, user: &str) -> Login {
        let request = self.build(turn_types::message::ALLOCATE, &[], None);
        let challenge = self.asks(client, &request);
        let challenge = Message::from_bytes(&challenge).unwrap();
        let issued = credentials::issue(&Secret::new(SECRET), self.now.unix, user);
        Login {
            username: issued.username,
            password: issued.password.expose().to_owned(),
            nonce: challenge.attribute::<Nonce>().unwrap().nonce().to_owned(),
        }
    }

    pub(super) fn allocate(&mut self, client: Client, login: &Login) -> Result<SocketAddr, u16> {
        let transport = RequestedTransport::new(RequestedTransport::UDP);
        let request = self.build(turn_types::message::ALLOCATE, &[&transport], Some(login));
        let answer = self.asks(client, &request);
        relayed(&answer)
    }

    /// A client of this user with an allocation.
    pub(super) fn allocated(&mut self, port: u16, user: &str) -> (Client, Login, SocketAddr) {
        let client = client(port);
        let login = self.login(client, user);
        let relayed = self.allocate(client, &login).unwrap();
        (client, login, relayed)
    }

    /// Asks for the right to talk with a peer.
    pub(super) fn permit(&mut self, client: Client, login: &Login, peer: &str) -> u16 {
        let method = turn_types::message::CREATE_PERMISSION;
        self.transactions += 1;
        let peer = XorPeerAddress::new(addr(peer), self.transactions.into());
        self.transactions -= 1;
        self.code(client, method, &[&peer], login)
    }

    pub(super) fn bind(&mut self, client: Client, login: &Login, number: u16, peer: &str) -> u16 {
        let method = turn_types::message::CHANNEL_BIND;
        let number = turn_types::attribute::ChannelNumber::new(number);
        self.transactions += 1;
        let peer = XorPeerAddress::new(addr(peer), self.transactions.into());
        self.transactions -= 1;
        self.code(client, method, &[&number, &peer], login)
    }

    /// A Send indication; gives what has left for peers.
    pub(super) fn sends(
        &mut self,
        client: Client,
        peer: &str,
        data: &[u8],
    ) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut message =
            Message::builder_indication(turn_types::message::SEND, MessageWriteVec::new());
        let transaction = message.transaction_id();
        message
            .add_attribute(&XorPeerAddress::new(addr(peer), transaction))
            .unwrap();
        message
            .add_attribute(&turn_types::attribute::Data::new(data))
            .unwrap();
        self.to_peers.clear();
        self.to_clients.clear();
        let data = &message.finish();
        self.input(Input::FromClient { client, data });
        self.to_peers
            .iter()
            .map(|(_, to, data)| (*to, data.clone()))
            .collect()
    }

    /// Something comes to the last relayed address that was opened; gives what clients hear of it.
    pub(super) fn arrives(&mut self, from: &str, data: &[u8]) -> Vec<Vec<u8>> {
        self.to_clients.clear();
        let (port, from) = (*self.open.last().unwrap(), addr(from));
        self.input(Input::FromPeer { port, from, data });
        self.to_clients
            .iter()
            .map(|(_, data)| data.clone())
            .collect()
    }

    /// Nothing is left of anything.
    pub(super) fn is_empty(&self) -> bool {
        let turn = &self.turn;
        let maps = turn.by_client.is_empty() && turn.by_relayed.is_empty() && turn.users.is_empty();
        maps && turn.allocations.is_empty() && turn.pending.is_empty() && turn.expiries.is_empty()
    }
}

pub(super) fn code(answer: &[u8]) -> u16 {
    let answer = Message::from_bytes(answer).unwrap();
    answer.attribute::<ErrorCode>().map_or(0, |e| e.code())
}

pub(super) fn relayed(answer: &[u8]) -> Result<SocketAddr, u16> {
    let message = Message::from_bytes(answer).unwrap();
    let relayed = message.attribute::<XorRelayedAddress>();
    relayed
        .map(|r| r.addr(message.transaction_id()))
        .map_err(|_| code(answer))
}
