//! Where the time until `connected` goes.

use std::time::{Duration, Instant};

use crate::event::Setup;

/// The moments of one session's set-up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// Process start to `welcome`; zero where waiting is our job.
    signaling: Duration,
    /// The offer was asked for, or came in.
    started: Instant,
    described: Option<Instant>,
    ice: Option<Instant>,
    connected: Option<Instant>,
}

impl Timing {
    pub(super) fn new(signaling: Duration, started: Instant) -> Self {
        Self {
            signaling,
            started,
            described: None,
            ice: None,
            connected: None,
        }
    }

    /// Both sides are described.
    pub(super) fn described(&mut self, now: Instant) {
        self.described.get_or_insert(now);
    }

    /// The first pair works.
    pub(super) fn ice(&mut self, now: Instant) {
        self.ice.get_or_insert(now);
    }

    /// Whether any pair has worked.
    pub(super) fn has_path(&self) -> bool {
        self.ice.is_some()
    }

    /// The call is up.
    pub(super) fn connected(&mut self, now: Instant) {
        self.connected.get_or_insert(now);
    }

    /// When the offer was made or came.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// When the call was up.
    pub(super) fn connected_at(&self) -> Option<Instant> {
        self.connected
    }

    /// The phases, once the call is up.
    pub(super) fn setup(&self) -> Option<Setup> {
        let connected = self.connected?;
        // Checks may succeed before our side has noted the answer: then that phase took no time.
        let described = self.described.unwrap_or(connected).min(connected);
        let ice = self.ice.unwrap_or(connected).clamp(described, connected);
        Some(Setup {
            signaling: self.signaling,
            offer_answer: Some(described.saturating_duration_since(self.started)),
            ice: Some(ice - described),
            dtls: Some(connected - ice),
            total: self.signaling + connected.saturating_duration_since(self.started),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_phases_add_up_to_the_total() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timing = Timing::new(Duration::from_millis(3), start);
        assert_eq!(timing.setup(), None);
        timing.described(at(5));
        timing.ice(at(9));
        timing.connected(at(20));
        timing.connected(at(99));
        let setup = timing.setup().unwrap();
        let phases = setup.signaling
            + setup.offer_answer.unwrap()
            + setup.ice.unwrap()
            + setup.dtls.unwrap();
        assert_eq!(phases, setup.total);
        assert_eq!(setup.total, Duration::from_millis(23));
    }

    #[test]
    fn ice_before_the_answer_takes_no_time() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timing = Timing::new(Duration::ZERO, start);
        timing.ice(at(4));
        timing.described(at(5));
        timing.connected(at(20));
        assert_eq!(timing.setup().unwrap().ice, Some(Duration::ZERO));
    }
}
