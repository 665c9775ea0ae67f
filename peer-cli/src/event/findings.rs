//! What `peer-cli doctor` finds, and what it concludes.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::numbers;
use super::words::SignalingMode;

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// The signaling server.
    Signaling,
    /// A STUN server.
    Stun,
    /// What the NAT in front of us does.
    Nat,
    /// An allocation on a TURN server.
    Turn,
    /// A datagram through it and back.
    Relay,
    /// What sound comes from.
    Microphone,
    /// Where sound goes.
    Speaker,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Signaling => "signaling",
            Self::Stun => "stun",
            Self::Nat => "nat",
            Self::Turn => "turn",
            Self::Relay => "relay",
            Self::Microphone => "microphone",
            Self::Speaker => "speaker",
        })
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// Calls work, some of them less well.
    Warn,
    /// Something that a call would miss.
    Fail,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        })
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What.
    pub name: Subject,
    /// Which server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Whether a call gets what it wants of it: all but [`Grade::Fail`].
    pub ok: bool,
    /// How bad it is.
    pub grade: Grade,
    /// How long it took, a round trip where there is one.
    #[serde(
        rename = "ms",
        serialize_with = "numbers::maybe_milliseconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub took: Option<Duration>,
    /// What was measured.
    #[serde(flatten)]
    pub details: Details,
    /// In words.
    pub text: String,
}

/// What was measured; what is not known, or makes no sense there, is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Details {
    /// Our address as a server sees it, `IP:PORT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapped: Option<String>,
    /// The relayed address, `IP:PORT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relayed: Option<String>,
    /// The ERROR-CODE of a STUN or TURN server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The kind of NAT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat: Option<&'static str>,
    /// Its mapping behaviour (RFC 4787 4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<&'static str>,
    /// Its filtering behaviour (RFC 4787 5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filtering: Option<&'static str>,
    /// What the signaling server understands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<SignalingMode>,
}

impl Finding {
    /// Something found, without measurements.
    pub fn new(name: Subject, grade: Grade, text: impl Into<String>) -> Self {
        Self {
            name,
            server: None,
            ok: grade != Grade::Fail,
            grade,
            took: None,
            details: Details::default(),
            text: text.into(),
        }
    }
}
