//! An IPv6 socket asks for an IPv6 relayed address (RFC 8656 7.2). The crate's client asks for none in particular, and
//! gets IPv4, which a peer that has only IPv6 cannot reach.

use rtc::crypto::default_provider;
use rtc::stun::attributes::{
    ATTR_NONCE, ATTR_REALM, ATTR_USERNAME, ATTR_XOR_RELAYED_ADDRESS, RawAttribute,
};
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{
    CLASS_REQUEST, METHOD_ALLOCATE, Message, MessageType, Setter, is_stun_message,
};
use rtc::stun::textattrs::TextAttribute;
use rtc::turn::proto::PROTO_UDP;
use rtc::turn::proto::reqfamily::REQUESTED_FAMILY_IPV6;
use rtc::turn::proto::reqtrans::RequestedTransport;

/// The same request for an IPv6 address; `None` where the message asks for no address or not in our name.
pub(super) fn for_ipv6(message: &[u8], password: &str) -> Option<Vec<u8>> {
    if !is_stun_message(message) {
        return None;
    }
    let mut asked = Message::new();
    asked.unmarshal_binary(message).ok()?;
    if asked.typ != MessageType::new(METHOD_ALLOCATE, CLASS_REQUEST) {
        return None;
    }
    let text = |attribute| TextAttribute::get_from_as(&asked, attribute).ok();
    let username = text(ATTR_USERNAME)?;
    let realm = text(ATTR_REALM)?;
    let nonce = text(ATTR_NONCE)?;
    let provider = default_provider().ok()?;
    let integrity = MessageIntegrity::new_long_term_integrity_with_provider(
        username.text.clone(),
        realm.text.clone(),
        password.to_owned(),
        provider.crypto(),
    )
    .ok()?;
    let setters: [Box<dyn Setter + '_>; 9] = [
        Box::new(asked.transaction_id),
        Box::new(MessageType::new(METHOD_ALLOCATE, CLASS_REQUEST)),
        Box::new(RequestedTransport {
            protocol: PROTO_UDP,
        }),
        Box::new(REQUESTED_FAMILY_IPV6),
        Box::new(username),
        Box::new(realm),
        Box::new(nonce),
        Box::new(integrity),
        Box::new(FINGERPRINT),
    ];
    let mut rewritten = Message::new();
    rewritten.build(&setters).ok()?;
    Some(rewritten.raw)
}

/// The same answer without relayed addresses that are none: a coturn that has only IPv6 also names 0.0.0.0, first, and
/// the crate's client reads no further. `None` where there is nothing to leave out.
pub(super) fn without_nothing(message: &[u8]) -> Option<Vec<u8>> {
    if !is_stun_message(message) {
        return None;
    }
    let mut answer = Message::new();
    answer.unmarshal_binary(message).ok()?;
    let is_nothing = |attribute: &RawAttribute| {
        /// Family and port, then the address; both are XORed with the magic cookie (RFC 8489 14.2).
        const NOTHING: [u8; 8] = [0, 1, 0x21, 0x12, 0x21, 0x12, 0xa4, 0x42];
        attribute.typ == ATTR_XOR_RELAYED_ADDRESS && attribute.value == NOTHING
    };
    if !answer.attributes.0.iter().any(is_nothing) {
        return None;
    }
    let mut rest = Message::new();
    rest.typ = answer.typ;
    rest.transaction_id = answer.transaction_id;
    rest.write_header();
    for attribute in answer.attributes.0.iter().filter(|a| !is_nothing(a)) {
        rest.add(attribute.typ, &attribute.value);
    }
    rest.encode();
    Some(rest.raw)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rtc::stun::message::{CLASS_SUCCESS_RESPONSE, Getter, TransactionId};
    use rtc::turn::proto::relayaddr::RelayedAddress;
    use rtc::turn::proto::reqfamily::RequestedAddressFamily;

    fn request(texts: &[(rtc::stun::attributes::AttrType, &str)]) -> Message {
        let mut message = Message::new();
        let mut setters: Vec<Box<dyn Setter>> = vec![
            Box::new(TransactionId::new()),
            Box::new(MessageType::new(METHOD_ALLOCATE, CLASS_REQUEST)),
            Box::new(RequestedTransport {
                protocol: PROTO_UDP,
            }),
        ];
        for (attribute, text) in texts {
            setters.push(Box::new(TextAttribute::new(*attribute, (*text).to_owned())));
        }
        message.build(&setters).unwrap();
        message
    }

    #[test]
    fn the_request_is_the_same_but_for_the_family_and_signed_anew() {
        let texts = [
            (ATTR_USERNAME, "u"),
            (ATTR_REALM, "lab.test"),
            (ATTR_NONCE, "n"),
        ];
        let asked = request(&texts);
        let rewritten = for_ipv6(&asked.raw, "p").unwrap();
        let mut read = Message::new();
        read.unmarshal_binary(&rewritten).unwrap();
        assert_eq!(read.transaction_id, asked.transaction_id);
        let mut family = RequestedAddressFamily::default();
        family.get_from(&read).unwrap();
        assert_eq!(family, REQUESTED_FAMILY_IPV6);
        let provider = default_provider().unwrap();
        let crypto = provider.crypto();
        let mut signed_with = |password: &str| {
            let word = |text: &str| text.to_owned();
            let key = MessageIntegrity::long_term_integrity_key(
                word("u"),
                word("lab.test"),
                word(password),
                crypto,
            );
            MessageIntegrity::check(&mut read, &key.unwrap(), crypto).is_ok()
        };
        assert!(signed_with("p") && !signed_with("q"));
    }

    #[test]
    fn an_address_that_is_none_is_left_out_of_an_answer() {
        let relayed = |ip: &str, port| RelayedAddress {
            ip: ip.parse().unwrap(),
            port,
        };
        let mut answer = Message::new();
        answer
            .build(&[
                Box::new(TransactionId::new()),
                Box::new(MessageType::new(METHOD_ALLOCATE, CLASS_SUCCESS_RESPONSE)),
                Box::new(relayed("0.0.0.0", 0)),
                Box::new(relayed("2001:db8::1", 49_160)),
            ])
            .unwrap();
        let rest = without_nothing(&answer.raw).unwrap();
        let mut read = Message::new();
        read.unmarshal_binary(&rest).unwrap();
        let mut first = RelayedAddress::default();
        first.get_from(&read).unwrap();
        assert_eq!(
            (first.ip.to_string().as_str(), first.port),
            ("2001:db8::1", 49_160)
        );
        assert_eq!(read.transaction_id, answer.transaction_id);
        assert_eq!(without_nothing(&rest), None);
        assert_eq!(without_nothing(b""), None);
    }

    #[test]
    fn what_asks_for_nothing_or_for_nobody_stays() {
        assert_eq!(for_ipv6(&request(&[]).raw, "p"), None);
        assert_eq!(for_ipv6(&[0x40, 0, 0, 0], "p"), None);
        assert_eq!(for_ipv6(b"", "p"), None);
    }
}
