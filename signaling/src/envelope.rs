//! A frame as its members, in the sender's own bytes: who it is for, and the same frame with the true sender in it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use shared::PeerId;

/// A JSON object. Of a repeated member the last counts, as in every browser; a `from` is not even kept.
pub(crate) struct Envelope<'a> {
    /// Key and value as they were written.
    members: Vec<(&'a str, &'a str)>,
    event: Option<&'a str>,
    to: Option<&'a str>,
}

/// Whom the sender means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum To<'a> {
    /// Everybody.
    Room,
    /// One member, or what the sender takes for one.
    One(Cow<'a, str>),
    /// Something that is no name.
    Nonsense,
}

impl<'a> Envelope<'a> {
    /// Reads a frame; `None` if it is not a JSON object.
    pub(crate) fn parse(frame: &'a str) -> Option<Self> {
        serde_json::from_str(frame).ok()
    }

    /// The event's name, if it has one.
    pub(crate) fn event(&self) -> Option<Cow<'a, str>> {
        self.event.and_then(string)
    }

    /// Whom it is for; `null` is as good as absent.
    pub(crate) fn to(&self) -> To<'a> {
        match self.to {
            None | Some("null") => To::Room,
            Some(raw) => string(raw).map_or(To::Nonsense, To::One),
        }
    }

    /// The frame as a `peer.v1` client hears it: `from` first, then every other member, byte for byte and in order.
    pub(crate) fn with_from(&self, from: &PeerId) -> String {
        let members = self
            .members
            .iter()
            .map(|(key, value)| key.len() + value.len() + 2);
        let mut frame = String::with_capacity(members.sum::<usize>() + from.as_str().len() + 12);
        frame.push_str(r#"{"from":""#);
        frame.push_str(from.as_str());
        frame.push('"');
        for (key, value) in &self.members {
            frame.extend([",", key, ":", value]);
        }
        frame.push('}');
        frame
    }
}

/// What a JSON string says, in whatever way it is escaped.
fn string(raw: &str) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Borrowed<'_>>(raw).ok().map(|b| b.0)
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
        let mut seen = Envelope {
            members: Vec::new(),
            event: None,
            to: None,
        };
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let (key, value) = (key.get(), value.get());
            // Compared after decoding: `"\u0066rom"` is `from` to every reader.
            match string(key).as_deref() {
                Some("from") => continue,
                Some("event") => seen.event = Some(value),
                Some("to") => seen.to = Some(value),
                _ => {}
            }
            seen.members.push((key, value));
        }
        Ok(seen)
    }
}

#[cfg(test)]
mod tests;
