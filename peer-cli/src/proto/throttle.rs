//! How many offers of others are looked at: each costs sockets, keys and frames of ours.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use shared::PeerId;

/// Offers looked at in one second: their answers and candidates stay far below what a server
/// takes from one client (100 frames a second).
const OF_ALL: usize = 12;
/// The same for one peer; a page that is reloaded offers once.
const OF_ONE: usize = 3;
const SECOND: Duration = Duration::from_secs(1);

/// Remembers who offered within the last second; never more than are looked at.
#[derive(Debug, Default)]
pub struct Throttle(VecDeque<(Instant, PeerId)>);

impl Throttle {
    /// Whether this offer is looked at.
    pub fn allows(&mut self, now: Instant, from: &PeerId) -> bool {
        while self.0.front().is_some_and(|(at, _)| now >= *at + SECOND) {
            self.0.pop_front();
        }
        let of_one = self.0.iter().filter(|(_, peer)| peer == from).count();
        let allowed = self.0.len() < OF_ALL && of_one < OF_ONE;
        if allowed {
            self.0.push_back((now, from.clone()));
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn peer(number: usize) -> PeerId {
        PeerId::new(format!("p{number}")).unwrap()
    }

    #[test]
    fn one_peer_cannot_use_up_what_is_there_for_all() {
        let now = Instant::now();
        let mut throttle = Throttle::default();
        let allowed = (0..50).filter(|_| throttle.allows(now, &peer(0))).count();
        assert_eq!(allowed, OF_ONE);
        assert!(throttle.allows(now, &peer(1)));
    }

    #[test]
    fn many_are_bounded_and_a_second_later_it_goes_on() {
        let now = Instant::now();
        let mut throttle = Throttle::default();
        let allowed = (0..500).filter(|n| throttle.allows(now, &peer(*n))).count();
        assert_eq!(allowed, OF_ALL);
        assert!(!throttle.allows(now + SECOND / 2, &peer(1)));
        assert!(throttle.allows(now + SECOND, &peer(1)));
        assert!(throttle.0.len() <= OF_ALL);
    }
}
