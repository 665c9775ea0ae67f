//! What was measured, before anybody judges it.

use std::time::Duration;

use super::nat::Measured;
use crate::audio::AudioError;
use crate::event::SignalingMode;
use crate::exit::Failure;
use crate::rtc::probe::{BindingFacts, ProbeError, Relayed};

/// Everything that was looked at. What was not asked for is empty.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The signaling server; none if it is `off`.
    pub signaling: Option<Signaling>,
    /// STUN servers.
    pub stun: Vec<Stun>,
    /// What the NAT does; none if no STUN server answered.
    pub nat: Option<Measured>,
    /// TURN servers.
    pub turn: Vec<Turn>,
    /// Microphone and speaker.
    pub devices: Vec<Device>,
}

/// The signaling server.
#[derive(Clone, Debug)]
pub struct Signaling {
    /// Its URL without secrets.
    pub url: String,
    /// Its name or address, to see whether others are the same machine.
    pub host: String,
    /// How it is understood and how long that took, or why it is not reached.
    pub result: Result<(SignalingMode, Duration), Failure>,
    /// What it offers and nobody can read.
    pub unreadable: Vec<String>,
}

/// A STUN server.
#[derive(Clone, Debug)]
pub struct Stun {
    /// Its URL.
    pub url: String,
    /// Its name or address.
    pub host: String,
    /// What it said.
    pub result: Result<BindingFacts, ProbeError>,
}

/// A TURN server.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Its URL.
    pub url: String,
    /// Its name or address.
    pub host: String,
    /// Whether it is asked over UDP.
    pub udp: bool,
    /// Who we are there.
    pub user: String,
    /// Whether the signaling server named it.
    pub offered: bool,
    /// What it gave.
    pub result: Relayed,
}

/// A microphone or speaker.
#[derive(Clone, Debug)]
pub struct Device {
    /// Which of the two.
    pub kind: crate::audio::DeviceKind,
    /// Whether it was named.
    pub named: bool,
    /// What came of using it.
    pub result: Result<Heard, AudioError>,
}

/// What a device did.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The device, as people know it.
    pub name: String,
    /// Until its first samples were there, or had been played.
    pub took: Duration,
    /// The loudest sample of a microphone, 0 to 1; none for a speaker.
    pub peak: Option<f32>,
}

impl Stun {
    /// Whether a datagram came back, be it an ICMP error.
    #[must_use]
    pub fn proves_udp(&self) -> bool {
        match &self.result {
            Ok(_) => true,
            Err(error) => came_back(error),
        }
    }
}

impl Turn {
    /// Likewise.
    #[must_use]
    pub fn proves_udp(&self) -> bool {
        self.udp && self.result.as_ref().map_or_else(came_back, |_| true)
    }

    /// Whether the server said no, other than having gone.
    #[must_use]
    pub fn refuses(&self) -> bool {
        matches!(
            self.result,
            Err(ProbeError::Refused { .. } | ProbeError::Anonymous)
        )
    }

    /// Whether calls can go through it.
    #[must_use]
    pub fn works(&self) -> bool {
        matches!(&self.result, Ok(allocation) if allocation.echo != Err(ProbeError::NoReply))
    }
}

fn came_back(error: &ProbeError) -> bool {
    matches!(
        error,
        ProbeError::Closed
            | ProbeError::Refused { .. }
            | ProbeError::Anonymous
            | ProbeError::Strange(_)
    )
}
