//! What passes between the crate's TURN client and a server, as far as people want to know it: whether the
//! allocation (RFC 8656 7) came about, and what the server said instead.

use std::net::SocketAddr;

use rtc::stun::attributes::ATTR_USERNAME;
use rtc::stun::error_code::ErrorCodeAttribute;
use rtc::stun::message::{
    CLASS_ERROR_RESPONSE, CLASS_REQUEST, CLASS_SUCCESS_RESPONSE, Getter, METHOD_ALLOCATE,
    METHOD_BINDING, Message, TransactionId, is_stun_message,
};
use rtc::turn::proto::relayaddr::RelayedAddress;

use super::framing::is_channel_data;
use crate::rtc::stun::{is_usable, reason_in_words};

/// RFC 8489 14.8: the server wants to know who asks.
const UNAUTHORIZED: u16 = 401;

/// Follows one allocation.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The last request, and whether it said who we are.
    asked: Option<(TransactionId, bool)>,
}

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It relays from this address.
    Up(SocketAddr),
    /// It does not, for this reason.
    Refused {
        /// RFC 8489 14.8, RFC 8656 15.
        code: u16,
        /// The server's own words.
        reason: String,
    },
    /// It relays for anybody, without asking who it is; the crate's client cannot use that.
    Open,
    /// There is something in it, or missing, that no server should say.
    Strange(&'static str),
}

impl Watch {
    /// Looks at what leaves.
    pub(super) fn sent(&mut self, datagram: &[u8]) {
        let Some(message) = stun(datagram).filter(|m| m.typ.method == METHOD_ALLOCATE) else {
            return;
        };
        if message.typ.class == CLASS_REQUEST {
            let says_who = message.contains(ATTR_USERNAME);
            self.asked = Some((message.transaction_id, says_who));
        }
    }

    /// Looks at what comes; each answer counts once.
    pub(super) fn heard(&mut self, datagram: &[u8]) -> Option<Answer> {
        let (asked, says_who) = self.asked?;
        let message = stun(datagram)?;
        if message.typ.method != METHOD_ALLOCATE || message.transaction_id != asked {
            return None;
        }
        let answer = match message.typ.class {
            CLASS_SUCCESS_RESPONSE if says_who => {
                let mut relayed = RelayedAddress::default();
                let read = relayed.get_from(&message).is_ok();
                let relayed = SocketAddr::new(relayed.ip, relayed.port);
                if read && is_usable(relayed) {
                    Answer::Up(relayed)
                } else {
                    Answer::Strange("no relayed address in it")
                }
            }
            CLASS_SUCCESS_RESPONSE => Answer::Open,
            CLASS_ERROR_RESPONSE => {
                let mut error = ErrorCodeAttribute::default();
                if error.get_from(&message).is_err() {
                    self.asked = None;
                    return Some(Answer::Strange("an error without a code"));
                }
                // The first request says nothing on purpose: this is how the realm is learned.
                if error.code.0 == UNAUTHORIZED && !says_who {
                    return None;
                }
                Answer::Refused {
                    code: error.code.0,
                    reason: reason_in_words(&error.reason),
                }
            }
            _ => return None,
        };
        self.asked = None;
        Some(answer)
    }
}

/// Whether a datagram from a server's address is part of TURN, and no answer to a binding request of our own.
pub(super) fn is_turn(datagram: &[u8]) -> bool {
    is_channel_data(datagram) || stun(datagram).is_some_and(|m| m.typ.method != METHOD_BINDING)
}

/// Whether this carries something for a peer, rather than words for the server.
pub(super) fn is_payload(datagram: &[u8]) -> bool {
    /// A Send indication (RFC 8656 16): method 6, class 1.
    const SEND: [u8; 2] = [0x00, 0x16];
    is_channel_data(datagram) || datagram.starts_with(&SEND)
}

