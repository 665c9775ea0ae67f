//! A TURN client that says exactly what a test wants, and tells exactly what it is answered.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use stun_types::attribute::{ErrorCode, Nonce, Realm, Username, XorMappedAddress};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass, MessageType,
    MessageWriteVec, Method, TransactionId,
};
use stun_types::prelude::{AttributeWrite, MessageWrite, MessageWriteExt};
use tests::{LIMIT, Stranger};
use tokio::time::timeout;
use turn_types::attribute::{
    ChannelNumber, Data, Lifetime, RequestedAddressFamily, RequestedTransport, XorPeerAddress,
    XorRelayedAddress,
};
use turn_types::message::{ALLOCATE, CHANNEL_BIND, CREATE_PERMISSION, DATA, REFRESH, SEND};

pub(crate) use super::line::{Line, Transport};

/// A user name and a password.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: String,
}

/// How long a test waits for what must not come.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);
/// How long before a datagram is sent again: a busy machine may lose one.
const AGAIN: Duration = Duration::from_millis(500);
const TRIES: u32 = 30;

pub(crate) struct Turn {
    line: Line,
    login: Login,
    /// From the last challenge.
    realm: String,
    nonce: String,
    /// Data that came while an answer was waited for.
    heard: Vec<(SocketAddr, Vec<u8>)>,
    channels: Vec<(u16, SocketAddr)>,
}

/// The ICE servers of a fresh `peer.v1` client of this name.
pub(crate) async fn ice_servers(url: &str, name: &str) -> Value {
    let (_stranger, welcome) = Stranger::peer(url, name, "answer").await;
    welcome["iceServers"].clone()
}

/// The credentials of the entry that has some.
pub(crate) fn login(ice_servers: &Value) -> Login {
    let list = ice_servers.as_array().expect("a list");
    let entry = list.iter().find(|s| s["username"].is_string());
    let entry = entry.expect("an entry with credentials");
    let text = |key: &str| entry[key].as_str().expect("a text").to_owned();
    Login {
        username: text("username"),
        password: text("credential"),
    }
}

impl Turn {
    pub(crate) async fn connect(server: SocketAddr, transport: Transport, login: Login) -> Self {
        Self {
            line: Line::connect(server, transport).await,
            login,
            realm: String::new(),
            nonce: String::new(),
            heard: Vec::new(),
            channels: Vec::new(),
        }
    }

    pub(crate) fn set_login(&mut self, login: Login) {
        self.login = login;
    }

    /// Where this client is seen from.
    pub(crate) async fn binding(&mut self) -> SocketAddr {
        let request = self.request(BINDING, &[], TransactionId::generate(), false);
        let answer = self.answer(&request).await;
        let answer = Message::from_bytes(&answer).expect("STUN");
        let mapped = answer.attribute::<XorMappedAddress>();
        mapped.expect("an address").addr(answer.transaction_id())
    }

    /// A relayed address, or the error code.
    pub(crate) async fn allocate(&mut self, ipv6: bool) -> Result<SocketAddr, u16> {
        let transport = RequestedTransport::new(RequestedTransport::UDP);
        let family = RequestedAddressFamily::new(stun_types::AddressFamily::IPV6);
        let attributes: &[&dyn AttributeWrite] = if ipv6 {
            &[&transport, &family]
        } else {
            &[&transport]
        };
        let answer = self
            .asks_as(TransactionId::generate(), ALLOCATE, attributes)
            .await?;
        let answer = Message::from_bytes(&answer).expect("STUN");
        let relayed = answer.attribute::<XorRelayedAddress>();
        Ok(relayed.expect("an address").addr(answer.transaction_id()))
    }

    pub(crate) async fn permit(&mut self, peer: SocketAddr) -> Result<(), u16> {
        let (id, method) = (TransactionId::generate(), CREATE_PERMISSION);
        let peer = XorPeerAddress::new(peer, id);
        self.asks_as(id, method, &[&peer]).await.map(drop)
    }

    pub(crate) async fn bind(&mut self, number: u16, peer: SocketAddr) -> Result<(), u16> {
        let id = TransactionId::generate();
        let (channel, to) = (ChannelNumber::new(number), XorPeerAddress::new(peer, id));
        self.asks_as(id, CHANNEL_BIND, &[&channel, &to]).await?;
        self.channels.push((number, peer));
        Ok(())
    }

    pub(crate) async fn refresh(&mut self, seconds: u32) -> Result<u32, u16> {
        let lifetime = Lifetime::new(seconds);
        let answer = self
            .asks_as(TransactionId::generate(), REFRESH, &[&lifetime])
            .await?;
        let answer = Message::from_bytes(&answer).expect("STUN");
        Ok(answer
            .attribute::<Lifetime>()
            .expect("a lifetime")
            .seconds())
    }

    /// As a Send indication, or on the channel if one is bound.
    pub(crate) async fn sends(&mut self, peer: SocketAddr, data: &[u8]) {
        let channel = self.channels.iter().find(|(_, to)| *to == peer);
        let bytes = if let Some((number, _)) = channel {
            let length = u16::try_from(data.len()).expect("a datagram");
            let mut bytes = [number.to_be_bytes(), length.to_be_bytes()].concat();
            bytes.extend(data);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes
        } else {
            let id = TransactionId::generate();
            let kind = MessageType::from_class_method(MessageClass::Indication, SEND);
            let mut message = Message::builder(kind, id, MessageWriteVec::new());
            let peer = XorPeerAddress::new(peer, id);
            message.add_attribute(&peer).expect("room");
            message.add_attribute(&Data::new(data)).expect("room");
            message.finish()
        };
        self.write(&bytes).await;
    }

