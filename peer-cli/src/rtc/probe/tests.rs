//! Against servers of a few lines on loopback; real ones stand in the laboratory of the whole workspace's tests.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rtc::stun::addr::MappedAddress;
use rtc::stun::attributes::{ATTR_NONCE, ATTR_OTHER_ADDRESS, ATTR_REALM};
use rtc::stun::error_code::{ErrorCode, ErrorCodeAttribute};
use rtc::stun::message::{CLASS_ERROR_RESPONSE, CLASS_SUCCESS_RESPONSE, Getter, Message, Setter};
use rtc::stun::textattrs::TextAttribute;
use rtc::stun::xoraddr::XorMappedAddress;
use shared::Secret;
use tokio::net::UdpSocket;

use super::super::servers::{StunServer, TurnServer};
use super::*;
use crate::net::Dialer;

const PATIENCE: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(300);

/// A UDP server that answers each request as told; `None` is silence.
async fn server(
    answer: impl Fn(&Message, SocketAddr) -> Option<Message> + Send + 'static,
) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let request = message::parse(&buffer[..length]).unwrap();
            if let Some(answer) = answer(&request, from) {
                socket.send_to(&answer.raw, from).await.unwrap();
            }
        }
    });
    addr
}

fn answer(request: &Message, error: bool, attributes: &[&dyn Setter]) -> Message {
    let class = if error {
        CLASS_ERROR_RESPONSE
    } else {
        CLASS_SUCCESS_RESPONSE
    };
    let mut answer = message::message(request.typ.method, class);
    answer.transaction_id = request.transaction_id;
    answer.write_transaction_id();
    for attribute in attributes {
        attribute.add_to(&mut answer).unwrap();
    }
    answer
}

fn error(request: &Message, code: u16, nonce: &str) -> Message {
    let error = ErrorCodeAttribute {
        code: ErrorCode(code),
        reason: b"No".to_vec(),
    };
    let realm = TextAttribute::new(ATTR_REALM, "r".to_owned());
    let nonce = TextAttribute::new(ATTR_NONCE, nonce.to_owned());
    answer(request, true, &[&error, &realm, &nonce])
}

fn stun(addr: SocketAddr) -> StunServer {
    format!("stun:{addr}").parse().unwrap()
}

fn turn(addr: SocketAddr) -> TurnServer {
    TurnServer::new(&format!("turn:{addr}"), "u", Secret::new("p")).unwrap()
}

struct Other(SocketAddr);

impl Setter for Other {
    fn add_to(&self, message: &mut Message) -> Result<(), rtc::shared::error::Error> {
        let address = MappedAddress {
            ip: self.0.ip(),
            port: self.0.port(),
        };
        address.add_to_as(message, ATTR_OTHER_ADDRESS)
    }
}

#[tokio::test]
async fn a_stun_server_tells_our_address_and_its_other_one() {
    let other: SocketAddr = "192.0.2.9:3479".parse().unwrap();
    let addr = server(move |request, from| {
        let mapped = XorMappedAddress {
            ip: from.ip(),
            port: from.port(),
        };
        Some(answer(request, false, &[&mapped, &Other(other)]))
    })
    .await;
    let facts = binding(&stun(addr), &[], PATIENCE).await.unwrap();
    assert_eq!((facts.server, facts.mapped), (addr, facts.local));
    assert_eq!(facts.other, Some(other));
    // --bind does not keep us from a server on this machine.
    let bind = ["192.0.2.7".parse().unwrap()];
    binding(&stun(addr), &bind, PATIENCE).await.unwrap();
    let elsewhere = "stun:[2001:db8::1]:3478".parse().unwrap();
    assert_eq!(
        binding(&elsewhere, &bind, PATIENCE).await,
        Err(ProbeError::Bound)
    );
}

