//! The line of `--stats` for people, out of W3C statistics: what changed since the line before.

use std::collections::BTreeMap;

use serde_json::Value;

/// Counters of the line before, for each peer.
#[derive(Debug, Default)]
pub(super) struct Live {
    before: BTreeMap<String, Counters>,
}

/// What is only meaningful as a difference.
#[derive(Debug, Clone, Copy, Default)]
struct Counters {
    /// Of the report, ms.
    timestamp: f64,
    bytes: f64,
    received: f64,
    lost: f64,
}

impl Live {
    /// `level -23 dB  rtt 12 ms  loss 0.1%  jitter 2.0 ms  32 kbit/s  sending 32 kbit/s  loss there 0.4%  jitter there 1.0 ms`; what
    /// is not known is left out.
    pub(super) fn line(&mut self, peer: &str, objects: &[Value]) -> String {
        let inbound = of_type(objects, "inbound-rtp").next();
        let mut parts = Vec::new();
        parts.extend(
            inbound
                .and_then(|object| number(object, "audioLevel"))
                .map(level),
        );
        parts.extend(round_trip(objects).map(|seconds| format!("rtt {}", milliseconds(seconds))));
        if let Some(inbound) = inbound {
            let now = Counters::of(inbound);
            let before = self.before.insert(peer.to_owned(), now);
            parts.extend(now.loss_since(before.unwrap_or_default()));
            parts.extend(
                number(inbound, "jitter")
                    .map(|seconds| format!("jitter {}", milliseconds(seconds))),
            );
            parts.extend(before.and_then(|before| now.rate_since(before)));
        }
        parts.extend(there(objects));
        if parts.is_empty() {
            "no statistics yet".to_owned()
        } else {
            parts.join("  ")
        }
    }

    /// The call is over.
    pub(super) fn forget(&mut self, peer: &str) {
        self.before.remove(peer);
    }
}

impl Counters {
    fn of(inbound: &Value) -> Self {
        let read = |name| number(inbound, name).unwrap_or_default();
        Self {
            timestamp: read("timestamp"),
            bytes: read("bytesReceived"),
            received: read("packetsReceived"),
            lost: read("packetsLost"),
        }
    }

    fn loss_since(self, before: Self) -> Option<String> {
        // Late packets can make the difference negative.
        let lost = (self.lost - before.lost).max(0.0);
        let sent = lost + (self.received - before.received).max(0.0);
        (sent > 0.0).then(|| format!("loss {}", percent(lost / sent)))
    }

    fn rate_since(self, before: Self) -> Option<String> {
        let (bits, millis) = (
            (self.bytes - before.bytes) * 8.0,
            self.timestamp - before.timestamp,
        );
        (millis > 0.0 && bits >= 0.0).then(|| format!("{:.0} kbit/s", bits / millis))
    }
}

/// What becomes of the sound that we send, as the other side reports it.
fn there(objects: &[Value]) -> Vec<String> {
    let Some(report) = of_type(objects, "remote-inbound-rtp").next() else {
        return Vec::new();
    };
    let target = of_type(objects, "outbound-rtp").next();
    let target = target.and_then(|outbound| number(outbound, "targetBitrate"));
    let sending = target.map(|bits| format!("sending {:.0} kbit/s", bits / 1e3));
    let loss = number(report, "fractionLost").map(|loss| format!("loss there {}", percent(loss)));
    let jitter =
        number(report, "jitter").map(|seconds| format!("jitter there {}", milliseconds(seconds)));
    [sending, loss, jitter].into_iter().flatten().collect()
}

/// `0.1%`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// `12 ms`, with a decimal where it matters: `2.5 ms`.
pub(super) fn milliseconds(seconds: f64) -> String {
    let millis = seconds * 1e3;
    if millis < 10.0 {
        format!("{millis:.1} ms")
    } else {
        format!("{millis:.0} ms")
    }
}

/// A linear level as decibels below full scale.
fn level(linear: f64) -> String {
    /// What 16 bits can hold.
    const FLOOR_DB: f64 = -96.0;
    let db = 20.0 * linear.log10();
    if db > FLOOR_DB {
        format!("level {db:.0} dB")
    } else {
        "silent".to_owned()
    }
}

