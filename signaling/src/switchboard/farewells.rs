//! Whom to tell when that the server ends: one after another, evenly, so that not all come to the next server at once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::hub::ConnId;

/// Those who are still to be told; nobody by default.
#[derive(Debug, Default)]
pub(super) struct Farewells {
    waiting: VecDeque<ConnId>,
    /// When the next one is due.
    due: Option<Instant>,
    apart: Duration,
}

impl Farewells {
    /// The first after half a step, so that the last is half a step before the end.
    pub(super) fn new(all: impl Iterator<Item = ConnId>, now: Instant, over: Duration) -> Self {
        let waiting: VecDeque<_> = all.collect();
        let count = u32::try_from(waiting.len().max(1)).unwrap_or(u32::MAX);
        let apart = over / count;
        Self {
            due: (!waiting.is_empty()).then(|| now + apart / 2),
            waiting,
            apart,
        }
    }

    /// Somebody who is due.
    pub(super) fn next(&mut self, now: Instant) -> Option<ConnId> {
        let due = self.due.filter(|due| *due <= now)?;
        let conn = self.waiting.pop_front();
        self.due = (!self.waiting.is_empty()).then(|| due + self.apart);
        conn
    }

    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// When each is told, in milliseconds.
    fn times(count: u64, over: Duration) -> Vec<(u64, u128)> {
        let start = Instant::now();
        let mut farewells = Farewells::new((0..count).map(ConnId), start, over);
        let mut times = Vec::new();
        while let Some(at) = farewells.poll_timeout() {
            assert_eq!(
                farewells.next(at - Duration::from_nanos(1)),
                None,
                "not before"
            );
            let conn = farewells.next(at).unwrap();
            times.push((conn.0, (at - start).as_millis()));
        }
        times
    }

    #[test]
    fn everybody_is_told_once_and_evenly() {
        let second = Duration::from_secs(1);
        assert_eq!(times(4, second), [(0, 125), (1, 375), (2, 625), (3, 875)]);
        assert_eq!(times(1, second), [(0, 500)]);
        assert_eq!(times(0, second), []);
        assert_eq!(times(10_000, second).len(), 10_000);
    }

    #[test]
    fn who_comes_late_catches_up() {
        let start = Instant::now();
        let mut farewells = Farewells::new((0..10).map(ConnId), start, Duration::from_secs(1));
        let later = start + Duration::from_millis(500);
        assert_eq!(std::iter::from_fn(|| farewells.next(later)).count(), 5);
        let end = start + Duration::from_secs(1);
        assert_eq!(std::iter::from_fn(|| farewells.next(end)).count(), 5);
        assert_eq!(farewells.poll_timeout(), None);
    }
}
