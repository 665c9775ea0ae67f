//! Delay that stays: how long the packets wait in front of the narrowest link.
//!
//! Clocks differ and paths have a length: only what comes on top of the shortest delay seen of late is a queue. Of the latest packets
//! the quickest counts, so that jitter, which the quickest escapes, is no queue. Where a link is known to be narrow, the time that
//! the packet itself takes on it is none either.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{BELOW_RTP, Sent};

/// How long the shortest delay is remembered, in two halves: paths change, and clocks drift apart by a few ms in it.
const MEMORY: Duration = Duration::from_secs(15);
/// The packets among which the quickest is looked for: those of so long …
const LATEST: Duration = Duration::from_millis(500);
/// … but at least so many, …
const FEWEST: usize = 4;
/// … and at most so many.
const MOST: usize = 64;
/// A delay shorter than ever by so much is another path, or a faster link, in seconds.
const FASTER: f64 = 0.015;

/// One packet's delay, in seconds, and how much of it there was to carry.
#[derive(Debug, Clone, Copy)]
struct Delay {
    seconds: f64,
    bits: f64,
}

impl Delay {
    /// Without its own time on a link that takes so long for a bit.
    fn net(self, per_bit: f64) -> f64 {
        self.seconds - self.bits * per_bit
    }
}

/// One-way delays, up to the unknown difference of two clocks.
#[derive(Debug, Default)]
pub(super) struct Delays {
    /// The first departure: what times are counted from.
    origin: Option<Instant>,
    latest: VecDeque<(Instant, Delay)>,
    /// The least of the present half of the memory and of the one before, and when the present one began.
    least: Option<Delay>,
    before: Option<Delay>,
    since: Option<Instant>,
    /// Seconds that the narrow link takes for a bit; 0: none is known.
    per_bit: f64,
}

impl Delays {
    /// A link is known that carries so many bits per second, or none.
    pub(super) fn on_link(&mut self, rate: Option<f64>) {
        self.per_bit = rate.map_or(0.0, |rate| 1.0 / rate.max(1.0));
    }

    /// Takes in a packet; tells whether it was quicker than it can be behind the link as it was.
    pub(super) fn add(&mut self, now: Instant, packet: &Sent) -> bool {
        let origin = *self.origin.get_or_insert(packet.departure);
        let Some(arrival) = packet.came() else {
            return false;
        };
        let left = packet.departure.saturating_duration_since(origin);
        let delay = Delay {
            seconds: arrival.as_secs_f64() - left.as_secs_f64(),
            bits: (packet.bytes + BELOW_RTP) as f64 * 8.0,
        };
        self.push(now, packet.departure, delay)
    }

    /// Takes in a round trip instead: the way back counts as well.
    pub(super) fn round_trip(&mut self, now: Instant, round_trip: Duration) -> bool {
        self.latest.clear();
        let delay = Delay {
            seconds: round_trip.as_secs_f64(),
            bits: 0.0,
        };
        let faster = self.push(now, now, delay);
        for _ in 1..FEWEST {
            self.push(now, now, delay);
        }
        faster
    }

    fn push(&mut self, now: Instant, at: Instant, delay: Delay) -> bool {
        self.latest.push_back((at, delay));
        let old = |(then, _): &(Instant, Delay)| at.saturating_duration_since(*then) > LATEST;
        while self.latest.len() > MOST
            || (self.latest.len() > FEWEST && self.latest.front().is_some_and(old))
        {
            self.latest.pop_front();
        }
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) > MEMORY {
            (self.before, self.least, self.since) = (self.least, None, Some(now));
        }
        let net = delay.net(self.per_bit);
        let faster = self.base().is_some_and(|base| net < base - FASTER);
        if self.least.is_none_or(|least| net < least.net(self.per_bit)) {
            self.least = Some(delay);
        }
        faster
    }

    fn base(&self) -> Option<f64> {
        let net = |delay: Delay| delay.net(self.per_bit);
        let known = [self.least, self.before].into_iter().flatten();
        known.map(net).reduce(f64::min)
    }

    /// How long the latest packets waited at least; nothing from too few.
    pub(super) fn standing(&self) -> Option<Duration> {
        if self.latest.len() < FEWEST {
            return None;
        }
        let latest = self.latest.iter().map(|(_, delay)| delay.net(self.per_bit));
        let quickest = latest.reduce(f64::min)?;
        Duration::try_from_secs_f64((quickest - self.base()?).max(0.0)).ok()
    }
}
