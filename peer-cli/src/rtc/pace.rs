//! How fast a connection's driver turns, and how many of its checks leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long the crate's driver may sleep while a connection is being set up.
///
/// The driver sends what it queued only when it wakes next, so an uncapped sleep adds up to a whole
/// timer to every handshake flight.
const CONNECTING_CAP: Duration = Duration::from_millis(1);

/// The same for a running call: acknowledgements wait this long at most.
const CONNECTED_CAP: Duration = Duration::from_millis(20);

/// Connectivity checks leave at full pace for this long; most connections are up by then.
const HASTE: Duration = Duration::from_secs(1);
/// After that those of every fifth tick, so that a path that takes its time is not flooded (RFC 8445 14.1).
const TICK: Duration = Duration::from_millis(20);
const EVERY: u128 = 5;

/// Shared by everything below one connection; clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Pace(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    made: Instant,
    cap_us: AtomicU64,
    /// Since when a path is looked for, in microseconds after `made`; none is the greatest number.
    looking_us: AtomicU64,
}

impl Pace {
    /// At connecting pace.
    pub(super) fn new() -> Self {
        let pace = Self(Arc::new(Shared {
            made: Instant::now(),
            cap_us: AtomicU64::new(0),
            looking_us: AtomicU64::new(0),
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

    /// Whether a datagram leaves, or waits for its next repetition.
    pub(super) fn lets_pass(&self, datagram: &[u8]) -> bool {
        let since = Duration::from_micros(self.0.looking_us.load(Ordering::Relaxed));
        let looked = self.0.made.elapsed().saturating_sub(since);
        Self::lets_pass_after(looked, datagram)
    }

    fn lets_pass_after(looked: Duration, datagram: &[u8]) -> bool {
        /// A STUN Binding request (RFC 8489 5); one to a STUN server is nothing but its header.
        const REQUEST: [u8; 2] = [0, 1];
        const HEADER: usize = 20;
        let is_check = datagram.starts_with(&REQUEST) && datagram.len() > HEADER;
        !is_check
            || looked <= HASTE
            || (looked.as_micros() / TICK.as_micros()).is_multiple_of(EVERY)
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
        let passed = |looked: Duration| Pace::lets_pass_after(looked, &check);
        assert!(passed(HASTE));
        let ticks = (0..50).map(|tick| HASTE + TICK * (tick + 1));
        assert_eq!(ticks.filter(|looked| passed(*looked)).count(), 10);
        let later = HASTE + TICK;
        assert!(Pace::lets_pass_after(later, &[1, 1, 0, 0]), "an answer");
        assert!(
            Pace::lets_pass_after(later, &check[..20]),
            "to a STUN server"
        );
        pace.connected();
        assert!(pace.lets_pass(&check), "a consent check of a running call");
        assert_eq!(pace.cap(), CONNECTED_CAP);
    }
}
