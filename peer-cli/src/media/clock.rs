//! One clock for all processes of a machine.

use std::time::Instant;

/// Microseconds of the monotonic clock at `at`; two processes of one machine agree on it.
#[cfg(unix)]
pub fn clock_us(at: Instant) -> u64 {
    let (now, clock) = (
        Instant::now(),
        rustix::time::clock_gettime(rustix::time::ClockId::Monotonic),
    );
    let clock_us = clock.tv_sec * 1_000_000 + clock.tv_nsec / 1000;
    shift(u64::try_from(clock_us).unwrap_or(0), now, at)
}

/// Microseconds since the first call; elsewhere no safe interface gives what processes share.
#[cfg(not(unix))]
pub fn clock_us(at: Instant) -> u64 {
    static EPOCH: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    shift(0, *EPOCH.get_or_init(Instant::now), at)
}

fn shift(clock_us: u64, now: Instant, at: Instant) -> u64 {
    let micros = |span: std::time::Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    match at.checked_duration_since(now) {
        Some(later) => clock_us.saturating_add(micros(later)),
        None => clock_us.saturating_sub(micros(now.duration_since(at))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_counts_microseconds_both_ways() {
        let now = Instant::now();
        let (a, b) = (clock_us(now), clock_us(now + Duration::from_millis(30)));
        assert!((29_000..=31_000).contains(&(b - a)), "{a} {b}");
        assert_eq!(shift(5, now, now - Duration::from_secs(1)), 0);
        assert_eq!(
            shift(2_000_000, now, now - Duration::from_secs(1)),
            1_000_000
        );
    }
}
