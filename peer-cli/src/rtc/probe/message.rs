//! STUN messages (RFC 8489) built and read.

use std::net::SocketAddr;

use rtc::stun::addr::MappedAddress;
use rtc::stun::attributes::{ATTR_CHANGE_REQUEST, ATTR_OTHER_ADDRESS};
use rtc::stun::error_code::ErrorCodeAttribute;
use rtc::stun::message::{
    BINDING_REQUEST, CLASS_ERROR_RESPONSE, CLASS_REQUEST, Getter, Message, MessageClass,
    MessageType, Method, Setter, TransactionId,
};
use rtc::stun::xoraddr::XorMappedAddress;

use super::ProbeError;
use crate::rtc::stun;

/// An empty message with a new transaction.
pub(super) fn message(method: Method, class: MessageClass) -> Message {
    let mut message = Message::new();
    message.typ = MessageType { method, class };
    message.transaction_id = TransactionId::new();
    message.write_header();
    message
}

pub(super) fn request(method: Method) -> Message {
    message(method, CLASS_REQUEST)
}

/// A binding request, perhaps with CHANGE-REQUEST (RFC 5780 7.2): 4 is another address, 2 another port.
pub(super) fn binding_request(change: u32) -> Message {
    let mut message = request(BINDING_REQUEST.method);
    if change != 0 {
        message.add(ATTR_CHANGE_REQUEST, &change.to_be_bytes());
    }
    message
}

/// Adds an attribute.
pub(super) fn add(message: &mut Message, attribute: &dyn Setter) -> Result<(), ProbeError> {
    attribute
        .add_to(message)
        .map_err(|error| ProbeError::Strange(error.to_string()))
}

/// Reads one message.
pub(super) fn parse(bytes: &[u8]) -> Option<Message> {
    let mut message = Message::new();
    message.unmarshal_binary(bytes).ok()?;
    Some(message)
}

/// What an error response says.
pub(super) fn refusal(answer: &Message) -> Option<ProbeError> {
    if answer.typ.class != CLASS_ERROR_RESPONSE {
        return None;
    }
    let mut error = ErrorCodeAttribute::default();
    let read = error.get_from(answer).is_ok();
    Some(if read {
        ProbeError::Refused {
            code: error.code.0,
            reason: stun::reason_in_words(&error.reason),
        }
    } else {
        ProbeError::Strange("an error without a code".to_owned())
    })
}

/// XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS of an old server.
pub(super) fn mapped(answer: &Message) -> Option<SocketAddr> {
    let mut mapped = XorMappedAddress::default();
    if mapped.get_from(answer).is_ok() {
        return Some(SocketAddr::new(mapped.ip, mapped.port));
    }
    let mut plain = MappedAddress::default();
    plain.get_from(answer).ok()?;
    Some(SocketAddr::new(plain.ip, plain.port))
}

/// OTHER-ADDRESS (RFC 5780 7.4): where else the server listens.
pub(super) fn other(answer: &Message) -> Option<SocketAddr> {
    let mut other = MappedAddress::default();
    other.get_from_as(answer, ATTR_OTHER_ADDRESS).ok()?;
    Some(SocketAddr::new(other.ip, other.port))
}
