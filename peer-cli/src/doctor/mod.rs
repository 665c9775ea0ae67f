//! `peer-cli doctor`: measures what a call would need, tells each finding, and concludes.
//!
//! [`examine`] measures; what follows from the facts is decided without I/O in `judge`, `nat` and
//! `findings`.

mod devices;
pub mod facts;
mod findings;
pub mod judge;
pub mod nat;
mod network;
mod signaling;
mod words;

use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::mpsc;
use url::Url;

use crate::audio::spec::{SinkSpec, SourceSpec};
use crate::event::Event;
use crate::net::Dialer;
use crate::rtc::{StunServer, TurnServer};
use judge::Verdict;

/// What to examine.
#[derive(Clone, Debug)]
pub struct Examination {
    /// The signaling server; none to leave it out.
    pub server: Option<Url>,
    /// Reaches it, and TURN servers over TCP and TLS.
    pub dialer: Dialer,
    /// Local addresses to use; empty for all.
    pub bind: Vec<IpAddr>,
    /// STUN servers by name.
    pub stun: Vec<StunServer>,
    /// Whether those that the signaling server offers are asked too.
    pub offered_stun: bool,
    /// TURN servers by name; those that the signaling server offers are asked too.
    pub turn: Vec<TurnServer>,
    /// The microphone; `off` leaves it out.
    pub mic: SourceSpec,
    /// The speaker; `off` leaves it out.
    pub speaker: SinkSpec,
    /// How long one server may take for one answer.
    pub patience: Duration,
}

/// Examines everything at once; findings go out in the order of the list as soon as they are known,
/// and the verdict last.
pub async fn examine(examination: Examination, tell: mpsc::Sender<Event>) -> Verdict {
    let say = async |event| drop(tell.send(event).await);
    let finding = |finding| Event::Check(Box::new(finding));
    let (mic, speaker) = (examination.mic.clone(), examination.speaker.clone());
    let devices = [
        tokio::task::spawn_blocking(move || devices::hear(&mic)),
        tokio::task::spawn_blocking(move || devices::speak(&speaker)),
    ];
    let mut network = network::Probes::start(&examination);
    let mut facts = facts::Facts::default();
    if let Some(server) = &examination.server {
        let (signaling, offered) = signaling::enter(server, &examination).await;
        say(finding(findings::of_signaling(&signaling))).await;
        facts.signaling = Some(signaling);
        network.add(offered, &examination);
    }
    facts.stun = network.stun().await;
    let (nat, turn) = tokio::join!(network::nat(&facts.stun, &examination.bind), network.turn());
    (facts.nat, facts.turn) = (nat, turn);
    for each in findings::of_network(&facts) {
        say(finding(each)).await;
    }
    for device in devices {
        // It ends in any case; a panic below it would leave its line out.
        let Ok(Some(device)) = device.await else {
            continue;
        };
        say(finding(findings::of_device(&device))).await;
        facts.devices.push(device);
    }
    let verdict = facts.judge();
    say(findings::of_verdict(&facts, &verdict)).await;
    verdict
}
