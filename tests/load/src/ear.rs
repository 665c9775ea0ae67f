//! What comes back of one call's packets, compared with what was sent.                                               PURE

use std::time::{Duration, Instant};

use bytes::Bytes;

/// Sent packets that are remembered: 20 s. What comes later than that is lost.
const REMEMBERED: usize = 1024;
/// The first packet that comes back is one of so many last ones: a second.
const RECENT: u64 = 50;
/// Steps of the round-trip histogram, and how many of them there are: one second.
const STEP: Duration = Duration::from_micros(100);
const STEPS: usize = 10_000;
/// A packet that takes longer than this is of no use to a conversation.
const LATE: Duration = Duration::from_millis(100);
/// Between two packets that come back; three frames.
const GAP: Duration = Duration::from_millis(60);

/// One call's.
#[derive(Debug)]
pub(crate) struct Ear {
    packets: std::sync::Arc<[Bytes]>,
    sent: u64,
    log: Vec<Option<Sent>>,
    /// Their sequence number of our packet 0, once a packet was recognised.
    origin: Option<u16>,
    /// Packets sent before this are not counted, those after the other neither.
    from: u64,
    until: u64,
    last: Option<Instant>,
    count: Count,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    index: u64,
    at: Instant,
    heard: bool,
}

/// Figures of one call, or of many.
#[derive(Clone, Debug)]
pub(crate) struct Count {
    /// Packets sent in the time that counts.
    pub(crate) sent: u64,
    /// Of these, those that came back, each once.
    pub(crate) heard: u64,
    /// Of these, those that took more than 100 ms.
    pub(crate) late: u64,
    /// Came twice.
    pub(crate) doubled: u64,
    /// Came back with other content, or were never sent.
    pub(crate) wrong: u64,
    /// More than 60 ms without a packet.
    pub(crate) gaps: u64,
    /// The longest time without one.
    pub(crate) longest_gap: Duration,
    round_trips: Vec<u32>,
}

impl Default for Count {
    fn default() -> Self {
        Self {
            sent: 0,
            heard: 0,
            late: 0,
            doubled: 0,
            wrong: 0,
            gaps: 0,
            longest_gap: Duration::ZERO,
            round_trips: vec![0; STEPS],
        }
    }
}

impl Ear {
    pub(crate) fn new(packets: std::sync::Arc<[Bytes]>) -> Self {
        Self {
            packets,
            sent: 0,
            log: vec![None; REMEMBERED],
            origin: None,
            from: u64::MAX,
            until: u64::MAX,
            last: None,
            count: Count::default(),
        }
    }

    /// The next packet leaves: its number and its content.
    pub(crate) fn send(&mut self, now: Instant) -> (u64, Bytes) {
        let index = self.sent;
        self.sent += 1;
        self.log[slot(index)] = Some(Sent {
            index,
            at: now,
            heard: false,
        });
        (index, self.content(index).clone())
    }

    /// From the next packet on it counts.
    pub(crate) fn begin(&mut self) {
        self.from = self.sent;
        self.last = None;
    }

    /// Packets that are sent from now on do not count any more; those on their way still do.
    pub(crate) fn end(&mut self) {
        self.until = self.sent;
        self.count.sent = self.until.saturating_sub(self.from);
    }

    /// Something came back.
    pub(crate) fn hear(&mut self, at: Instant, sequence: u16, payload: &Bytes) {
        self.origin = self.origin.or_else(|| self.recognise(sequence, payload));
        let Some(origin) = self.origin else { return };
        let Some(index) = self.index_of(sequence.wrapping_sub(origin)) else {
            self.count.wrong += 1;
            return;
        };
        if index < self.from || index >= self.until {
            return;
        }
        let right = self.content(index) == payload;
        let Some(sent) = self.log[slot(index)]
            .as_mut()
            .filter(|sent| sent.index == index)
        else {
            return;
        };
        if !right {
            self.count.wrong += 1;
        } else if std::mem::replace(&mut sent.heard, true) {
            self.count.doubled += 1;
        } else {
            let took = at.saturating_duration_since(sent.at);
            self.count.hear(took);
            self.gap(at);
        }
    }

    /// What was found.
    pub(crate) fn count(&self) -> &Count {
        &self.count
    }

    fn gap(&mut self, at: Instant) {
        if let Some(before) = self.last.replace(at) {
            let gap = at.saturating_duration_since(before);
            self.count.gaps += u64::from(gap > GAP);
            self.count.longest_gap = self.count.longest_gap.max(gap);
        }
    }

    fn content(&self, index: u64) -> &Bytes {
        let length = self.packets.len() as u64;
        // The remainder is below the length of a list.
        &self.packets[usize::try_from(index % length).unwrap_or(0)]
    }

