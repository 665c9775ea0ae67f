//! Values -> the exact JSON of `PROTOCOL.md`.

use serde::Serialize;

use super::{Candidate, Hello, IceServer, Outgoing, PeerEvent, ServerEvent};
use crate::id::PeerId;

/// Member order as documented; absent members are left out.
#[derive(Serialize)]
struct Envelope<'a, D> {
    event: &'a str,
    data: D,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a PeerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a PeerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
}

fn plain<D: Serialize>(event: &str, data: D) -> String {
    text(&Envelope {
        event,
        data,
        from: None,
        to: None,
        session: None,
        generation: None,
    })
}

fn text(value: &impl Serialize) -> String {
    // Strings, numbers and null under fixed string keys: there is nothing that JSON cannot say. Were there, an empty
    // frame, which every reader refuses, is better than a panic.
    serde_json::to_string(value).unwrap_or_default()
}

impl Hello {
    /// The whole frame.
    pub fn to_text(&self) -> String {
        plain("hello", self)
    }
}

/// The frame that asks a `peer.v1` server for fresh ICE servers.
pub fn ice_servers_request() -> String {
    plain("ice-servers", ())
}

#[derive(Serialize)]
struct LeftData<'a> {
    id: &'a PeerId,
}

#[derive(Serialize)]
struct ErrorData<'a> {
    code: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IceServersData<'a> {
    ice_servers: &'a [IceServer],
}

impl ServerEvent {
    /// The whole frame.
    pub fn to_text(&self) -> String {
        match self {
            Self::Welcome(welcome) => plain("welcome", welcome),
            Self::Joined(peer) => plain("joined", peer),
            Self::Left { id } => plain("left", LeftData { id }),
            Self::Error { code, text } => plain("error", ErrorData { code, text }),
            Self::IceServers(ice_servers) => plain("ice-servers", IceServersData { ice_servers }),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EndData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    username_fragment: Option<&'a str>,
}

impl PeerEvent {
    /// The word under `event`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Offer(_) => "offer",
            Self::Answer(_) => "answer",
            Self::Candidate(_) => "candidate",
            Self::CandidatesEnd { .. } => "candidates-end",
            Self::Bye(_) => "bye",
            Self::Busy => "busy",
        }
    }
}

impl Outgoing {
    /// The whole frame.
    pub fn to_text(&self) -> String {
        match &self.event {
            PeerEvent::Offer(d) | PeerEvent::Answer(d) => self.with(d),
            PeerEvent::Candidate(c) => self.with::<&Candidate>(c),
            PeerEvent::CandidatesEnd { username_fragment } => self.with(EndData {
                username_fragment: username_fragment.as_deref(),
            }),
            PeerEvent::Bye(bye) => self.with(bye),
            PeerEvent::Busy => self.with(()),
        }
    }

    fn with<D: Serialize>(&self, data: D) -> String {
        text(&Envelope {
            event: self.event.name(),
            data,
            from: self.from.as_ref(),
            to: self.to.as_ref(),
            session: self.session.as_ref().map(AsRef::as_ref),
            generation: self.generation,
        })
    }
}