    /// What comes next from a peer.
    pub(crate) async fn hears(&mut self) -> (SocketAddr, Vec<u8>) {
        let heard = timeout(LIMIT, self.hears_within()).await;
        heard.expect("something to hear")
    }

    /// Nothing at all comes from a peer for a while.
    pub(crate) async fn hears_nothing(&mut self) {
        if let Ok(heard) = timeout(SILENCE, self.hears_within()).await {
            panic!("heard {heard:?}");
        }
    }

    async fn hears_within(&mut self) -> (SocketAddr, Vec<u8>) {
        loop {
            if !self.heard.is_empty() {
                return self.heard.remove(0);
            }
            let bytes = self.line.read().await;
            self.keep(&bytes);
        }
    }

    /// A request without credentials, whatever the server has told: the error code.
    pub(crate) async fn asks_as_stranger(&mut self, method: Method) -> u16 {
        let transport = RequestedTransport::new(RequestedTransport::UDP);
        let request = self.request(method, &[&transport], TransactionId::generate(), false);
        let answer = self.answer(&request).await;
        code(&answer)
    }

    /// The connection is closed by the server.
    pub(crate) async fn is_closed(&mut self) {
        let ended = timeout(LIMIT, self.line.end()).await;
        ended.expect("the server closes");
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.line.write(bytes).await;
    }

    /// Signed as soon as the server has told its realm; a challenge is answered once.
    async fn asks_as(
        &mut self,
        id: TransactionId,
        method: Method,
        attributes: &[&dyn AttributeWrite],
    ) -> Result<Vec<u8>, u16> {
        for first in [true, false] {
            let request = self.request(method, attributes, id, !self.nonce.is_empty());
            let answer = self.answer(&request).await;
            let signed = !self.nonce.is_empty();
            let message = Message::from_bytes(&answer).expect("STUN");
            let challenge = (message.attribute::<Realm>(), message.attribute::<Nonce>());
            if let (Ok(realm), Ok(nonce)) = challenge {
                self.realm = realm.realm().to_owned();
                self.nonce = nonce.nonce().to_owned();
            }
            match code(&answer) {
                0 => return Ok(answer),
                401 if first && !signed => {}
                438 if first => {}
                code => return Err(code),
            }
        }
        unreachable!("the second answer counts")
    }

    fn request(
        &self,
        method: Method,
        attributes: &[&dyn AttributeWrite],
        id: TransactionId,
        signed: bool,
    ) -> Vec<u8> {
        let kind = MessageType::from_class_method(MessageClass::Request, method);
        let mut message = Message::builder(kind, id, MessageWriteVec::new());
        for attribute in attributes {
            message.add_attribute(*attribute).expect("room");
        }
        if signed {
            let Login { username, password } = self.login.clone();
            let username_ = Username::new(&username).expect("a user name");
            message.add_attribute(&username_).expect("room");
            message
                .add_attribute(&Realm::new(&self.realm).expect("a realm"))
                .expect("room");
            message
                .add_attribute(&Nonce::new(&self.nonce).expect("a nonce"))
                .expect("room");
            let key = LongTermKeyCredentials::new(username, password, self.realm.clone());
            let signed = message.add_message_integrity(&key.into(), IntegrityAlgorithm::Sha1);
            signed.expect("room");
        }
        message.finish()
    }

    /// The response to this request, which is repeated until there is one.
    async fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let tcp = self.line.transport() == Transport::Tcp;
        for attempt in 0..TRIES {
            if attempt == 0 || !tcp {
                self.write(request).await;
            }
            let waiting = async {
                loop {
                    let bytes = self.line.read().await;
                    if bytes[0] & 0xc0 == 0 && bytes[4..20] == request[4..20] {
                        return bytes;
                    }
                    self.keep(&bytes);
                }
            };
            if let Ok(answer) = timeout(AGAIN, waiting).await {
                return answer;
            }
        }
        panic!("no answer");
    }

    fn keep(&mut self, bytes: &[u8]) {
        if bytes[0] & 0xc0 == 0x40 {
            let number = u16::from_be_bytes([bytes[0], bytes[1]]);
            let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
            let (_, peer) = self
                .channels
                .iter()
                .find(|(n, _)| *n == number)
                .expect("a channel");
            self.heard.push((*peer, bytes[4..4 + length].to_vec()));
            return;
        }
        let message = Message::from_bytes(bytes).expect("STUN");
        if message.method() == DATA {
            let peer = message.attribute::<XorPeerAddress>().expect("a peer");
            let data = message.attribute::<Data<'_>>().expect("data");
            let peer = peer.addr(message.transaction_id());
            self.heard.push((peer, data.data().to_vec()));
        }
    }
}

fn code(answer: &[u8]) -> u16 {
    let answer = Message::from_bytes(answer).expect("STUN");
    answer.attribute::<ErrorCode>().map_or(0, |e| e.code())
}
