//! The lateness of the packets of the last ten seconds, and the delay that suits them.

use std::collections::VecDeque;

/// What is remembered: 10 s of packets; a slow drift of clocks is forgotten with them.
const WINDOW: u64 = 480_000;
/// As long as less is known, what is missing counts as in time: the first packets must not decide alone.
const LEAST_KNOWN: u64 = 240_000;
/// Packets remembered, however short they say they are.
const MOST: usize = 2000;
/// What it is worth that one more packet in a hundred is in time: 15 ms of delay.
const WORTH: f64 = 1500.0 * 48.0;
/// Packets between two reckonings: looking through all of them costs more than it brings for each.
const EVERY: u32 = 5;
/// A larger step in lateness is a jump of the sender's clock, and nothing from before holds any more: 2 s.
const JUMP: i64 = 96_000;
/// The latest packets that tell whether the sender itself is behind.
const RECENT: usize = 20;

/// One packet: lateness and duration in samples.
#[derive(Debug, Clone, Copy)]
struct Seen {
    lateness: i64,
    samples: u32,
    lost: bool,
}

#[derive(Debug, Default)]
pub(super) struct Observed {
    seen: VecDeque<Seen>,
    /// Lateness and duration of the same, the earliest first: kept so, since in a row of packets each of which is earlier than all
    /// before it is looked through for each.
    sorted: Vec<(i64, u32)>,
    /// Duration of all of them.
    known: u64,
    since: u32,
    /// Least lateness of all.
    earliest: Option<i64>,
    wanted: i64,
}

impl Observed {
    /// The lateness aimed at, counted from that of the earliest packet.
    pub(super) fn wanted(&self) -> i64 {
        self.wanted
    }

    /// Least lateness of all, and of the latest packets.
    pub(super) fn earliest(&self) -> Option<(i64, i64)> {
        let came = self.seen.iter().rev().filter(|seen| !seen.lost);
        let recent = came.take(RECENT).map(|seen| seen.lateness).min()?;
        Some((self.earliest?, recent))
    }

    pub(super) fn add(&mut self, lateness: i64, samples: u32) {
        self.push(Seen {
            lateness,
            samples,
            lost: false,
        });
    }

    pub(super) fn add_lost(&mut self, lateness: i64, samples: u32) {
        self.push(Seen {
            lateness,
            samples,
            lost: true,
        });
    }

    fn push(&mut self, seen: Seen) {
        let jump = |earliest: i64| (seen.lateness - earliest).abs() > JUMP;
        if self.earliest.is_some_and(jump) {
            *self = Observed::default();
        }
        self.known += u64::from(seen.samples);
        self.seen.push_back(seen);
        let key = (seen.lateness, seen.samples);
        let place = self.sorted.partition_point(|other| *other < key);
        self.sorted.insert(place, key);
        while self.known > WINDOW || self.seen.len() > MOST {
            let Some(gone) = self.seen.pop_front() else {
                break;
            };
            self.known -= u64::from(gone.samples);
            if let Ok(place) = self.sorted.binary_search(&(gone.lateness, gone.samples)) {
                self.sorted.remove(place);
            }
        }
        let earlier = self.earliest.is_none_or(|least| seen.lateness < least);
        self.since += 1;
        if self.since >= EVERY || earlier {
            self.since = 0;
            self.reckon();
        }
    }

    /// Finds the cheapest delay: the candidates are the packets themselves, latest last.
    fn reckon(&mut self) {
        let Some(&(earliest, _)) = self.sorted.first() else {
            return;
        };
        let known = self.known.max(LEAST_KNOWN) as f64;
        let mut missed = self.known;
        let mut best = (f64::MAX, 0);
        for &(lateness, samples) in &self.sorted {
            missed -= u64::from(samples);
            let delay = lateness - earliest;
            let cost = delay as f64 + WORTH * missed as f64 / known;
            if cost < best.0 {
                best = (cost, delay);
            }
        }
        self.earliest = Some(earliest);
        self.wanted = best.1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: i64 = 48;

    /// So many packets of 20 ms whose lateness is given by their number.
    fn after(count: i64, lateness: impl Fn(i64) -> i64) -> Observed {
        let mut observed = Observed::default();
        for number in 0..count {
            observed.add(1_000_000 + lateness(number), 960);
        }
        observed
    }

    #[test]
    fn even_jitter_is_covered_and_rare_spikes_are_not() {
        let even = after(500, |n| n * 37 % 81 * MS);
        assert!(
            (78 * MS..=80 * MS).contains(&even.wanted()),
            "{}",
            even.wanted()
        );
        let rare = after(500, |n| if n % 100 == 50 { 90 * MS } else { n % 3 * MS });
        assert_eq!(rare.wanted(), 2 * MS);
        let often = after(500, |n| if n % 10 == 5 { 90 * MS } else { 0 });
        assert_eq!(often.wanted(), 90 * MS);
    }

    #[test]
    fn losses_are_waited_for_when_there_are_enough() {
        for (every, expected) in [(20, 20 * MS), (200, 0)] {
            let mut observed = Observed::default();
            for number in 0..500 {
                if number % every == every - 1 {
                    observed.add_lost(20 * MS, 960);
                } else {
                    observed.add(0, 960);
                }
            }
            assert_eq!(observed.wanted(), expected, "one in {every}");
        }
    }

    /// The same as it was first written: everything is sorted for each reckoning.
    fn sorted_anew(observed: &Observed) -> (i64, i64) {
        let mut sorted: Vec<(i64, u32)> = observed
            .seen
            .iter()
            .map(|seen| (seen.lateness, seen.samples))
            .collect();
        sorted.sort_unstable();
        let earliest = sorted[0].0;
        let known = observed.known.max(LEAST_KNOWN) as f64;
        let (mut missed, mut best) = (observed.known, (f64::MAX, 0));
        for (lateness, samples) in sorted {
            missed -= u64::from(samples);
            let cost = (lateness - earliest) as f64 + WORTH * missed as f64 / known;
            if cost < best.0 {
                best = (cost, lateness - earliest);
            }
        }
        (earliest, best.1)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Whatever comes: exactly what sorting anew gives, whenever there is a reckoning.
        #[test]
        fn keeping_them_sorted_changes_nothing(
            history in proptest::collection::vec(
                (prop_oneof![9 => -4000i64..4000, 1 => any::<i32>().prop_map(i64::from)], 1u32..=5760, any::<bool>()),
                1..1500,
            ),
            falling in any::<bool>(),
        ) {
            let mut observed = Observed::default();
            for (number, &(lateness, samples, lost)) in history.iter().enumerate() {
                // Where each is earlier than all before, there is a reckoning for each.
                let lateness = if falling { lateness / 100 - 50 * number as i64 } else { lateness };
                observed.push(Seen { lateness, samples, lost });
                if observed.since == 0 {
                    let (earliest, wanted) = sorted_anew(&observed);
                    prop_assert_eq!((observed.earliest, observed.wanted), (Some(earliest), wanted));
                }
                prop_assert_eq!(observed.sorted.len(), observed.seen.len());
            }
        }
    }

    #[test]
    fn what_is_ten_seconds_old_is_forgotten() {
        let mut observed = after(500, |n| n * 37 % 81 * MS);
        for _ in 0..505 {
            observed.add(2_000_000, 960);
        }
        assert_eq!(observed.wanted(), 0);
        assert_eq!(observed.earliest(), Some((2_000_000, 2_000_000)));
        assert_eq!(observed.seen.len(), 500);
    }
}
