//! What the playouts of many calls made up in the middle of them, read from their `stats` events.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;
use lab::Process;
use serde_json::Value;

/// Samples in a millisecond.
const MS: f64 = 48.0;
/// For a peer that is told to end.
const END: Duration = Duration::from_secs(30);

/// Samples of all calls together.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Concealed {
    calls: usize,
    made_up: f64,
    of: f64,
}

/// Of one call: samples made up and samples in all, at its first and its last event.
type Counters = BTreeMap<String, ([f64; 2], [f64; 2])>;

impl Concealed {
    /// Ends the peer and reads what it said from the one instant to the other.
    pub(super) fn between(peer: &mut Process, from: Instant, until: Instant) -> Result<Self> {
        peer.interrupt()?;
        let mut counters = Counters::new();
        let deadline = Instant::now() + END;
        while let Some(event) = peer.next(deadline)? {
            if (from..until).contains(&event.at) {
                read(&mut counters, &event.value);
            }
        }
        Ok(Self::sum(&counters))
    }

    fn sum(counters: &Counters) -> Self {
        let grown = |at: usize| counters.values().map(move |(a, b)| b[at] - a[at]).sum();
        Self {
            calls: counters.len(),
            made_up: grown(0),
            of: grown(1),
        }
    }

    /// 0 to 1.
    pub(super) fn share(&self) -> f64 {
        self.made_up / self.of
    }
}

impl fmt::Display for Concealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (made_up, seconds) = (self.made_up / MS, self.of / MS / 1e3);
        let percent = self.share() * 100.0;
        write!(
            f,
            "{percent:.3} %: {made_up:.0} ms in {} calls of {seconds:.0} s together",
            self.calls
        )
    }
}

fn read(counters: &mut Counters, event: &Value) {
    let (Some(peer), Some(objects)) = (event["peer"].as_str(), event["stats"].as_array()) else {
        return;
    };
    let Some(inbound) = objects.iter().find(|one| one["type"] == "inbound-rtp") else {
        return;
    };
    let number = |name: &str| inbound[name].as_f64();
    let Some(now) = number("concealedSamples").zip(number("totalSamplesReceived")) else {
        return;
    };
    let now = [now.0, now.1];
    counters
        .entry(peer.to_owned())
        .and_modify(|(_, last)| *last = now)
        .or_insert((now, now));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Concealed, Counters, read};

    #[test]
    fn only_what_grew_in_between_counts() {
        let mut counters = Counters::new();
        let event = |peer: &str, made_up: u32, of: u32| {
            json!({"event": "stats", "peer": peer, "stats": [{"type": "codec"}, {
                "type": "inbound-rtp", "concealedSamples": made_up, "totalSamplesReceived": of,
            }]})
        };
        read(&mut counters, &json!({"event": "connected", "peer": "ann"}));
        read(&mut counters, &event("ann", 960, 48_000));
        read(&mut counters, &event("ben", 0, 0));
        read(&mut counters, &event("ann", 1440, 96_000));
        read(&mut counters, &event("ben", 0, 48_000));
        let found = Concealed::sum(&counters);
        assert_eq!(
            found.to_string(),
            "0.500 %: 10 ms in 2 calls of 2 s together"
        );
    }
}
