//! One run of a source, from its sample 0 to its end: what is due when.

use std::time::{Duration, Instant};

use crate::audio::Clock;
use crate::media::pace::Pace;

/// How often a source is asked again that had nothing to give.
const POLL: Duration = Duration::from_millis(5);
/// The same while it has been quiet for long.
const SLOW_POLL: Duration = Duration::from_millis(20);
/// A source that gives nothing for so long has paused: time goes on in the stream.
const PAUSE: Duration = Duration::from_millis(200);
/// Being late by more is not made up for: the network would get it all at once.
const MOST_BEHIND: Duration = Duration::from_millis(100);

/// Where in its life a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It gives sound.
    Sounding,
    /// It has ended; silence brings out what the encoders hold back: so many samples more.
    Flushing(usize),
    /// Everything was sent.
    Ended,
}

/// Timing of a run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) phase: Phase,
    clock: Clock,
    pace: Pace,
    frame: u64,
    /// When to ask a source again that had nothing, and since when it has had nothing.
    retry: Option<Instant>,
    quiet_since: Option<Instant>,
}

impl Run {
    /// A run whose sample 0 is heard at `start`; frames have `frame` samples at 48 kHz and last `period`.
    pub(super) fn new(start: Instant, clock: Clock, frame: u64, period: Duration) -> Run {
        Run {
            phase: Phase::Sounding,
            clock,
            // A frame can leave when its last sample has been heard.
            pace: Pace::new(start + period, period, MOST_BEHIND),
            frame,
            retry: None,
            quiet_since: None,
        }
    }

    /// Another source takes over in the middle.
    pub(super) fn change_clock(&mut self, now: Instant, clock: Clock) {
        self.clock = clock;
        self.pace.restart(now);
        self.retry = None;
    }

    /// When to look again; nothing after the end.
    pub(super) fn wake(&self) -> Option<Instant> {
        match (self.phase, self.retry) {
            (Phase::Ended, _) => None,
            (_, Some(retry)) => Some(retry),
            (_, None) => Some(self.pace.next()),
        }
    }

    /// Whether a frame is due.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        match self.phase {
            Phase::Ended => false,
            Phase::Flushing(_) => self.pace.is_due(now),
            Phase::Sounding if self.retry.is_some_and(|retry| now < retry) => false,
            Phase::Sounding => self.clock == Clock::Device || self.pace.is_due(now),
        }
    }

    /// The source had nothing.
    pub(super) fn nothing(&mut self, now: Instant) {
        let since = *self.quiet_since.get_or_insert(now);
        let long = now.saturating_duration_since(since) > 5 * PAUSE;
        self.retry = Some(now + if long { SLOW_POLL } else { POLL });
    }

    /// The source gave a frame; how much time passed before it in which there was nothing, in samples at 48 kHz.
    pub(super) fn something(&mut self, now: Instant) -> u64 {
        self.retry = None;
        let Some(since) = self.quiet_since.take() else {
            return 0;
        };
        let pause = now.saturating_duration_since(since);
        if pause < PAUSE || self.clock != Clock::Caller {
            return 0;
        }
        self.pace.restart(now);
        let frames = pause.as_millis() as u64 * 48 / self.frame;
        frames * self.frame
    }

    /// When the first sample of the frame was heard that is to be sent now.
    pub(super) fn heard(&self, now: Instant) -> Instant {
        let end = match self.clock {
            Clock::Caller => self.pace.next(),
            Clock::Device => now,
        };
        let length = Duration::from_micros(self.frame * 1000 / 48);
        end.checked_sub(length).unwrap_or(end)
    }

    /// A frame was handed on.
    pub(super) fn step(&mut self) {
        self.pace.step();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn frames_leave_when_their_last_sample_was_heard() {
        let start = Instant::now();
        let mut run = Run::new(start, Clock::Caller, 960, 20 * MS);
        assert_eq!(run.wake(), Some(start + 20 * MS));
        assert!(!run.is_due(start + 19 * MS) && run.is_due(start + 20 * MS));
        run.step();
        assert_eq!(run.wake(), Some(start + 40 * MS));
    }

    #[test]
    fn a_pause_of_the_source_is_time_that_passed() {
        let start = Instant::now();
        let mut run = Run::new(start, Clock::Caller, 960, 20 * MS);
        run.step();
        run.nothing(start + 40 * MS);
        assert_eq!(run.wake(), Some(start + 45 * MS));
        assert!(!run.is_due(start + 44 * MS) && run.is_due(start + 45 * MS));
        assert_eq!(run.something(start + 45 * MS), 0);
        run.step();
        run.nothing(start + 60 * MS);
        assert_eq!(run.something(start + 560 * MS), 25 * 960);
        run.step();
        assert_eq!(run.wake(), Some(start + 580 * MS));
    }

    #[test]
    fn a_device_is_asked_at_once_and_an_ended_run_sleeps() {
        let start = Instant::now();
        let mut run = Run::new(start, Clock::Device, 960, 20 * MS);
        assert!(run.is_due(start));
        run.nothing(start);
        assert!(!run.is_due(start + 4 * MS) && run.is_due(start + 5 * MS));
        run.phase = Phase::Ended;
        assert!(run.wake().is_none() && !run.is_due(start + 5000 * MS));
    }
}
