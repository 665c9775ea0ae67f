//! What a recording misses because its disk was too slow.

use std::time::{Duration, Instant};

/// Between two words about it.
const REMIND: Duration = Duration::from_secs(60);

/// Time on the time line, whoever's sound it was.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Of the times that are over.
    total: Duration,
    /// Since when pieces find no room.
    since: Option<Instant>,
    told: Option<Instant>,
}

impl Losses {
    /// A piece of this time found no room. Where that is worth telling: what is missing so far.
    pub(super) fn lost(&mut self, at: Instant) -> Option<Duration> {
        self.since.get_or_insert(at);
        let due = |told| at.saturating_duration_since(told) >= REMIND;
        if !self.told.is_none_or(due) {
            return None;
        }
        self.told = Some(at);
        Some(self.total(at))
    }

    /// It could not be told.
    pub(super) fn untold(&mut self) {
        self.told = None;
    }

    /// A piece of this time found room.
    pub(super) fn kept(&mut self, at: Instant) {
        if let Some(since) = self.since.take() {
            self.total += at.saturating_duration_since(since);
        }
    }

    /// What is missing at this time.
    pub(super) fn total(&self, now: Instant) -> Duration {
        let lasting = self.since.map(|since| now.saturating_duration_since(since));
        self.total + lasting.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_counted_once_for_all_who_lose_and_told_now_and_then() {
        let (mut losses, start) = (Losses::default(), Instant::now());
        let at = |ms: u64| start + Duration::from_millis(ms);
        let seconds = Duration::from_secs;
        losses.kept(at(0));
        assert_eq!(losses.lost(at(1000)), Some(Duration::ZERO));
        // Another giver, and the same one again.
        assert_eq!((losses.lost(at(990)), losses.lost(at(1020))), (None, None));
        assert_eq!(losses.total(at(3000)), seconds(2));
        losses.kept(at(4000));
        losses.kept(at(9000));
        assert_eq!(losses.total(at(9000)), seconds(3));
        assert_eq!(losses.lost(at(60_999)), None);
        assert_eq!(
            losses.lost(at(61_000)),
            Some(seconds(3) + Duration::from_millis(1))
        );
        losses.untold();
        assert_eq!(losses.lost(at(61_999)), Some(seconds(4)));
    }
}
