//! Requests as they are read, responses as they are written.

use std::net::SocketAddr;

use stun_types::attribute::{
    AttributeType, ErrorCode, Fingerprint, MessageIntegrity, MessageIntegritySha256, Nonce,
    PasswordAlgorithm, Realm, UnknownAttributes, Userhash, Username,
};
use stun_types::message::{
    IntegrityAlgorithm, IntegrityKey, Message, MessageClass, MessageType, MessageWriteVec,
    TransactionId,
};
use stun_types::prelude::{
    Attribute, AttributeStaticType, AttributeWrite, MessageWrite, MessageWriteExt,
};
use turn_types::attribute::{Data, XorPeerAddress};
use turn_types::channel::ChannelData;
use turn_types::message::DATA;

const HEADER: usize = 20;

/// What the mechanisms of RFC 8489 bring along with any request.
const GENERAL: &[AttributeType] = &[
    Username::TYPE,
    Userhash::TYPE,
    Realm::TYPE,
    Nonce::TYPE,
    PasswordAlgorithm::TYPE,
    MessageIntegrity::TYPE,
    MessageIntegritySha256::TYPE,
    Fingerprint::TYPE,
];

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    code: u16,
    unknown: Vec<AttributeType>,
    /// Comes with the realm, for the client to try again.
    nonce: Option<String>,
}

impl Refusal {
    /// 401 or 438.
    pub(super) fn challenge(code: u16, nonce: String) -> Self {
        Self {
            nonce: Some(nonce),
            ..code.into()
        }
    }

    /// The response; signed once the client has proved itself.
    pub(super) fn response(&self, request: &Message<'_>, key: Option<&IntegrityKey>) -> Vec<u8> {
        let reason = ErrorCode::default_reason_for_code(self.code);
        let code = ErrorCode::new(self.code, reason).ok();
        let unknown = UnknownAttributes::new(&self.unknown);
        let unknown = (!self.unknown.is_empty()).then_some(unknown);
        let nonce = self.nonce.as_deref().and_then(|n| Nonce::new(n).ok());
        let realm = nonce.as_ref().and_then(|_| Realm::new(super::REALM).ok());
        let mut attributes: Vec<&dyn AttributeWrite> = Vec::new();
        attributes.extend(code.as_ref().map(|a| a as &dyn AttributeWrite));
        attributes.extend(unknown.as_ref().map(|a| a as &dyn AttributeWrite));
        attributes.extend(realm.as_ref().map(|a| a as &dyn AttributeWrite));
        attributes.extend(nonce.as_ref().map(|a| a as &dyn AttributeWrite));
        let builder = Message::builder_error(request, MessageWriteVec::new());
        finish(builder, &attributes, key)
    }
}

impl From<u16> for Refusal {
    fn from(code: u16) -> Self {
        Self {
            code,
            unknown: Vec::new(),
            nonce: None,
        }
    }
}

/// One whole STUN message and nothing behind it.
pub(super) fn read(data: &[u8]) -> Option<Message<'_>> {
    let length = data.get(2..4)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    let whole = length % 4 == 0 && data.len() == HEADER + length;
    whole.then(|| Message::from_bytes(data).ok()).flatten()
}

/// Refuses attributes that must be understood and are not (RFC 8489 section 6.3.1).
pub(super) fn understand(request: &Message<'_>, known: &[AttributeType]) -> Result<(), Refusal> {
    let types = request.iter_attributes().map(|(_, a)| a.get_type());
    let strange = |t: &AttributeType| {
        t.comprehension_required() && !GENERAL.contains(t) && !known.contains(t)
    };
    let unknown: Vec<_> = types.filter(strange).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let code = ErrorCode::UNKNOWN_ATTRIBUTE;
    Err(Refusal {
        unknown,
        ..code.into()
    })
}

/// A success response.
pub(super) fn success(
    request: &Message<'_>,
    attributes: &[&dyn AttributeWrite],
    key: Option<&IntegrityKey>,
) -> Vec<u8> {
    let builder = Message::builder_success(request, MessageWriteVec::new());
    finish(builder, attributes, key)
}

fn finish(
    mut message: MessageWriteVec,
    attributes: &[&dyn AttributeWrite],
    key: Option<&IntegrityKey>,
) -> Vec<u8> {
    // Refused are only repeated attributes and messages of 64 KiB: neither is written here.
    for attribute in attributes {
        let _ = message.add_attribute(*attribute);
    }
    if let Some(key) = key {
        let _ = message.add_message_integrity_with_key(key, IntegrityAlgorithm::Sha1);
    }
    let _ = message.add_fingerprint();
    message.finish()
}

/// What a peer has sent, as an indication; `None` if it is too long for one.
pub(super) fn data_indication(number: u64, peer: SocketAddr, data: &[u8]) -> Option<Vec<u8>> {
    let transaction = TransactionId::from(u128::from(number));
    let kind = MessageType::from_class_method(MessageClass::Indication, DATA);
    let mut message = Message::builder(
        kind,
        transaction,
        MessageWriteVec::with_capacity(data.len() + 64),
    );
    message
        .add_attribute(&XorPeerAddress::new(peer, transaction))
        .ok()?;
    // The crate's own attribute would take 64 KiB and more for less.
    u16::try_from(data.len()).ok()?;
    message.add_attribute(&Data::new(data)).ok()?;
    Some(message.finish())
}

/// The same on a channel (RFC 8656 section 12.4), without padding.
pub(super) fn channel_data(number: u16, data: &[u8]) -> Option<Vec<u8>> {
    u16::try_from(data.len()).ok()?;
    let mut bytes = vec![0; 4 + data.len()];
    ChannelData::new(number, data).write_into_unchecked(&mut bytes);
    Some(bytes)
}

/// A channel's number and what was sent on it; a datagram may be longer by its padding.
pub(super) fn read_channel_data(data: &[u8]) -> Option<(u16, &[u8])> {
    let (number, length) = ChannelData::parse_header(data).ok()?;
    Some((number, data.get(4..4 + length)?))
}
