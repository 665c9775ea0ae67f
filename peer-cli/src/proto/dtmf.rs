//! Digits as telephone events (RFC 4733): what is sent when, and what was received.
//!
//! An event is told again and again with a growing duration, its end three times, all under one timestamp: a digit survives unless
//! every one of its packets is lost, and is one digit however many of them come.

mod script;
#[cfg(test)]
mod tests;
mod waiting;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use script::{Digit, Script, Step};
pub use waiting::Waiting;

/// How long a digit sounds; receivers want 40 ms at least (Q.24).
const TONE: Duration = Duration::from_millis(100);
/// Silence after it.
const GAP: Duration = Duration::from_millis(100);
/// Between the packets of an event (RFC 4733 2.5.1.2: at most 50 ms).
const UPDATE: Duration = Duration::from_millis(20);
/// How often the end is told (RFC 4733 2.5.1.4).
const ENDS: u32 = 3;
/// A pause that the script asks for.
const PAUSE: Duration = Duration::from_millis(500);
/// Loudness of the tone that stands behind an event, in -dBm0.
const VOLUME: u8 = 10;
/// The bit that marks the end.
const END: u8 = 0x80;
/// Events that are remembered, to know a straggler.
const REMEMBERED: usize = 16;
/// A segment of a long event ends where its duration no longer fits 16 bits: at their largest value, or with senders that count
/// whole packets a little before.
const NEARLY_FULL: u16 = 0xf000;

/// One packet of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPacket {
    /// The payload (RFC 4733 2.3).
    pub payload: [u8; 4],
    /// The first of its event, which takes a new timestamp and the marker; the others keep the timestamp.
    pub first: bool,
}

/// Sends a script.
#[derive(Debug, Default)]
pub struct Dialer {
    steps: VecDeque<Step>,
    /// When the present step began, or the next one may.
    since: Option<Instant>,
    /// The digit under way, and packets of it so far.
    sounding: Option<(Digit, u32)>,
}

impl Dialer {
    /// Adds to what is to be sent, from `now` on.
    pub fn dial(&mut self, now: Instant, script: Script) {
        if self.sounding.is_none() && self.steps.is_empty() {
            self.since = Some(now);
        }
        self.steps.extend(script.0);
    }

    /// When the next packet is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let since = self.since?;
        match self.sounding {
            Some((_, sent)) => Some(since + UPDATE * sent),
            None => (!self.steps.is_empty()).then_some(since),
        }
    }

    /// The next packet, if it is due; durations count `clock_rate` units in a second.
    pub fn poll_output(&mut self, now: Instant, clock_rate: u32) -> Option<EventPacket> {
        loop {
            if self.poll_timeout()? > now {
                return None;
            }
            if let Some((digit, sent)) = self.sounding {
                return Some(self.packet(digit, sent, clock_rate));
            }
            let since = self.since?;
            match self.steps.pop_front()? {
                Step::Pause => self.since = Some(since + PAUSE),
                Step::Digit(digit) => {
                    // What was late is not made up for: tones keep their length.
                    self.since = Some(now);
                    self.sounding = Some((digit, 0));
                }
            }
        }
    }

    fn packet(&mut self, digit: Digit, sent: u32, clock_rate: u32) -> EventPacket {
        let updates = (TONE.as_millis() / UPDATE.as_millis()) as u32;
        let length = (UPDATE * (sent + 1)).min(TONE);
        let duration = (length.as_millis() as u64 * u64::from(clock_rate) / 1000) as u16;
        let end = if sent + 1 >= updates { END } else { 0 };
        if sent + 1 >= updates + ENDS - 1 {
            self.sounding = None;
            self.since = self.since.map(|since| since + TONE + GAP);
        } else {
            self.sounding = Some((digit, sent + 1));
        }
        let [high, low] = duration.to_be_bytes();
        EventPacket {
            payload: [digit.code(), end | VOLUME, high, low],
            first: sent == 0,
        }
    }
}

/// Digits that follow each other faster are no keys: telephones ask for 40 ms and as much pause (ITU-T Q.24).
const SHORTEST: Duration = Duration::from_millis(40);
/// What may come at once after a stall of the network, or of this machine: digits 200 ms apart for two seconds.
const AT_ONCE: u32 = 10;

/// Lets digits pass that fingers can dial, and not a flood of them.
#[derive(Debug, Default)]
pub struct Fingers {
    /// When all so far would have been dialled.
    until: Option<Instant>,
}

impl Fingers {
    /// Whether a digit that comes now passes.
    pub fn let_pass(&mut self, now: Instant) -> bool {
        let until = self.until.unwrap_or(now).max(now);
        let passes = until < now + SHORTEST * AT_ONCE;
        if passes {
            self.until = Some(until + SHORTEST);
        }
        passes
    }
}

/// Finds the digits in what is received.
#[derive(Debug, Default)]
pub struct Listener {
    /// The latest events, or segments of long ones.
    known: VecDeque<Heard>,
}

/// An event, or a segment of a long one, as far as it is known.
#[derive(Debug, Clone, Copy)]
struct Heard {
    ssrc: u32,
    timestamp: u32,
    code: u8,
    /// The longest that was told, in the clock's units.
    duration: u16,
    /// Its end was told.
    ended: bool,
}

impl Heard {
    /// Whether a segment with this timestamp goes on where this one ends (RFC 4733 2.5.1.3: at the largest duration that fits its
    /// field). The packets that told the last of it may be lost.
    fn goes_on_at(&self, timestamp: u32) -> bool {
        let step = timestamp.wrapping_sub(self.timestamp);
        let full = (u32::from(NEARLY_FULL)..=u32::from(u16::MAX)).contains(&step);
        !self.ended && (full || (step > 0 && step == u32::from(self.duration)))
    }
}

impl Listener {
    /// Takes in a packet; gives its digit if none of the same event has come before. Other events (RFC 4733 3.2: up to 15 are
    /// digits) and what is too short are nothing.
    pub fn hear(
        &mut self,
        ssrc: u32,
        timestamp: u32,
        marker: bool,
        payload: &[u8],
    ) -> Option<Digit> {
        let &[code, flags, high, low, ..] = payload else {
            return None;
        };
        let digit = Digit::from_code(code)?;
        let heard = Heard {
            ssrc,
            timestamp,
            code,
            duration: u16::from_be_bytes([high, low]),
            ended: flags & END != 0,
        };
        let same = |known: &&mut Heard| known.ssrc == ssrc && known.timestamp == timestamp;
        if let Some(known) = self.known.iter_mut().find(same) {
            known.duration = known.duration.max(heard.duration);
            known.ended |= heard.ended;
            return None;
        }
        let before =
            |known: &Heard| known.ssrc == ssrc && known.code == code && known.goes_on_at(timestamp);
        // The marker stands at the beginning of the whole event only.
        let goes_on = !marker && self.known.iter().any(before);
        if self.known.len() == REMEMBERED {
            self.known.pop_front();
        }
        self.known.push_back(heard);
        (!goes_on).then_some(digit)
    }
}
