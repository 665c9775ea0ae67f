//! Into a room of the signaling server and out again.

use std::time::{Duration, Instant};

use shared::{App, Hello, IceServer, Role, Secret};
use url::Url;

use super::Examination;
use super::facts::Signaling;
use crate::event::SignalingMode;
use crate::exit::{Exit, Failure};
use crate::rtc::{StunServer, TurnServer};
use crate::signal::{Entered, Signal, SignalEvent, websocket};

/// The goodbye to the server may take this long.
const PARTING: Duration = Duration::from_millis(500);

/// Servers that the signaling server offers.
#[derive(Debug, Default)]
pub(super) struct Offered {
    pub(super) stun: Vec<StunServer>,
    pub(super) turn: Vec<TurnServer>,
}

/// How the server is, and what it offers.
pub(super) async fn enter(server: &Url, examination: &Examination) -> (Signaling, Offered) {
    let mut shown = server.clone();
    shown.set_query(None);
    let start = Instant::now();
    let mut signal = websocket::connect(own_room(server), hello(), examination.dialer.clone());
    let first = tokio::time::timeout(examination.patience, first(&mut signal)).await;
    let took = start.elapsed();
    tokio::spawn(signal.close(PARTING));
    let silent = || {
        Failure::new(Exit::Signaling, format!("cannot reach {shown}: no answer"))
            .hint("is the address right, or a firewall between?")
    };
    let entered = first.unwrap_or_else(|_| Err(silent()));
    let mut offered = Offered::default();
    let mut unreadable = Vec::new();
    let result = entered.map(|entered| match entered {
        Entered::PeerV1(welcome) => {
            (offered, unreadable) = read(&welcome.ice_servers);
            (SignalingMode::PeerV1, took)
        }
        Entered::Plain => (SignalingMode::Plain, took),
    });
    let signaling = Signaling {
        url: shown.to_string(),
        host: shown.host_str().unwrap_or_default().to_owned(),
        result,
        unreadable,
    };
    (signaling, offered)
}

/// The first attempt decides: it is not tried again.
async fn first(signal: &mut Signal) -> Result<Entered, Failure> {
    loop {
        match signal.next().await {
            Some(SignalEvent::Entered(entered)) => return Ok(entered),
            Some(SignalEvent::Unreachable(failure) | SignalEvent::Refused(failure)) => {
                return Err(failure);
            }
            Some(SignalEvent::Lost(reason)) => return Err(Failure::new(Exit::Signaling, reason)),
            Some(SignalEvent::Frame(_) | SignalEvent::Malformed(_)) => {}
            None => {
                return Err(Failure::new(
                    Exit::Internal,
                    "signaling ended without a word",
                ));
            }
        }
    }
}

/// A room where nobody is: those who wait for calls are not to be disturbed.
fn own_room(server: &Url) -> Url {
    let mut url = server.clone();
    let room = format!("doctor-{}", crate::entropy::hex::<8>());
    url.query_pairs_mut().append_pair("room", &room);
    url
}

fn hello() -> Hello {
    Hello {
        version: shared::VERSION,
        name: None,
        role: Role::Call,
        app: App::Call,
        secret: Secret::new(crate::entropy::hex::<16>()),
    }
}

/// What can be asked, and what cannot be read; credentials are in neither.
fn read(servers: &[IceServer]) -> (Offered, Vec<String>) {
    let (mut offered, mut unreadable) = (Offered::default(), Vec::new());
    for server in servers {
        let username = server.username.as_deref().unwrap_or_default();
        for url in &server.urls {
            if let Ok(stun) = url.parse() {
                offered.stun.push(stun);
                continue;
            }
            let secret = server.credential.clone().unwrap_or_else(|| Secret::new(""));
            match TurnServer::new(url, username, secret) {
                Ok(turn) => offered.turn.push(turn),
                Err(reason) => unreadable.push(reason),
            }
        }
    }
    (offered, unreadable)
}
