//! One text frame -> a value or a short complaint. Whatever a peer sends is data: extra members are ignored, unknown events
//! have a name, and nothing here panics.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::fields::text;
use crate::id::{BadWord, PeerId, SessionId};
use crate::message::{Hello, PeerEvent, PeerInfo, ServerEvent};

mod data;
mod envelope;

use envelope::Envelope;

/// What is wrong with a frame; short, one line, and without the values that a stranger put into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireError {
    /// No JSON.
    NotJson(String),
    /// JSON, but no object.
    NotObject,
    /// An object without a usable `event`, `from`, `to` or `session`.
    Envelope(String),
    /// `data` is not what the event calls for.
    Data {
        /// Which event.
        event: &'static str,
        /// What about it.
        what: String,
    },
    /// An event that only the server may send, in a frame that somebody else sent.
    Forged {
        /// Which event.
        event: &'static str,
    },
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(why) => write!(f, "not JSON: {why}"),
            Self::NotObject => f.write_str("not a JSON object"),
            Self::Envelope(what) => f.write_str(what),
            Self::Data { event, what } => write!(f, "{event}: {what}"),
            Self::Forged { event } => write!(f, "{event} from somebody who is not the server"),
        }
    }
}

impl std::error::Error for WireError {}

/// Who speaks decides what may be said.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// From the server; only frames without `from`. A client in plain mode has no such server and ignores these: there
    /// everybody's frames come without a `from` that can be trusted.
    Server(ServerEvent),
    /// From another peer.
    Peer(PeerEvent),
    /// Of a later version, or no business of ours; at most 64 characters, none of them a control character.
    Unknown(String),
}

/// One frame as a client hears it.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// Who sent it: set by a `peer.v1` server; in plain mode the sender's own word, or nobody.
    pub from: Option<PeerId>,
    /// For whom; matters in plain mode, where everybody hears everything.
    pub to: Option<PeerId>,
    /// Which call it belongs to.
    pub session: Option<SessionId>,
    /// Which offer this is, or answers; absent too where it is no number that can be one.
    pub generation: Option<u64>,
    /// What it says.
    pub event: Event,
}

/// Characters kept of an unknown event's name.
const UNKNOWN_CHARS: usize = 64;

impl Incoming {
    /// Reads one frame.
    pub fn parse(frame: &str) -> Result<Self, WireError> {
        let envelope = Envelope::parse(frame)?;
        let name = envelope.event()?;
        // Any `from` at all, of whatever type, says that the server did not write this itself.
        let relayed = envelope.from.is_some();
        let event = match server_word(name) {
            Some(event) if relayed => return Err(WireError::Forged { event }),
            Some(event) => server_event(event, &envelope.data).map(Event::Server),
            None => peer_event(name, &envelope.data),
        }?;
        Ok(Self {
            from: word("from", envelope.from.as_ref())?,
            to: word("to", envelope.to.as_ref())?,
            session: word("session", envelope.session.as_ref())?,
            generation: envelope.generation.as_ref().and_then(Value::as_u64),
            event,
        })
    }
}

impl Hello {
    /// Reads the first frame of a `peer.v1` client. Strict where [`Incoming::parse`] is tolerant: role and app must be known.
    pub fn parse(frame: &str) -> Result<Self, WireError> {
        let envelope = Envelope::parse(frame)?;
        if envelope.event()? != "hello" {
            return Err(WireError::Envelope("the first frame is not hello".into()));
        }
        data::hello(&envelope.data).map_err(|what| WireError::Data {
            event: "hello",
            what,
        })
    }
}

impl PeerInfo {
    /// Reads one member as it stands in `welcome` and `joined`.
    pub fn parse(text: &str) -> Result<Self, WireError> {
        let value = serde_json::from_str(text).map_err(|e| WireError::NotJson(e.to_string()))?;
        data::peer_info(&value).map_err(|what| WireError::Data {
            event: "joined",
            what,
        })
    }
}

/// The static form of a word that only the server says.
fn server_word(name: &str) -> Option<&'static str> {
    ["welcome", "joined", "left", "error", "ice-servers"]
        .into_iter()
        .find(|w| *w == name)
}

fn server_event(event: &'static str, data: &Value) -> Result<ServerEvent, WireError> {
    match event {
        "welcome" => data::welcome(data).map(ServerEvent::Welcome),
        "joined" => data::peer_info(data).map(ServerEvent::Joined),
        "left" => data::left(data).map(|id| ServerEvent::Left { id }),
        "error" => data::error(data),
        _ => data::ice_servers(data).map(ServerEvent::IceServers),
    }
    .map_err(|what| WireError::Data { event, what })
}

fn peer_event(name: &str, data: &Value) -> Result<Event, WireError> {
    let (event, read) = match name {
        "offer" => ("offer", data::offer(data)),
        "answer" => ("answer", data::answer(data)),
        "candidate" => ("candidate", data::candidate(data)),
        "candidates-end" => ("candidates-end", data::candidates_end(data)),
        "bye" => ("bye", data::bye(data)),
        "busy" => ("busy", Ok(PeerEvent::Busy)),
        other => return Ok(Event::Unknown(printable(other))),
    };
    read.map(Event::Peer)
        .map_err(|what| WireError::Data { event, what })
}

fn printable(name: &str) -> String {
    let safe = |c: char| if c.is_control() { '?' } else { c };
    name.chars().take(UNKNOWN_CHARS).map(safe).collect()
}

impl Envelope {
    fn event(&self) -> Result<&str, WireError> {
        match &self.event {
            None => Err(WireError::Envelope("event is missing".into())),
            Some(value) => text("event", value).map_err(WireError::Envelope),
        }
    }
}

fn word<T: FromStr<Err = BadWord>>(
    name: &str,
    value: Option<&Value>,
) -> Result<Option<T>, WireError> {
    let Some(value) = value else { return Ok(None) };
    let word = text(name, value).map_err(WireError::Envelope)?;
    word.parse()
        .map(Some)
        .map_err(|e: BadWord| WireError::Envelope(e.to_string()))
}

#[cfg(test)]
mod tests;
