//! A connectivity check that is faster than the answer.

use rtc::stun::attributes::ATTR_USERNAME;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, Message, Setter, TransactionId};
use rtc::stun::textattrs::TextAttribute;
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

use super::{LIMIT, Side};
use crate::rtc::PeerEvent;

/// A Binding success response (RFC 8489 5).
const SUCCESS: [u8; 2] = [0x01, 0x01];

/// The value of the first such line.
fn attribute<'a>(sdp: &'a str, name: &str) -> &'a str {
    let mut lines = sdp.lines();
    lines.find_map(|line| line.strip_prefix(name)).unwrap()
}

fn check(offer: &str, answer: &str) -> Vec<u8> {
    let [ours, theirs] = [offer, answer].map(|sdp| attribute(sdp, "a=ice-ufrag:"));
    let crypto = rtc::crypto::default_provider().unwrap();
    let key = attribute(offer, "a=ice-pwd:").as_bytes().to_vec();
    let mut check = Message::new();
    check.typ = BINDING_REQUEST;
    check.transaction_id = TransactionId::new();
    check.write_header();
    let attributes: [&dyn Setter; 2] = [
        &TextAttribute::new(ATTR_USERNAME, format!("{ours}:{theirs}")),
        &MessageIntegrity::new_raw_integrity_with_provider(key, crypto.crypto()),
    ];
    for attribute in attributes {
        attribute.add_to(&mut check).unwrap();
    }
    check.raw
}

/// It is sent once, and gets its answer as soon as it can be judged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_is_faster_than_the_answer_is_not_lost() {
    let (mut a, mut b) = (Side::open().await, Side::open().await);
    a.peer.open_channel("chat", "").await.unwrap();
    let offer = a.peer.offer().await.unwrap();
    let answer = b.peer.answer(&offer).await.unwrap();
    let port = loop {
        let event = timeout(LIMIT, a.streams.events.recv()).await.unwrap();
        if let Some(PeerEvent::Candidate(found)) = event
            && found.candidate.contains(" 127.0.0.1 ")
        {
            break found.candidate.split(' ').nth(5).unwrap().to_owned();
        }
    };
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let from = socket.local_addr().unwrap();
    let to = format!("127.0.0.1:{port}");
    socket.send_to(&check(&offer, &answer), to).await.unwrap();
    let has_come = async {
        while a.peer.tried().iter().all(|pair| pair.remote != from) {
            sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, has_come).await.unwrap();
    a.peer.accept(&answer).await.unwrap();
    let mut buffer = [0; 1500];
    let answered = async {
        loop {
            let (length, _) = socket.recv_from(&mut buffer).await.unwrap();
            if buffer[..length].starts_with(&SUCCESS) {
                break;
            }
        }
    };
    timeout(LIMIT, answered).await.unwrap();
}
