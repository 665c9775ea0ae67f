//! What is sent and what is heard, on one time line: pieces come when they come and are put where they belong.          PURE

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::channels::Channels;
use super::limiter::Limiter;

#[cfg(test)]
mod tests;

/// Samples in a second.
const RATE: u64 = 48_000;
/// A giver may be off its place by so much for ever: 20 ms.
const LOOSE: i64 = RATE as i64 / 50;
/// What is off by more is a gap, or another time line, and goes to its own place at once: 250 ms.
const APART: i64 = RATE as i64 / 4;
/// Between the two a giver is watched for so long before it is moved: threads that wake late, and fetch late what was there in time,
/// are in time at least once. 500 ms.
const WATCHED: u64 = RATE / 2;
/// What has not come by then is silence: 300 ms.
const LATE: u64 = RATE * 3 / 10;
/// Far more than is ever held: a minute. A piece beyond it lies about its time.
const FAR: u64 = RATE * 60;

/// Which channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Left: what is sent.
    Us,
    /// Right: what is heard.
    Them,
}

/// Two tracks that grow together.
#[derive(Debug, Default)]
pub struct TwoTracks {
    /// Samples that have left, on either track.
    gone: u64,
    us: Track,
    them: Track,
    /// Those that have given something since the last pause.
    givers: BTreeMap<(Side, u64), Giver>,
}

/// Where one giver's sound goes on, and how well that fits the times of its pieces.
#[derive(Debug, Clone, Copy)]
struct Giver {
    /// Where its next piece goes, and up to where it has given sound.
    cursor: u64,
    filled: u64,
    watched_since: u64,
    /// The least by which a piece was late since then; early, where it is negative.
    least: i64,
}

#[derive(Debug, Default)]
struct Track {
    samples: VecDeque<f32>,
    limiter: Limiter,
}

impl TwoTracks {
    /// Adds a piece; `giver` is one of those whose sound the track is the sum of, `at` when its first sample was heard.
    pub fn put(&mut self, side: Side, giver: u64, at: Duration, piece: &[f32]) {
        let exact = samples(at);
        if exact > self.gone + FAR {
            return;
        }
        let new = || Giver::new(exact);
        let giver = self.givers.entry((side, giver)).or_insert_with(new);
        let start = giver.place(exact);
        let end = start + piece.len() as u64;
        // Never twice at one place: a clock that is fast, or a piece that comes too late, loses its beginning.
        let from = start.max(giver.filled).max(self.gone);
        giver.cursor = end;
        giver.filled = giver.filled.max(end);
        if from >= end {
            return;
        }
        let piece = &piece[(from - start) as usize..];
        let offset = (from - self.gone) as usize;
        let track = match side {
            Side::Us => &mut self.us,
            Side::Them => &mut self.them,
        };
        if track.samples.len() < offset + piece.len() {
            track.samples.resize(offset + piece.len(), 0.0);
        }
        for (sum, sample) in track.samples.range_mut(offset..).zip(piece) {
            *sum += sample;
        }
    }

    /// What is complete at this time, left and right by turns; a second at most, and more the next time.
    pub fn take(&mut self, now: Duration) -> Vec<f32> {
        let both = self.us.samples.len().min(self.them.samples.len()) as u64;
        let overdue = samples(now).saturating_sub(LATE).saturating_sub(self.gone);
        self.take_samples(both.max(overdue).min(RATE))
    }

    /// All that is left. Whoever gives after this begins anew.
    pub fn finish(&mut self) -> Vec<f32> {
        self.givers.clear();
        let longest = self.us.samples.len().max(self.them.samples.len());
        self.take_samples(longest as u64)
    }

    fn take_samples(&mut self, count: u64) -> Vec<f32> {
        self.gone += count;
        let (us, them) = (self.us.take(count as usize), self.them.take(count as usize));
        us.into_iter()
            .zip(them)
            .flat_map(|(us, them)| [us, them])
            .collect()
    }

    /// How much has been taken so far.
    pub fn length(&self) -> Duration {
        Duration::from_nanos(self.gone * 1_000_000_000 / RATE)
    }
}

impl Giver {
    fn new(start: u64) -> Giver {
        Giver {
            cursor: start,
            filled: 0,
            watched_since: start,
            least: i64::MAX,
        }
    }

    /// Where a piece begins whose time is `exact`: behind the one before, unless all of them were off for long, or this one by far.
    fn place(&mut self, exact: u64) -> u64 {
        let late = exact as i64 - self.cursor as i64;
        if late.abs() > APART {
            (self.watched_since, self.least) = (exact, i64::MAX);
            return exact;
        }
        self.least = self.least.min(late);
        if exact.saturating_sub(self.watched_since) < WATCHED {
            return self.cursor;
        }
        let off = if self.least.abs() > LOOSE {
            self.least
        } else {
            0
        };
        (self.watched_since, self.least) = (exact, i64::MAX);
        self.cursor.saturating_add_signed(off)
    }
}

impl Track {
    fn take(&mut self, count: usize) -> Vec<f32> {
        let there = count.min(self.samples.len());
        let mut taken: Vec<f32> = self.samples.drain(..there).collect();
        taken.resize(count, 0.0);
        self.limiter.limit(&mut taken, Channels::Mono);
        taken
    }
}

fn samples(time: Duration) -> u64 {
    u64::try_from(time.as_nanos() * u128::from(RATE) / 1_000_000_000).unwrap_or(u64::MAX)
}