fn stun(datagram: &[u8]) -> Option<Message> {
    if !is_stun_message(datagram) {
        return None;
    }
    let mut message = Message::new();
    message.unmarshal_binary(datagram).ok()?;
    Some(message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rtc::stun::error_code::ErrorCode;
    use rtc::stun::message::{MessageClass, MessageType, Setter};
    use rtc::stun::textattrs::Username;

    fn message(id: TransactionId, class: MessageClass, setters: &[&dyn Setter]) -> Vec<u8> {
        let mut message = Message::new();
        message.typ = MessageType::new(METHOD_ALLOCATE, class);
        message.transaction_id = id;
        message.write_header();
        for setter in setters {
            setter.add_to(&mut message).unwrap();
        }
        message.encode();
        message.raw
    }

    fn error(code: u16) -> ErrorCodeAttribute {
        ErrorCodeAttribute {
            code: ErrorCode(code),
            reason: b"No\x07pe".to_vec(),
        }
    }

    #[test]
    fn the_first_401_is_a_question_and_the_second_an_answer() {
        let mut watch = Watch::default();
        let (first, second) = (TransactionId::new(), TransactionId::new());
        watch.sent(&message(first, CLASS_REQUEST, &[]));
        let refusal = |id, code| message(id, CLASS_ERROR_RESPONSE, &[&error(code)]);
        assert_eq!(watch.heard(&refusal(first, 401)), None);
        let user = Username::new(ATTR_USERNAME, "u".to_owned());
        watch.sent(&message(second, CLASS_REQUEST, &[&user]));
        assert_eq!(watch.heard(&refusal(first, 401)), None, "late");
        let refused = Answer::Refused {
            code: 401,
            reason: "Nope".to_owned(),
        };
        assert_eq!(watch.heard(&refusal(second, 401)), Some(refused));
        assert_eq!(watch.heard(&refusal(second, 401)), None, "once");
    }

    #[test]
    fn success_names_the_relayed_address() {
        let mut watch = Watch::default();
        let id = TransactionId::new();
        let user = Username::new(ATTR_USERNAME, "u".to_owned());
        watch.sent(&message(id, CLASS_REQUEST, &[&user]));
        let relayed = RelayedAddress {
            ip: "203.0.113.1".parse().unwrap(),
            port: 49_160,
        };
        let answer = message(id, CLASS_SUCCESS_RESPONSE, &[&relayed]);
        assert_eq!(
            watch.heard(&answer),
            Some(Answer::Up("203.0.113.1:49160".parse().unwrap()))
        );
    }

    #[test]
    fn an_answer_that_no_server_should_give_is_told_as_such() {
        let user = Username::new(ATTR_USERNAME, "u".to_owned());
        let nowhere = |ip: &str, port| RelayedAddress {
            ip: ip.parse().unwrap(),
            port,
        };
        let no_address = Answer::Strange("no relayed address in it");
        let setters: [(MessageClass, &[&dyn Setter], Answer); 5] = [
            (CLASS_SUCCESS_RESPONSE, &[], no_address.clone()),
            (
                CLASS_SUCCESS_RESPONSE,
                &[&nowhere("0.0.0.0", 49_160)],
                no_address.clone(),
            ),
            (
                CLASS_SUCCESS_RESPONSE,
                &[&nowhere("192.0.2.1", 0)],
                no_address.clone(),
            ),
            (
                CLASS_SUCCESS_RESPONSE,
                &[&nowhere("224.0.0.1", 49_160)],
                no_address,
            ),
            (
                CLASS_ERROR_RESPONSE,
                &[],
                Answer::Strange("an error without a code"),
            ),
        ];
        for (class, setters, told) in setters {
            let mut watch = Watch::default();
            let id = TransactionId::new();
            watch.sent(&message(id, CLASS_REQUEST, &[&user]));
            let answer = message(id, class, setters);
            assert_eq!(watch.heard(&answer), Some(told));
            assert_eq!(watch.heard(&answer), None, "once");
        }
    }

    #[test]
    fn bindings_and_noise_are_none_of_it() {
        let mut binding = Message::new();
        binding.typ = rtc::stun::message::BINDING_REQUEST;
        binding.encode();
        assert!(!is_turn(&binding.raw) && !is_payload(&binding.raw));
        assert!(is_turn(&message(TransactionId::new(), CLASS_REQUEST, &[])));
        assert!(is_turn(&[0x40, 0, 0, 0]) && is_payload(&[0x40, 0, 0, 0]));
        assert!(!is_turn(b"") && !is_turn(&[0x80; 30]));
    }
}
