//! Binding requests (RFC 8489 2): who answers, and what our address looks like from there.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rtc::stun::message::{Message, TransactionId};
use tokio::net::UdpSocket;

use super::super::servers::StunServer;
use super::link::{Link, RETRANSMIT};
use super::{ProbeError, message, source};

/// What one STUN server says of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindingFacts {
    /// The address of the server that answered.
    pub server: SocketAddr,
    /// The address that we sent from.
    pub local: SocketAddr,
    /// Our address as the server sees it.
    pub mapped: SocketAddr,
    /// OTHER-ADDRESS: where else it listens, if it helps to discover NATs (RFC 5780).
    pub other: Option<SocketAddr>,
    /// From the request to its answer.
    pub round_trip: Duration,
}

/// Asks one server, from a socket of its own.
///
/// # Errors
/// Why there is no answer.
pub async fn binding(
    server: &StunServer,
    bind: &[IpAddr],
    patience: Duration,
) -> Result<BindingFacts, ProbeError> {
    let mut link = Link::udp(server.resolve().await, bind).await?;
    let (server, local) = link.ends()?;
    let (answer, round_trip) = link.ask(&message::binding_request(0), patience).await?;
    if let Some(refusal) = message::refusal(&answer) {
        return Err(refusal);
    }
    let mapped = message::mapped(&answer)
        .ok_or_else(|| ProbeError::Strange("no mapped address in it".to_owned()))?;
    Ok(BindingFacts {
        server,
        local,
        mapped,
        other: message::other(&answer),
        round_trip,
    })
}

/// From where a server is asked to answer (RFC 5780 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// From where it was asked.
    Nothing,
    /// From its other port.
    Port,
    /// From its other address and port.
    AddressAndPort,
}

/// One binding request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whom to ask.
    pub to: SocketAddr,
    /// From where it shall answer.
    pub change: Change,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Where it came from.
    pub from: SocketAddr,
    /// Our address as the server sees it.
    pub mapped: SocketAddr,
}

/// Asks all of these from one and the same new socket; each answer stands where its question does.
///
/// All of them are of one address family. With the answers comes the address of the socket.
///
/// # Errors
/// When there is no socket to ask from.
pub async fn ask(
    questions: &[Question],
    bind: &[IpAddr],
    patience: Duration,
) -> Result<(SocketAddr, Vec<Option<Answer>>), ProbeError> {
    let Some(first) = questions.first() else {
        return Err(ProbeError::Strange("no question".to_owned()));
    };
    let from = source(bind, first.to).ok_or(ProbeError::Bound)?;
    let unreachable = |error: io::Error| ProbeError::Unreachable(error.to_string());
    let socket = UdpSocket::bind((from, 0)).await.map_err(unreachable)?;
    let local = socket.local_addr().map_err(unreachable)?;
    let requests: Vec<Message> = questions
        .iter()
        .map(|question| {
            message::binding_request(match question.change {
                Change::Nothing => 0,
                Change::Port => 2,
                Change::AddressAndPort => 6,
            })
        })
        .collect();
    let mut answers = vec![None; questions.len()];
    let end = Instant::now() + patience;
    let mut pause = RETRANSMIT;
    while answers.contains(&None) && Instant::now() < end {
        for ((question, request), answer) in questions.iter().zip(&requests).zip(&answers) {
            if answer.is_none() {
                // No way there is no answer, like any other reason.
                let _ = socket.send_to(&request.raw, question.to).await;
            }
        }
        let until = (Instant::now() + pause).min(end);
        pause *= 2;
        let hearing = hear(&socket, &requests, &mut answers);
        let _ = tokio::time::timeout_at(until.into(), hearing).await;
    }
    Ok((local, answers))
}

/// Ends when every question is answered.
async fn hear(socket: &UdpSocket, requests: &[Message], answers: &mut [Option<Answer>]) {
    let mut buffer = [0; 1500];
    while answers.contains(&None) {
        // ICMP errors of an earlier datagram say nothing about the others.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let Some(answer) = message::parse(&buffer[..length]) else {
            continue;
        };
        let asked = |id: TransactionId| {
            requests
                .iter()
                .position(|request| request.transaction_id == id)
        };
        if let (Some(at), Some(mapped)) = (asked(answer.transaction_id), message::mapped(&answer)) {
            answers[at] = Some(Answer { from, mapped });
        }
    }
}
