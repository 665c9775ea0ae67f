//! Warnings that more than one room gives.

use std::time::{Duration, Instant};

use crate::event::Event;
use crate::proto::negotiation::MAX_REMOTE;

/// Code of complaints about what others send.
pub(super) const MALFORMED: &str = "malformed";

/// `ignored malformed message from <id>`, with what is wrong about it.
pub(super) fn malformed(from: &str, what: &str) -> Event {
    Event::warning_with(
        MALFORMED,
        format!("ignored malformed message from {from}"),
        what,
    )
}

/// Told once a session: addresses that the other side wants checked, and that are not.
pub(super) fn surplus(name: &str) -> Event {
    let text = format!("{name} named more than {MAX_REMOTE} candidates: the others are not used");
    Event::warning("too-many-candidates", text)
}

/// Lets one pass a second.
#[derive(Debug, Default)]
pub(super) struct Limiter(Option<Instant>);

impl Limiter {
    const EVERY: Duration = Duration::from_secs(1);

    /// Whether this one may pass.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        let due = self.0.is_none_or(|last| now >= last + Self::EVERY);
        if due {
            self.0 = Some(now);
        }
        due
    }
}

/// `30s`, `1.5s`, as the command line writes durations.
pub(super) fn seconds(duration: Duration) -> String {
    format!("{}s", (duration.as_secs_f64() * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_second() {
        let now = Instant::now();
        let mut limiter = Limiter::default();
        assert!(limiter.allows(now));
        assert!(!limiter.allows(now + Duration::from_millis(999)));
        assert!(limiter.allows(now + Duration::from_secs(1)));
    }

    #[test]
    fn durations_read_as_they_are_typed() {
        assert_eq!(seconds(Duration::from_secs(30)), "30s");
        assert_eq!(seconds(Duration::from_millis(1500)), "1.5s");
    }
}
