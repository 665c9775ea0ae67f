//! How fast a connection's driver turns, and how many of its checks leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::tally::is_check;

/// How long the crate's driver may sleep while a connection is being set up.
///
/// The driver sends what it queued only when it wakes next, so an uncapped sleep adds up to a whole
/// timer to every handshake flight.
const CONNECTING_CAP: Duration = Duration::from_millis(1);

/// The same for a running call: acknowledgements wait this long at most.
const CONNECTED_CAP: Duration = Duration::from_millis(20);

/// Connectivity checks leave at full pace for this long; most connections are up by then.
const HASTE: Duration = Duration::from_secs(1);
/// After that those of one tick in so long, so that a path that takes its time is not flooded (RFC 8445 14.1).
const ROUND: Duration = Duration::from_millis(100);
/// All pairs are checked at a tick of the agent, one after the other.
const TICK: Duration = Duration::from_millis(10);

/// Shared by everything below one connection; clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Pace(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    made: Instant,
    cap_us: AtomicU64,
    /// Since when a path is looked for, in microseconds after `made`; none is the greatest number.
    looking_us: AtomicU64,
    /// When the last round of checks began to leave, likewise.
    round_us: AtomicU64,
}

impl Pace {
    /// At connecting pace.
    pub(super) fn new() -> Self {
        let pace = Self(Arc::new(Shared {
            made: Instant::now(),
            cap_us: AtomicU64::new(0),
            looking_us: AtomicU64::new(0),
            round_us: AtomicU64::new(0),
        }));
        pace.connecting();
        pace
    }

    /// The connection is up: save power.
    pub(super) fn connected(&self) {
        self.set_cap(CONNECTED_CAP);
        self.0.looking_us.store(u64::MAX, Ordering::Relaxed);
    }

    /// A handshake is under way: be quick.
    pub(super) fn connecting(&self) {
        self.set_cap(CONNECTING_CAP);
        let now = micros(self.0.made.elapsed());
        self.0.looking_us.store(now, Ordering::Relaxed);
    }

    /// The longest sleep of the driver.
    pub(super) fn cap(&self) -> Duration {
        Duration::from_micros(self.0.cap_us.load(Ordering::Relaxed))
    }

    /// Whether a path is looked for.
    pub(super) fn is_looking(&self) -> bool {
        self.0.looking_us.load(Ordering::Relaxed) != u64::MAX
    }

    /// Whether a datagram leaves, or waits for its next repetition.
    pub(super) fn lets_pass(&self, datagram: &[u8]) -> bool {
        !is_check(datagram) || self.lets_check_pass(self.0.made.elapsed())
    }

    fn lets_check_pass(&self, now: Duration) -> bool {
        let since = Duration::from_micros(self.0.looking_us.load(Ordering::Relaxed));
        if now.saturating_sub(since) <= HASTE {
            return true;
        }
        let round = Duration::from_micros(self.0.round_us.load(Ordering::Relaxed));
        let age = now.saturating_sub(round);
        if age >= ROUND {
            self.0.round_us.store(micros(now), Ordering::Relaxed);
        }
        age >= ROUND || age < TICK
    }

    fn set_cap(&self, cap: Duration) {
        self.0.cap_us.store(micros(cap), Ordering::Relaxed);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_thinned_out_while_a_path_is_looked_for_and_nothing_else_is() {
        let pace = Pace::new();
        let check = [&[0, 1][..], &[0; 60]].concat();
        let at = Duration::from_millis;
        let passed = |times: std::ops::Range<u64>, step: u64| {
            let times = times.map(|tick| HASTE + at(1 + tick * step));
            times.filter(|now| pace.lets_check_pass(*now)).count()
        };
        assert!(pace.lets_check_pass(HASTE));
        assert_eq!(passed(0..50, 20), 10, "a second of ticks");
        assert_eq!(passed(1..10, 2000), 9, "what keeps a path alive");
        assert!(pace.lets_pass(&[1, 1, 0, 0]) && pace.lets_pass(&check[..20]));
        pace.connected();
        assert!(pace.lets_pass(&check), "a consent check of a running call");
        assert_eq!(pace.cap(), CONNECTED_CAP);
    }
}
