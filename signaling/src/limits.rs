//! How much one server, one room and one client may use; rates count on a `now` that the caller brings.

use std::time::Instant;

/// The server's bounds; 0 means none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// WebSockets at once.
    pub max_connections: usize,
    /// WebSockets at once from one address (IPv6: one /64 network); loopback is exempt, unless a proxy speaks for it.
    pub max_connections_per_ip: usize,
    /// TCP connections at once that are no WebSockets, or not yet; the bound of one address holds for them, too.
    pub max_half_open: usize,
    /// Rooms with somebody in them.
    pub max_rooms: usize,
    /// Members of one room.
    pub max_room: usize,
    /// Bytes of one text frame from a client; 16 MiB at most, also where this is 0 or more.
    pub max_frame: usize,
    /// Messages a second from one client; four seconds' worth may come at once. Among more than 16 others one to them all counts as
    /// several: as one for each 16 of them.
    pub max_rate: u32,
    /// Bytes a second from one client, as they are on the wire; four seconds' worth may come at once.
    pub max_bytes: u32,
    /// Bytes that wait for one client before it counts as too slow.
    pub max_queue: usize,
    /// Bytes that wait for all clients together; the nearer it comes, the less may wait for one of them.
    pub max_queued: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_connections_per_ip: 256,
            max_half_open: 4096,
            max_rooms: 10_000,
            max_room: 256,
            max_frame: shared::limits::MAX_FRAME,
            max_rate: 100,
            max_bytes: 256 * 1024,
            max_queue: 1024 * 1024,
            max_queued: 256 * 1024 * 1024,
        }
    }
}

/// A bound as a number to compare with: 0 bounds nothing.
pub(crate) const fn bound(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}

/// Bytes of the largest frame that can be permitted. A client announces the length of a frame before it comes, and is believed: space
/// is made for it.
pub(crate) const MOST_FRAME: usize = 16 << 20;

/// The largest frame within such a limit.
pub(crate) fn frame(limit: usize) -> usize {
    bound(limit).min(MOST_FRAME)
}

/// Bytes that a queued frame costs beside its text, so that empty frames do not queue without end.
pub(crate) const FRAME_COST: usize = 64;

/// Seconds of the permitted rate that may come at once.
pub(crate) const BURST: usize = 4;
const BURST_SECONDS: f64 = BURST as f64;

/// A token bucket: it fills with `rate` tokens a second up to four seconds' worth, and each message takes one.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: f64,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    /// A full one; a rate of 0 permits everything.
    pub(crate) fn new(rate: u32, now: Instant) -> Self {
        let rate = f64::from(rate);
        Self {
            rate,
            tokens: rate * BURST_SECONDS,
            filled: now,
        }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.take_many(now, 1)
    }

    /// Takes so many tokens, if there are; more than four seconds' worth there never are.
    pub(crate) fn take_many(&mut self, now: Instant, tokens: usize) -> bool {
        if self.rate == 0.0 {
            return true;
        }
        let seconds = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = self.filled.max(now);
        self.tokens = (self.tokens + seconds * self.rate).min(self.rate * BURST_SECONDS);
        // Exact up to 2^53.
        let wanted = tokens as f64;
        let some = self.tokens >= wanted;
        if some {
            self.tokens -= wanted;
        }
        some
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(100, start);
        assert_eq!((0..1000).filter(|_| bucket.take(start)).count(), 400);
        let later = start + Duration::from_millis(50);
        assert_eq!((0..1000).filter(|_| bucket.take(later)).count(), 5);
        let much_later = start + Duration::from_secs(3600);
        assert_eq!((0..1000).filter(|_| bucket.take(much_later)).count(), 400);
    }

    #[test]
    fn no_rate_is_no_limit() {
        let now = Instant::now();
        let mut bucket = Bucket::new(0, now);
        assert!((0..100_000).all(|_| bucket.take(now)));
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_rate_whatever_the_clock_does(
            rate in 1u32..1000,
            steps in proptest::collection::vec((0u64..2_000, any::<bool>()), 1..200),
        ) {
            let start = Instant::now();
            let mut bucket = Bucket::new(rate, start);
            let (mut at, mut last, mut taken) = (start, start, 0u32);
            for (ms, back) in steps {
                let step = Duration::from_millis(ms);
                at = if back { at.checked_sub(step).unwrap_or(at) } else { at + step };
                last = last.max(at);
                taken += u32::from(bucket.take(at));
            }
            let seconds = last.duration_since(start).as_secs_f64();
            prop_assert!(f64::from(taken) <= f64::from(rate) * (BURST_SECONDS + seconds) + 0.001);
        }
    }
}
