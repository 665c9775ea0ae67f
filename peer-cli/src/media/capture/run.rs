//! One run of a source, from its sample 0 to its end: what is due when, and how it is numbered.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::audio::Clock;
use crate::media::pace::Pace;
use crate::proto::packet::Packet;

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
    /// It has ended; one more frame brings out what the encoder holds back.
    Flushing,
    /// Everything was sent.
    Ended,
}

/// Timing and numbering of a run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) phase: Phase,
    clock: Clock,
    pace: Pace,
    frame: u32,
    /// When to ask a source again that had nothing, and since when it has had nothing.
    retry: Option<Instant>,
    quiet_since: Option<Instant>,
    sequence: u16,
    timestamp: u32,
    marker: bool,
}

impl Run {
    /// A run whose sample 0 is heard at `start`; frames have `frame` samples at 48 kHz and last `period`.
    pub(super) fn new(start: Instant, clock: Clock, frame: u32, period: Duration) -> Run {
        Run {
            phase: Phase::Sounding,
            clock,
            // A frame can leave when its last sample has been heard.
            pace: Pace::new(start + period, period, MOST_BEHIND),
            frame,
            retry: None,
            quiet_since: None,
            sequence: 0,
            timestamp: 0,
            marker: true,
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
            Phase::Flushing => self.pace.is_due(now),
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

    /// The source gave a frame, perhaps after a pause.
    pub(super) fn something(&mut self, now: Instant) {
        self.retry = None;
        let Some(since) = self.quiet_since.take() else {
            return;
        };
        let pause = now.saturating_duration_since(since);
        if pause >= PAUSE && self.clock == Clock::Caller {
            let frames = (pause.as_millis() * 48 / u128::from(self.frame)) as u32;
            self.timestamp = self.timestamp.wrapping_add(frames.wrapping_mul(self.frame));
            self.marker = true;
            self.pace.restart(now);
        }
    }

    /// When the first sample of the frame was heard that is to be sent now.
    pub(super) fn heard(&self, now: Instant) -> Instant {
        let end = match self.clock {
            Clock::Caller => self.pace.next(),
            Clock::Device => now,
        };
        let length = Duration::from_micros(u64::from(self.frame) * 1000 / 48);
        end.checked_sub(length).unwrap_or(end)
    }

    /// Numbers an encoded frame.
    pub(super) fn packet(&mut self, now: Instant, payload: Bytes) -> Packet {
        let (sequence, timestamp, marker) = (self.sequence, self.timestamp, self.marker);
        self.sequence = sequence.wrapping_add(1);
        self.timestamp = timestamp.wrapping_add(self.frame);
        self.marker = false;
        self.pace.step();
        Packet {
            sequence,
            timestamp,
            ssrc: 0,
            marker,
            payload,
            arrival: now,
        }
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
        let first = run.packet(start + 20 * MS, Bytes::new());
        assert_eq!(
            (first.sequence, first.timestamp, first.marker),
            (0, 0, true)
        );
        assert_eq!(run.wake(), Some(start + 40 * MS));
        let second = run.packet(start + 40 * MS, Bytes::new());
        assert_eq!(
            (second.sequence, second.timestamp, second.marker),
            (1, 960, false)
        );
    }

    #[test]
    fn a_pause_of_the_source_moves_the_timestamps_and_not_the_sequence() {
        let start = Instant::now();
        let mut run = Run::new(start, Clock::Caller, 960, 20 * MS);
        run.packet(start + 20 * MS, Bytes::new());
        run.nothing(start + 40 * MS);
        assert_eq!(run.wake(), Some(start + 45 * MS));
        assert!(!run.is_due(start + 44 * MS) && run.is_due(start + 45 * MS));
        run.something(start + 45 * MS);
        assert_eq!(run.packet(start + 45 * MS, Bytes::new()).timestamp, 960);
        run.nothing(start + 60 * MS);
        run.something(start + 560 * MS);
        let late = run.packet(start + 560 * MS, Bytes::new());
        assert_eq!(
            (late.sequence, late.timestamp, late.marker),
            (2, 1920 + 25 * 960, true)
        );
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