#[tokio::test]
async fn servers_that_are_silent_closed_or_say_no() {
    let silent = server(|_, _| None).await;
    assert_eq!(
        binding(&stun(silent), &[], SHORT).await,
        Err(ProbeError::NoReply)
    );
    assert_eq!(
        allocation(&turn(silent), &Dialer::default(), &[], SHORT).await,
        Err(ProbeError::NoReply)
    );
    let closed = std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(
        binding(&stun(closed), &[], PATIENCE).await,
        Err(ProbeError::Closed)
    );
    let refusing = server(|request, _| Some(error(request, 420, "n"))).await;
    let refused = ProbeError::Refused {
        code: 420,
        reason: "No".to_owned(),
    };
    assert_eq!(binding(&stun(refusing), &[], PATIENCE).await, Err(refused));
    let empty = server(|request, _| Some(answer(request, false, &[]))).await;
    let strange = binding(&stun(empty), &[], PATIENCE).await.unwrap_err();
    assert!(matches!(strange, ProbeError::Strange(_)), "{strange}");
    let nowhere = "stun:nobody.invalid".parse().unwrap();
    let unresolved = binding(&nowhere, &[], PATIENCE).await.unwrap_err();
    assert!(
        matches!(unresolved, ProbeError::Unresolved(_)),
        "{unresolved}"
    );
}

#[tokio::test]
async fn a_lost_request_is_sent_again() {
    let count = AtomicU32::new(0);
    let addr = server(move |request, from| {
        let mapped = XorMappedAddress {
            ip: from.ip(),
            port: from.port(),
        };
        (count.fetch_add(1, Ordering::Relaxed) > 0).then(|| answer(request, false, &[&mapped]))
    })
    .await;
    binding(&stun(addr), &[], PATIENCE).await.unwrap();
}

#[tokio::test]
async fn many_questions_from_one_socket() {
    let tell = |request: &Message, from: SocketAddr| {
        let mapped = XorMappedAddress {
            ip: from.ip(),
            port: from.port(),
        };
        Some(answer(request, false, &[&mapped]))
    };
    let (one, two, silent) = (
        server(tell).await,
        server(tell).await,
        server(|_, _| None).await,
    );
    let questions = [one, silent, two].map(|to| Question {
        to,
        change: Change::Nothing,
    });
    let (local, answers) = ask(&questions, &[], SHORT).await.unwrap();
    let from: Vec<_> = answers
        .iter()
        .map(|answer| answer.map(|answer| answer.from))
        .collect();
    assert_eq!(from, [Some(one), None, Some(two)]);
    // One socket: the same address for both.
    assert_eq!(answers[0].unwrap().mapped, answers[2].unwrap().mapped);
    assert_eq!(answers[0].unwrap().mapped.port(), local.port());
}

#[tokio::test]
async fn the_wrong_password_is_a_401_and_no_user_is_told_apart() {
    let addr = server(|request, _| Some(error(request, 401, "n"))).await;
    let wrong = allocation(&turn(addr), &Dialer::default(), &[], PATIENCE)
        .await
        .unwrap_err();
    assert_eq!(
        wrong,
        ProbeError::Refused {
            code: 401,
            reason: "No".to_owned()
        }
    );
    let anonymous = TurnServer::new(&format!("turn:{addr}"), "", Secret::new("")).unwrap();
    let wanted = allocation(&anonymous, &Dialer::default(), &[], PATIENCE).await;
    assert_eq!(wanted, Err(ProbeError::Anonymous));
}

#[tokio::test]
async fn a_stale_nonce_is_renewed_once() {
    let nonces = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&nonces);
    let addr = server(move |request, _| {
        let mut nonce = TextAttribute {
            attr: ATTR_NONCE,
            ..TextAttribute::default()
        };
        let signed = nonce.get_from(request).is_ok();
        seen.lock().unwrap().push(nonce.text);
        Some(error(
            request,
            if signed { 438 } else { 401 },
            if signed { "second" } else { "first" },
        ))
    })
    .await;
    let stale = allocation(&turn(addr), &Dialer::default(), &[], PATIENCE)
        .await
        .unwrap_err();
    assert_eq!(
        stale,
        ProbeError::Refused {
            code: 438,
            reason: "No".to_owned()
        }
    );
    assert_eq!(*nonces.lock().unwrap(), ["", "first", "second"]);
}

#[tokio::test]
async fn an_answer_that_is_not_signed_with_our_password_is_not_believed() {
    let addr = server(|request, from| {
        let mut nonce = TextAttribute {
            attr: ATTR_NONCE,
            ..TextAttribute::default()
        };
        Some(if nonce.get_from(request).is_err() {
            error(request, 401, "n")
        } else {
            let mapped = XorMappedAddress {
                ip: from.ip(),
                port: from.port(),
            };
            answer(request, false, &[&mapped])
        })
    })
    .await;
    let forged = allocation(&turn(addr), &Dialer::default(), &[], PATIENCE)
        .await
        .unwrap_err();
    assert!(forged.to_string().contains("not signed"), "{forged}");
}