/// Of the pair in use, else what the other side reports; s.
fn round_trip(objects: &[Value]) -> Option<f64> {
    let in_use = of_type(objects, "candidate-pair")
        .filter(|pair| pair.get("nominated").and_then(Value::as_bool) == Some(true))
        .find_map(|pair| number(pair, "currentRoundTripTime"));
    in_use.or_else(|| {
        of_type(objects, "remote-inbound-rtp").find_map(|object| number(object, "roundTripTime"))
    })
}

fn of_type<'a>(objects: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    objects
        .iter()
        .filter(move |object| object.get("type").and_then(Value::as_str) == Some(kind))
}

fn number(object: &Value, name: &str) -> Option<f64> {
    object.get(name).and_then(Value::as_f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inbound(timestamp: u64, bytes: u64, received: u64, lost: i64) -> Value {
        json!({
            "type": "inbound-rtp", "id": "I", "timestamp": timestamp, "bytesReceived": bytes,
            "packetsReceived": received, "packetsLost": lost, "jitter": 0.002, "audioLevel": 0.07,
        })
    }

    fn pair(nominated: bool, rtt: f64) -> Value {
        json!({ "type": "candidate-pair", "nominated": nominated, "currentRoundTripTime": rtt })
    }

    #[test]
    fn shows_what_changed_since_the_line_before() {
        let mut live = Live::default();
        let first = [
            pair(false, 0.5),
            pair(true, 0.0123),
            inbound(1000, 4000, 49, 1),
        ];
        assert_eq!(
            live.line("bob", &first),
            "level -23 dB  rtt 12 ms  loss 2.0%  jitter 2.0 ms"
        );
        let second = [inbound(2000, 8000, 149, 1), pair(true, 0.0012)];
        assert_eq!(
            live.line("bob", &second),
            "level -23 dB  rtt 1.2 ms  loss 0.0%  jitter 2.0 ms  32 kbit/s"
        );
        // Another peer has counters of its own, and so has the next call.
        assert_eq!(
            live.line("eve", &[inbound(2000, 8000, 0, 0)]),
            "level -23 dB  jitter 2.0 ms"
        );
        live.forget("bob");
        assert_eq!(
            live.line("bob", &[inbound(3000, 100, 1, 0)]),
            "level -23 dB  loss 0.0%  jitter 2.0 ms"
        );
    }

    #[test]
    fn what_the_other_side_reports_follows() {
        let outbound = json!({ "type": "outbound-rtp", "targetBitrate": 14_000.0 });
        let report = json!({
            "type": "remote-inbound-rtp", "fractionLost": 0.125, "jitter": 0.02, "roundTripTime": 0.08,
        });
        assert_eq!(
            Live::default().line("bob", &[outbound.clone(), report]),
            "rtt 80 ms  sending 14 kbit/s  loss there 12.5%  jitter there 20 ms"
        );
        assert_eq!(
            Live::default().line("bob", &[outbound]),
            "no statistics yet"
        );
    }

    #[test]
    fn odd_objects_are_lived_with() {
        let mut live = Live::default();
        assert_eq!(live.line("bob", &[]), "no statistics yet");
        assert_eq!(
            live.line("bob", &[json!(null), json!({ "type": 7 })]),
            "no statistics yet"
        );
        let silent = json!({ "type": "inbound-rtp", "audioLevel": 0.0, "packetsReceived": "many" });
        assert_eq!(live.line("bob", &[silent]), "silent");
        // Counters that run backwards: a rebuilt connection.
        live.line("bob", &[inbound(2000, 8000, 100, 5)]);
        assert_eq!(
            live.line("bob", &[inbound(1000, 10, 1, 0)]),
            "level -23 dB  jitter 2.0 ms"
        );
        let remote = json!({ "type": "remote-inbound-rtp", "roundTripTime": 0.08 });
        assert_eq!(live.line("eve", &[remote]), "rtt 80 ms");
    }
}
