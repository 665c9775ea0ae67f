//! What a `stats` event of a call says, and the line that shows it.                                                   PURE

use serde_json::Value;

/// The four figures that tell whether a call is well; what is not known yet is not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Snapshot {
    /// Of the sound that arrives, in dB below full scale.
    pub(crate) level: Option<f64>,
    /// Round trip in milliseconds.
    pub(crate) rtt: Option<f64>,
    /// Share of the packets sent here that never came, in percent.
    pub(crate) loss: Option<f64>,
}

/// The quietest level that is told from silence, in dB.
const SILENCE: f64 = -60.0;
/// Width of the level meter in characters.
const METER: usize = 20;

impl Snapshot {
    /// From the W3C objects of one `stats` event.
    pub(crate) fn read(event: &Value) -> Self {
        let objects = event["stats"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let number = |kind: &str, member: &str| {
            objects
                .iter()
                .filter(|object| object["type"] == kind)
                .find_map(|object| object[member].as_f64())
        };
        let lost = number("inbound-rtp", "packetsLost");
        let received = number("inbound-rtp", "packetsReceived");
        let loss = lost
            .zip(received)
            .filter(|(lost, received)| lost + received > 0.0);
        Self {
            level: number("inbound-rtp", "audioLevel").map(decibels),
            rtt: number("candidate-pair", "currentRoundTripTime").map(|seconds| seconds * 1e3),
            loss: loss.map(|(lost, received)| 100.0 * lost.max(0.0) / (lost.max(0.0) + received)),
        }
    }

    /// One line for a terminal.
    pub(crate) fn line(&self, seconds: f64) -> String {
        let level = self.level.unwrap_or(SILENCE);
        let share = 1.0 - (level / SILENCE).clamp(0.0, 1.0);
        let full = (share * METER as f64).round() as usize;
        format!(
            "{seconds:5.1} s  [{}{}] {:>7}   rtt {:>8}   loss {:>6}",
            "#".repeat(full),
            ".".repeat(METER - full),
            self.level
                .map_or("-".into(), |level| format!("{level:.0} dB")),
            self.rtt.map_or("-".into(), |rtt| format!("{rtt:.2} ms")),
            self.loss.map_or("-".into(), |loss| format!("{loss:.1} %")),
        )
    }
}

fn decibels(amplitude: f64) -> f64 {
    (20.0 * amplitude.log10()).max(SILENCE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Snapshot;

    #[test]
    fn reads_the_three_objects_that_matter() {
        let event = json!({"event": "stats", "stats": [
            {"type": "candidate-pair", "id": "p", "currentRoundTripTime": 0.0125},
            {"type": "outbound-rtp", "id": "o", "packetsSent": 7},
            {"type": "inbound-rtp", "id": "i", "audioLevel": 0.1, "packetsReceived": 99, "packetsLost": 1},
        ]});
        let read = Snapshot::read(&event);
        assert_eq!(
            read,
            Snapshot {
                level: Some(-20.0),
                rtt: Some(12.5),
                loss: Some(1.0)
            }
        );
        assert_eq!(
            read.line(3.24),
            "  3.2 s  [#############.......]  -20 dB   rtt 12.50 ms   loss  1.0 %"
        );
    }

    #[test]
    fn what_is_missing_or_odd_is_not_known() {
        let read = Snapshot::read(
            &json!({"stats": [{"type": "inbound-rtp", "audioLevel": 0, "packetsLost": -3}]}),
        );
        assert_eq!(
            read,
            Snapshot {
                level: Some(-60.0),
                rtt: None,
                loss: None
            }
        );
        assert_eq!(Snapshot::read(&json!(17)), Snapshot::default());
        assert!(
            Snapshot::default()
                .line(0.0)
                .contains("[....................]       -")
        );
    }
}
