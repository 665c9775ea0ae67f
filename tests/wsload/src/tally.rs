//! What was sent, what arrived, how late, and what was lost or came twice.                                              PURE

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::stamp::Delivery;

/// Two digits of a latency are good enough.
const DIGITS: u8 = 2;

/// Nanoseconds; whatever takes longer counts as this.
const LONGEST: u64 = 60_000_000_000;

/// Times of messages, as many as there are.
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_max(LONGEST, DIGITS)?))
    }

    pub(crate) fn record(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(nanos);
    }

    /// As if there had been none.
    pub(crate) fn clear(&mut self) {
        self.0.reset();
    }

    /// Milliseconds.
    pub(crate) fn quantiles(&self) -> Value {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1e6;
        json!({"p50": at(0.5), "p99": at(0.99), "p99.9": at(0.999), "max": self.0.max() as f64 / 1e6})
    }
}

/// Counts one turn.
pub(crate) struct Tally {
    room: usize,
    /// Of each pair of members of a room: the number of the message that the one must hear next from the other.
    expected: Vec<u32>,
    /// From when on it counts.
    from: Duration,
    /// And until when.
    until: Duration,
    pub(crate) arrived: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) latencies: Latencies,
    /// Of all turns.
    pub(crate) all: Latencies,
}

impl Tally {
    /// For so many members, of whom each `room` share one. Nothing counts yet.
    pub(crate) fn new(members: usize, room: usize) -> Result<Self> {
        Ok(Self {
            room,
            expected: vec![0; members * room],
            from: Duration::MAX,
            until: Duration::MAX,
            arrived: 0,
            lost: 0,
            doubled: 0,
            latencies: Latencies::new()?,
            all: Latencies::new()?,
        })
    }

    /// What comes from then on, for so long, counts as one turn.
    pub(crate) fn start(&mut self, from: Duration, hold: Duration) {
        (self.from, self.until) = (from, from + hold);
        (self.arrived, self.lost, self.doubled) = (0, 0, 0);
        self.latencies.clear();
    }

    /// One message more; whether it was new.
    pub(crate) fn take(&mut self, delivery: &Delivery) -> bool {
        let Delivery { to, stamp, at } = delivery;
        let pair = to * self.room + stamp.sender as usize % self.room;
        let Some(expected) = self.expected.get_mut(pair) else {
            return false;
        };
        if stamp.number < *expected {
            self.doubled += 1;
            return false;
        }
        self.lost += u64::from(stamp.number - *expected);
        *expected = stamp.number + 1;
        if self.counts(*at) {
            self.arrived += 1;
            let sent = Duration::from_nanos(stamp.sent);
            let took = at.saturating_sub(sent);
            self.latencies.record(took);
            self.all.record(took);
        }
        true
    }

    /// Whether this is a moment that is measured.
    pub(crate) fn counts(&self, at: Duration) -> bool {
        at >= self.from && at < self.until
    }

    /// What this one was sent by that one and has not heard, after so many messages of that one.
    pub(crate) fn missing(&self, to: usize, from: usize, sent: u32) -> u64 {
        let expected = self.expected.get(to * self.room + from % self.room);
        u64::from(sent.saturating_sub(expected.copied().unwrap_or(0)))
    }
}

/// Milliseconds of a list of times.
pub(crate) fn quantiles(times: &[Duration]) -> Value {
    let mut times = times.to_vec();
    times.sort_unstable();
    let at = |share: f64| {
        let place = (times.len() as f64 * share) as usize;
        let time = times.get(place.min(times.len().saturating_sub(1)));
        time.map(|time| time.as_secs_f64() * 1e3)
    };
    json!({"p50": at(0.5), "p99": at(0.99), "max": at(1.0)})
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::stamp::Stamp;

    #[test]
    fn gaps_are_lost_and_repeats_are_doubled() {
        let ms = Duration::from_millis;
        let mut tally = Tally::new(4, 2).unwrap();
        tally.start(ms(0), ms(100));
        let mut take = |number, at| {
            let stamp = Stamp {
                sender: 3,
                number,
                sent: 1_000_000,
            };
            tally.take(&Delivery {
                to: 2,
                stamp,
                at: ms(at),
            })
        };
        assert!(take(0, 2));
        assert!(take(3, 3));
        assert!(!take(3, 3));
        assert!(take(4, 200), "after the measuring");
        assert_eq!((tally.arrived, tally.lost, tally.doubled), (2, 2, 1));
        assert_eq!(tally.missing(2, 3, 7), 2);
        assert_eq!(tally.missing(3, 2, 1), 1);
        let p50 = tally.latencies.quantiles()["p50"].as_f64().unwrap();
        assert!((0.99..1.05).contains(&p50), "{p50}");
        tally.start(ms(300), ms(100));
        assert_eq!((tally.arrived, tally.lost, tally.doubled), (0, 0, 0));
        assert_eq!(tally.latencies.quantiles()["max"], 0.0);
        assert!(tally.all.quantiles()["max"].as_f64() > Some(0.99));
    }
}
