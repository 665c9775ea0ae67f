//! What happened, as values: what `--json` prints, one object a line, and what people's words are made from.
//!
//! Names and units are a contract: fields and events are added, never changed. A field that is not known is left out.

use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::Value;

mod findings;
mod numbers;
mod voice;
mod words;
pub use findings::{Details, Finding, Grade, Subject};
pub use voice::Processing;
pub use words::{
    Content, Device, DeviceKind, Direction, EndedBy, Endpoint, EndpointType, Kind, Path, PeerState,
    Protocol, Setup, SignalingMode, SignalingState, Summary, TriedPair,
};

#[cfg(test)]
mod tests;

/// An event and when it happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Stamped {
    /// Time since the program's start; seconds with three decimals in JSON.
    pub t: Duration,
    /// What happened.
    pub event: Event,
}

impl Stamped {
    /// Puts a time since the program's start on an event.
    pub fn new(t: Duration, event: Event) -> Self {
        Self { t, event }
    }

    /// The line of `--json`, without its line end.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

impl Serialize for Stamped {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line<'a> {
            event: &'static str,
            #[serde(serialize_with = "numbers::milliseconds_of_seconds")]
            t: Duration,
            #[serde(flatten)]
            fields: &'a Event,
        }
        Line {
            event: self.event.name(),
            t: self.t,
            fields: &self.event,
        }
        .serialize(serializer)
    }
}

/// Everything that scripts and people are told. Serialised alone it is only the fields; [`Stamped`] adds name and time.
///
/// `peer` is always the other's id, also where people are shown a name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(
    missing_docs,
    reason = "the fields are those of the table of events, under the same names"
)]
pub enum Event {
    /// The first line.
    Hello {
        version: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        server: Option<String>,
    },
    /// The connection to the signaling server; `id` is ours.
    Signaling {
        state: SignalingState,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        mode: Option<SignalingMode>,
    },
    /// Somebody else came into the room or went.
    Peer {
        state: PeerState,
        id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A way to be reached, ours or theirs.
    Candidate {
        #[serde(skip_serializing_if = "Option::is_none")]
        peer: Option<String>,
        direction: Direction,
        #[serde(flatten)]
        endpoint: Endpoint,
    },
    /// DTLS is up and the first channel open.
    Connected {
        peer: String,
        path: Path,
        #[serde(skip_serializing_if = "Option::is_none")]
        local: Option<Endpoint>,
        #[serde(skip_serializing_if = "Option::is_none")]
        remote: Option<Endpoint>,
        setup_ms: Setup,
    },
    /// A pair of candidates that was checked, told when none of them works.
    Pair {
        peer: String,
        #[serde(flatten)]
        pair: TriedPair,
    },
    /// Media began; `clock_us` is the monotonic clock at sample 0 (source emission, sink play time). `channels` are those
    /// sent or played, `processing` is told of what we send.
    Track {
        peer: String,
        direction: Direction,
        kind: Kind,
        #[serde(skip_serializing_if = "Option::is_none")]
        codec: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        channels: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        clock_us: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        processing: Option<Processing>,
    },
    /// The first sound heard from a peer, so long after `connected`.
    Audio {
        peer: String,
        #[serde(rename = "after_ms", serialize_with = "numbers::milliseconds")]
        after: Duration,
    },
    /// A message on a data channel.
    Message {
        peer: String,
        label: String,
        #[serde(flatten)]
        content: Content,
    },
    /// A digit came in the sound (RFC 4733).
    Dtmf { peer: String, digit: char },
    /// W3C webrtc-stats objects, each with `type`, `id` and `timestamp`.
    Stats { peer: String, stats: Vec<Value> },
    /// Something worth knowing that does not end the command.
    Warning {
        code: &'static str,
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
    /// The path is lost and looked for; `attempt` counts from 1.
    Reconnecting {
        peer: String,
        why: String,
        attempt: u32,
    },
    /// A path that was lost is back, or there is another one, so long after the loss was noticed.
    Reconnected {
        peer: String,
        path: Path,
        #[serde(skip_serializing_if = "Option::is_none")]
        local: Option<Endpoint>,
        #[serde(skip_serializing_if = "Option::is_none")]
        remote: Option<Endpoint>,
        #[serde(rename = "after_ms", serialize_with = "numbers::milliseconds")]
        after: Duration,
    },
    /// How one expectation or threshold came out.
    Expect {
        check: String,
        ok: bool,
        got: String,
    },
    /// A call is over.
    Ended {
        peer: String,
        by: EndedBy,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        summary: Summary,
    },
    /// A microphone or speaker, of `peer-cli devices`.
    Device(Device),
    /// Something that `peer-cli doctor` looked at.
    Check(Box<Finding>),
    /// What it concludes: `codes` are constant words for scripts, worst first, none if all is well.
    Verdict {
        ok: bool,
        codes: Vec<&'static str>,
        text: String,
    },
    /// The last line, whatever happened.
    Exit { code: u8, reason: String },
}

impl Event {
    /// The value of `event` in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Signaling { .. } => "signaling",
            Self::Peer { .. } => "peer",
            Self::Candidate { .. } => "candidate",
            Self::Connected { .. } => "connected",
            Self::Pair { .. } => "pair",
            Self::Track { .. } => "track",
            Self::Audio { .. } => "audio",
            Self::Message { .. } => "message",
            Self::Dtmf { .. } => "dtmf",
            Self::Stats { .. } => "stats",
            Self::Warning { .. } => "warning",
            Self::Reconnecting { .. } => "reconnecting",
            Self::Reconnected { .. } => "reconnected",
            Self::Expect { .. } => "expect",
            Self::Ended { .. } => "ended",
            Self::Device(_) => "device",
            Self::Check(_) => "check",
            Self::Verdict { .. } => "verdict",
            Self::Exit { .. } => "exit",
        }
    }

    /// A warning without a hint; `code` is a constant word for scripts.
    pub fn warning(code: &'static str, text: impl Into<String>) -> Self {
        Self::Warning {
            code,
            text: text.into(),
            hint: None,
        }
    }

    /// A warning that says what to do about it.
    pub fn warning_with(
        code: &'static str,
        text: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Warning {
            code,
            text: text.into(),
            hint: Some(hint.into()),
        }
    }
}
