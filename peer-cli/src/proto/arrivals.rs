//! When the packets of the other side came: what transport-wide feedback tells it
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).
//!
//! Packets carry numbers that count over all streams of a connection. Feedback is about a stretch of them without gaps: whether each
//! came, and when. Numbers that jump, as those of a sender that counts anew, begin another stretch and are no losses: the crate's own
//! recorder writes up to 32766 lost packets for a jump, and spends as much memory and time on each.

use std::collections::BTreeMap;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Times in a second: they count 250 µs.
const PER_SECOND: u128 = 4_000;
/// Numbers that are missing in a row and were lost: ten seconds of sound. More of them are a jump.
const LONGEST_GAP: i64 = 500;
/// Numbers in one stretch, and packets that came among them: less than 1200 bytes on the wire.
const MOST_NUMBERS: usize = 900;
const MOST_CAME: usize = 400;
/// Packets between two looks; of a flood the rest is not told.
const MOST_HELD: usize = 1000;
/// Stretches told at once: what comes late or jumps makes one of its own, and each is a datagram.
const MOST_STRETCHES: usize = 32;

/// Some numbers in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    first: i64,
    arrivals: Vec<Option<i64>>,
    came: usize,
    /// When the last packet came.
    last: i64,
}

impl Stretch {
    /// Number of the first packet; it wraps.
    #[must_use]
    pub fn first(&self) -> u16 {
        self.first as u16
    }

    /// When each came, in units of 250 µs; nothing: it did not. Neighbours differ by no more than 16 bits with a sign.
    #[must_use]
    pub fn arrivals(&self) -> &[Option<i64>] {
        &self.arrivals
    }

    fn end(&self) -> i64 {
        self.first + self.arrivals.len() as i64
    }

    fn has_room(&self, missing: usize, at: i64) -> bool {
        self.came < MOST_CAME
            && self.arrivals.len() + missing < MOST_NUMBERS
            && i16::try_from(at - self.last).is_ok()
    }

    fn push(&mut self, missing: usize, at: i64) {
        self.arrivals.extend(std::iter::repeat_n(None, missing));
        self.arrivals.push(Some(at));
        self.came += 1;
        self.last = at;
    }
}

/// What came since it was last told.
#[derive(Debug, Default)]
pub struct Arrivals {
    held: BTreeMap<i64, i64>,
    /// The one that came last: the next number is the nearest to it.
    latest: Option<i64>,
    /// Everything before it has been told, or is given up.
    next: Option<i64>,
}

impl Arrivals {
    /// The packet of this number came, so long after some fixed moment.
    pub fn note(&mut self, number: u16, at: Duration) {
        let number = match self.latest {
            None => i64::from(number),
            Some(latest) => latest + i64::from(number.wrapping_sub(latest as u16).cast_signed()),
        };
        self.latest = Some(number);
        if self.held.len() < MOST_HELD {
            let at = at.as_nanos() * PER_SECOND / 1_000_000_000;
            self.held.entry(number).or_insert(at as i64);
        }
    }

    /// What is to be told now: each packet once, losses behind what was told before.
    pub fn take(&mut self) -> Vec<Stretch> {
        let held = std::mem::take(&mut self.held);
        let (Some((first, _)), Some(latest)) = (held.first_key_value(), self.latest) else {
            return Vec::new();
        };
        let next = self.next.unwrap_or(*first);
        let (mut stretches, mut due) = (Vec::<Stretch>::new(), next);
        for (number, at) in held {
            // Of the numbers before, those were told that are not here.
            let mut begin = if number < next { number } else { due.max(next) };
            if number - begin > LONGEST_GAP {
                begin = number;
            }
            due = number + 1;
            let missing = usize::try_from(number - begin).unwrap_or(0);
            let full = stretches.len() == MOST_STRETCHES;
            match stretches.last_mut() {
                Some(open) if open.end() == begin && open.has_room(missing, at) => {
                    open.push(missing, at);
                }
                _ if full => {}
                _ => {
                    let mut opened = Stretch {
                        first: begin,
                        arrivals: Vec::new(),
                        came: 0,
                        last: at,
                    };
                    opened.push(missing, at);
                    stretches.push(opened);
                }
            }
        }
        due = due.max(next);
        // Whoever is far behind does not come late but counts anew.
        let anew = latest + LONGEST_GAP < due;
        self.next = Some(if anew { latest + 1 } else { due });
        stretches
    }
}
