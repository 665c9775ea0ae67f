//! A bad network for outgoing datagrams: loss in bursts, delay, jitter, a narrow line with a short queue, stalls.
//!
//! The order is that of a sender behind a lossy line: lost, else queued at the line's rate, else delayed, else held by a stall.
//! What is lost and how long each datagram is delayed follows from the seed and its number alone, not from the time;
//! only queue and stalls look at the clock.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::random::Random;

mod spec;
pub use spec::{Impairment, Stall};

#[cfg(test)]
mod tests;

/// How much waits in front of a narrow line, as time at its rate; more is dropped at the tail.
const QUEUE: Duration = Duration::from_millis(200);

/// What IPv4 and UDP add to a payload on the line, bytes.
const HEADERS: usize = 28;

/// Datagrams under way at once; a bound on memory (about 40 MB), met only far beyond the rates of a call.
const MAX_UNDER_WAY: usize = 32_768;

/// What becomes of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It leaves at this time.
    Leaves(Instant),
    /// Lost on the line.
    Lost,
    /// Dropped, because the queue in front of the line is full.
    QueueFull,
}

/// Carries datagrams through an [`Impairment`].
#[derive(Debug)]
pub struct Impairer<T> {
    spec: Impairment,
    random: Random,
    /// The state of the Gilbert model: inside a burst of losses.
    in_burst: bool,
    /// When the line has sent what was queued before.
    line_free: Option<Instant>,
    /// When the first datagram came; stalls are counted from there.
    begun: Option<Instant>,
    /// By time of leaving, then by order of coming.
    under_way: BTreeMap<(Instant, u64), T>,
    count: u64,
}

impl<T> Impairer<T> {
    /// The same seed and the same datagrams give the same losses and delays.
    pub fn new(spec: Impairment, seed: u64) -> Self {
        let random = Random::new(seed);
        Self {
            spec,
            random,
            in_burst: false,
            line_free: None,
            begun: None,
            under_way: BTreeMap::new(),
            count: 0,
        }
    }

    /// Takes a datagram with `length` bytes of UDP payload; one that does not get through is dropped here.
    pub fn handle(&mut self, now: Instant, length: usize, datagram: T) -> Fate {
        // Both numbers are drawn for every datagram, so that a full queue does not change the fate of later ones.
        let (loss, jitter) = (self.random.unit(), self.random.signed_unit());
        if self.is_lost(loss) {
            return Fate::Lost;
        }
        let Some(sent) = self.through_line(now, length) else {
            return Fate::QueueFull;
        };
        let begun = *self.begun.get_or_insert(now);
        let leaves = self.after_stall(begun, sent + self.delay(jitter));
        self.under_way.insert((leaves, self.count), datagram);
        self.count += 1;
        Fate::Leaves(leaves)
    }

    /// The next datagram whose time has come.
    pub fn poll_output(&mut self, now: Instant) -> Option<T> {
        let first = self.under_way.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the next datagram leaves.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.under_way
            .first_key_value()
            .map(|((leaves, _), _)| *leaves)
    }

    /// Datagrams under way.
    pub fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Steps the Gilbert model: everything inside a burst is lost, nothing outside.
    fn is_lost(&mut self, draw: f64) -> bool {
        let Impairment { loss, burst, .. } = self.spec;
        if burst <= 1.0 || loss >= 1.0 {
            return draw < loss;
        }
        let ends = 1.0 / burst;
        let begins = (loss * ends / (1.0 - loss)).min(1.0);
        self.in_burst = if self.in_burst {
            draw >= ends
        } else {
            draw < begins
        };
        self.in_burst
    }

    /// When the line has sent this datagram, or nothing if its queue is full.
    fn through_line(&mut self, now: Instant, length: usize) -> Option<Instant> {
        if self.under_way.len() >= MAX_UNDER_WAY {
            return None;
        }
        let Some(rate) = self.spec.rate else {
            return Some(now);
        };
        let starts = self.line_free.map_or(now, |free| free.max(now));
        if starts.duration_since(now) > QUEUE {
            return None;
        }
        let bits = (length.saturating_add(HEADERS) as f64) * 8.0;
        let sent = starts + Duration::from_secs_f64(bits / rate.max(1) as f64);
        self.line_free = Some(sent);
        Some(sent)
    }

    /// What would leave during a stall leaves at its end: all at once, in order.
    fn after_stall(&self, begun: Instant, leaves: Instant) -> Instant {
        let Some(Stall { length, every }) = self.spec.stall else {
            return leaves;
        };
        let cycle = leaves.duration_since(begun).as_nanos() % every.as_nanos().max(1);
        // The first one begins after a whole period.
        let first = leaves.duration_since(begun) < every;
        let left = length.as_nanos().saturating_sub(cycle);
        if first || left == 0 {
            return leaves;
        }
        leaves + Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX))
    }

    /// Delay give or take jitter, at least 0.
    fn delay(&self, jitter: f64) -> Duration {
        let seconds = self.spec.delay.as_secs_f64() + jitter * self.spec.jitter.as_secs_f64();
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
    }
}
