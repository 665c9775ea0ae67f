//! The members around `data`, read with an eye on members that come twice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::WireError;

/// The members that mean something, as they came. Of a repeated member the last counts, as in every browser, but a
/// repeated `from` is refused: no reader may be told two senders.
#[derive(Default)]
pub(super) struct Envelope {
    pub(super) event: Option<Value>,
    /// `null` if absent: JSON made from a value that was `undefined` has no member at all.
    pub(super) data: Value,
    /// Present even as `null`.
    pub(super) from: Option<Value>,
    pub(super) to: Option<Value>,
    pub(super) session: Option<Value>,
    pub(super) generation: Option<Value>,
    twice: bool,
}

impl Envelope {
    pub(super) fn parse(frame: &str) -> Result<Self, WireError> {
        let not_json = |e: serde_json::Error| WireError::NotJson(e.to_string());
        let space = |c| matches!(c, ' ' | '\t' | '\n' | '\r');
        if !frame.trim_start_matches(space).starts_with('{') {
            // Only to tell the two complaints apart.
            serde_json::from_str::<IgnoredAny>(frame).map_err(not_json)?;
            return Err(WireError::NotObject);
        }
        let envelope: Self = serde_json::from_str(frame).map_err(not_json)?;
        if envelope.twice {
            return Err(WireError::Envelope("from is given twice".into()));
        }
        Ok(envelope)
    }
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Envelope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
        let mut seen = Envelope::default();
        // Keys arrive decoded, so that an escaped spelling of a member is the same member.
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "event" => seen.event = Some(map.next_value()?),
                "data" => seen.data = map.next_value()?,
                "from" => seen.twice |= seen.from.replace(map.next_value()?).is_some(),
                "to" => seen.to = present(map.next_value()?),
                "session" => seen.session = present(map.next_value()?),
                "generation" => seen.generation = present(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(seen)
    }
}

fn present(value: Value) -> Option<Value> {
    Some(value).filter(|v| !v.is_null())
}
