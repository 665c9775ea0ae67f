//! One snapshot of a call under W3C names: what the connection counts and what the playout adds.

use serde_json::{Value, json};

use crate::media::{CaptureStats, OutputStats};
use crate::proto::playout::PlayoutStats;
use crate::rtc::Stats;

/// Adds the playout's counters to the `inbound-rtp` object that they belong to. Where both count the
/// same, the connection's word stays: it sees each packet, the playout only those it is given.
#[must_use]
pub fn merge(
    mut objects: Vec<Value>,
    played: Option<&PlayoutStats>,
    sent: Option<&CaptureStats>,
) -> Vec<Value> {
    let counters = played
        .and_then(|played| serde_json::to_value(played).ok())
        .and_then(|value| match value {
            Value::Object(fields) => Some(fields),
            _ => None,
        })
        .unwrap_or_default();
    let inbound = objects
        .iter_mut()
        .filter(|object| object["type"].as_str() == Some("inbound-rtp"))
        .filter_map(Value::as_object_mut);
    for object in inbound {
        for (name, value) in &counters {
            let counted = matches!(name.as_str(), "packetsReceived" | "packetsLost");
            if !counted || !object.contains_key(name) {
                object.insert(name.clone(), value.clone());
            }
        }
    }
    objects.extend(sent.and_then(|sent| source(&objects, sent)));
    objects
}

/// The `media-source` object: level and energy of what is sent, and what the echo cancellation says.
fn source(objects: &[Value], sent: &CaptureStats) -> Option<Value> {
    let outbound = objects
        .iter()
        .find(|object| object["type"].as_str() == Some("outbound-rtp"))?;
    let mut object = json!({
        "type": "media-source",
        "id": "media-source-audio",
        "timestamp": outbound["timestamp"],
        "kind": "audio",
    });
    let Ok(Value::Object(counters)) = serde_json::to_value(sent) else {
        return None;
    };
    object.as_object_mut()?.extend(counters);
    Some(object)
}

/// The `media-playout` object: what the speaker got, and what it missed.
#[must_use]
pub fn playout(objects: &[Value], played: &OutputStats) -> Option<Value> {
    let timestamp = objects.iter().find_map(|object| object.get("timestamp"))?;
    let mut object = json!({
        "type": "media-playout",
        "id": "media-playout-audio",
        "timestamp": timestamp,
        "kind": "audio",
    });
    let Ok(Value::Object(counters)) = serde_json::to_value(played) else {
        return None;
    };
    object.as_object_mut()?.extend(counters);
    Some(object)
}

/// The lost share of the packets sent to us, 0 to 1; nothing before the first.
#[must_use]
pub fn loss(moment: &Stats) -> Option<f64> {
    let inbound = moment.inbound?;
    #[allow(
        clippy::cast_precision_loss,
        reason = "packet counts stay far below 2^52"
    )]
    let (received, lost) = (inbound.received as f64, inbound.lost.max(0) as f64);
    let sent = received + lost;
    (sent > 0.0).then(|| lost / sent)
}

/// The concealed share of the samples played, 0 to 1.
#[must_use]
pub fn concealed(played: &PlayoutStats) -> Option<f64> {
    #[allow(
        clippy::cast_precision_loss,
        reason = "sample counts stay far below 2^52"
    )]
    let (concealed, total) = (
        played.concealed_samples as f64,
        played.total_samples_received as f64,
    );
    (total > 0.0).then(|| concealed / total)
}
