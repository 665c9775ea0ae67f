//! What is sent and what is heard, on one time line: pieces come when they come and are put where they belong.          PURE

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::channels::Channels;
use super::limiter::Limiter;

/// Samples in a second.
const RATE: u64 = 48_000;
/// A piece that follows the one before by less than this follows it at once: threads wake early or late. 20 ms.
const LOOSE: u64 = RATE / 50;
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
    /// Where the next piece of each giver goes on.
    cursors: BTreeMap<(Side, u64), u64>,
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
        let cursor = self.cursors.get(&(side, giver)).copied();
        let start = match cursor {
            Some(cursor) if cursor.abs_diff(exact) <= LOOSE => cursor,
            _ => exact,
        };
        if start > self.gone + FAR {
            return;
        }
        let end = start + piece.len() as u64;
        // Never twice at one place: a clock that is fast, or a piece that comes too late, loses its beginning.
        let from = start.max(cursor.unwrap_or(0)).max(self.gone);
        if from >= end {
            return;
        }
        self.cursors.insert((side, giver), end);
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

    /// What is complete at this time, left and right by turns.
    pub fn take(&mut self, now: Duration) -> Vec<f32> {
        let both = self.us.samples.len().min(self.them.samples.len()) as u64;
        let overdue = samples(now).saturating_sub(LATE).saturating_sub(self.gone);
        self.take_samples(both.max(overdue))
    }

    /// All that is left.
    pub fn finish(&mut self) -> Vec<f32> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn left(sound: &[f32]) -> Vec<f32> {
        sound.iter().step_by(2).copied().collect()
    }

    fn right(sound: &[f32]) -> Vec<f32> {
        sound.iter().skip(1).step_by(2).copied().collect()
    }

    #[test]
    fn pieces_of_threads_that_wake_unevenly_follow_each_other_without_a_gap() {
        let mut tracks = TwoTracks::default();
        for n in 0..50u32 {
            let late = MS * (n * 7 % 15);
            tracks.put(Side::Us, 1, MS * 20 * n + late, &[0.5; 960]);
            tracks.put(Side::Them, 0, MS * 20 * n, &[-0.25; 960]);
        }
        let sound = tracks.take(MS * 1000);
        assert_eq!(sound.len(), 2 * 48_000);
        assert!(left(&sound).iter().all(|s| *s == 0.5));
        assert!(right(&sound).iter().all(|s| *s == -0.25));
        assert_eq!(tracks.length(), MS * 1000);
    }

    #[test]
    fn a_side_that_says_nothing_is_silent_and_holds_up_nobody() {
        let mut tracks = TwoTracks::default();
        for n in 0..100 {
            tracks.put(Side::Them, 0, MS * 10 * n, &[0.1; 480]);
        }
        let sound = tracks.take(MS * 1000);
        assert_eq!(sound.len(), 2 * 48 * 700);
        assert!(left(&sound).iter().all(|s| *s == 0.0) && right(&sound).iter().all(|s| *s == 0.1));
        // It begins later, and at its own time.
        tracks.put(Side::Us, 1, MS * 900, &[0.2; 480]);
        let sound = tracks.finish();
        assert_eq!(sound.len(), 2 * 48 * 300);
        let us = left(&sound);
        let begins = us.iter().position(|s| *s > 0.0);
        assert_eq!(
            (begins, us.iter().filter(|s| **s == 0.2).count()),
            (Some(48 * 200), 480)
        );
    }

    #[test]
    fn what_comes_too_late_is_lost_and_does_not_move_the_rest() {
        let mut tracks = TwoTracks::default();
        assert_eq!(tracks.take(MS * 1300).len(), 2 * 48_000);
        tracks.put(Side::Us, 1, MS * 995, &[0.3; 480]);
        tracks.put(Side::Us, 1, MS * 1500, &[0.4; 480]);
        tracks.put(Side::Us, 2, MS, &[0.4; 480]);
        tracks.put(Side::Us, 3, MS * 10_000_000, &[0.4; 480]);
        let sound = left(&tracks.finish());
        assert_eq!(sound[..240], [0.3; 240]);
        assert!(sound[240..24_000].iter().all(|s| *s == 0.0));
        assert_eq!(sound[24_000..], [0.4; 480]);
    }

    #[test]
    fn several_givers_are_summed_within_full_scale() {
        let mut tracks = TwoTracks::default();
        for giver in 0..3 {
            tracks.put(Side::Us, giver, Duration::ZERO, &[0.6; 4800]);
        }
        let sound = left(&tracks.finish());
        assert!(sound.iter().all(|s| *s <= 1.0) && sound[4000] > 0.9);
    }
}