    /// Finds the packet by its content, if only one of the last ones has it.
    fn recognise(&self, sequence: u16, payload: &Bytes) -> Option<u16> {
        let mut same = self
            .log
            .iter()
            .flatten()
            .filter(|sent| self.sent - sent.index <= RECENT)
            .filter(|sent| self.content(sent.index) == payload);
        let (found, other) = (same.next()?, same.next());
        #[expect(clippy::cast_possible_truncation, reason = "sequence numbers wrap")]
        other
            .is_none()
            .then(|| sequence.wrapping_sub(found.index as u16))
    }

    /// The latest packet whose number ends like this.
    fn index_of(&self, low: u16) -> Option<u64> {
        let last = self.sent.checked_sub(1)?;
        #[expect(clippy::cast_possible_truncation, reason = "sequence numbers wrap")]
        let back = (last as u16).wrapping_sub(low);
        last.checked_sub(u64::from(back))
    }
}

impl Count {
    fn hear(&mut self, took: Duration) {
        self.heard += 1;
        self.late += u64::from(took > LATE);
        let step = (took.as_nanos() / STEP.as_nanos()).min(STEPS as u128 - 1);
        self.round_trips[usize::try_from(step).unwrap_or(STEPS - 1)] += 1;
    }

    /// Sent and never heard.
    pub(crate) fn lost(&self) -> u64 {
        self.sent.saturating_sub(self.heard)
    }

    /// Adds another call's.
    pub(crate) fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.heard += other.heard;
        self.late += other.late;
        self.doubled += other.doubled;
        self.wrong += other.wrong;
        self.gaps += other.gaps;
        self.longest_gap = self.longest_gap.max(other.longest_gap);
        for (sum, more) in self.round_trips.iter_mut().zip(&other.round_trips) {
            *sum += more;
        }
    }

    /// The round trip that this share of the packets did not exceed, ms.
    pub(crate) fn round_trip(&self, share: f64) -> f64 {
        let total: u64 = self.round_trips.iter().map(|n| u64::from(*n)).sum();
        let wanted = share * total as f64;
        let mut sum = 0.0;
        let step = self.round_trips.iter().position(|count| {
            sum += f64::from(*count);
            sum >= wanted
        });
        (step.unwrap_or(0) + 1) as f64 * STEP.as_secs_f64() * 1e3
    }
}

fn slot(index: u64) -> usize {
    usize::try_from(index % REMEMBERED as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn packets(contents: &[&'static str]) -> std::sync::Arc<[Bytes]> {
        contents
            .iter()
            .map(|text| Bytes::from_static(text.as_bytes()))
            .collect()
    }

    /// Sends so many, 20 ms apart; each comes back 3 ms later from a peer whose numbers begin at `origin`, unless lost.
    fn talk(ear: &mut Ear, start: Instant, many: u32, origin: u16, lost: impl Fn(u64) -> bool) {
        for n in 0..many {
            let at = start + 20 * MS * n;
            let (index, payload) = ear.send(at);
            if !lost(index) {
                let low = u16::try_from(index & 0xffff).expect("16 bits");
                ear.hear(at + 3 * MS, origin.wrapping_add(low), &payload);
            }
        }
    }

    #[test]
    fn losses_round_trips_and_gaps_are_counted_in_the_time_that_counts() {
        let start = Instant::now();
        let mut ear = Ear::new(packets(&["a", "b", "b", "c"]));
        // The first ones say nothing about where their numbers begin: packet 0 is lost, 1 and 2 are alike.
        talk(&mut ear, start, 10, 65_530, |index| index < 1);
        ear.begin();
        // Numbers wrap more than once.
        talk(&mut ear, start + 200 * MS, 70_000, 65_530, |index| {
            index == 50 || (100..105).contains(&index)
        });
        ear.end();
        talk(&mut ear, start + 1_400_200 * MS, 10, 65_530, |_| true);
        let count = ear.count();
        assert_eq!((count.sent, count.heard, count.lost()), (70_000, 69_994, 6));
        assert_eq!((count.late, count.wrong, count.doubled), (0, 0, 0));
        assert_eq!((count.gaps, count.longest_gap), (1, 120 * MS));
        assert!((count.round_trip(0.5) - 3.0).abs() < 0.11);
    }

    #[test]
    fn what_is_late_doubled_or_wrong_is_told_apart() {
        let start = Instant::now();
        let mut ear = Ear::new(packets(&["a", "b", "c", "d", "e", "f"]));
        let (_, payload) = ear.send(start);
        ear.hear(start, 7, &payload);
        ear.begin();
        let late = ear.send(start).1;
        ear.hear(start + 101 * MS, 8, &late);
        ear.hear(start + 102 * MS, 8, &late);
        ear.send(start + 102 * MS);
        ear.hear(start + 103 * MS, 9, &late);
        ear.end();
        let mut both = Count::default();
        both.add(ear.count());
        both.add(ear.count());
        assert_eq!((both.sent, both.heard, both.late), (4, 2, 2));
        assert_eq!((both.doubled, both.wrong), (2, 2));
    }
}
