//! Time stretch by one pitch period: leaves out or repeats the stretch of sound that fits best onto itself, with a cross-fade,
//! so that delay changes without a change of pitch.

use super::stats::mean_square;

/// Length of the cross-fade: 5 ms.
const OVERLAP: usize = 240;
/// Shortest piece worth moving: 2.5 ms.
const SHORTEST: usize = 120;
/// Longest piece moved at once: 15 ms, one period of a deep voice.
const LONGEST: usize = 720;
/// Sound below -50 dBFS: a cut there is not heard.
const QUIET: f64 = 1e-5;
/// Correlation from which a cut is not heard in loud sound.
const ALIKE: f64 = 0.7;

/// Samples that must be there for a full search.
pub(super) const NEEDED: usize = LONGEST + OVERLAP;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stretched {
    /// Nothing: no good place, or not enough sound.
    Not,
    /// Where it is not heard.
    Quiet,
    /// In the middle of loud sound.
    Loud,
}

/// Decoded sound, its channels by turns. Lengths are counted for each channel.
#[derive(Debug)]
pub(super) struct Sound<'a> {
    pub(super) pcm: &'a mut Vec<f32>,
    pub(super) channels: usize,
}

impl Sound<'_> {
    /// Shortens it at its start by at most `most` samples; loud sound only if `loud`, and by `force` also where it fits badly.
    pub(super) fn shorten(self, most: usize, loud: bool, force: bool) -> Stretched {
        let (stretched, lag) = best_lag(self.pcm, self.channels, most, loud, force);
        if stretched != Stretched::Not {
            let (overlap, shift) = (OVERLAP * self.channels, lag * self.channels);
            for i in 0..overlap {
                let share = share(i / self.channels);
                self.pcm[i] = fade(self.pcm[i], self.pcm[shift + i], share);
            }
            self.pcm.drain(overlap..overlap + shift);
        }
        stretched
    }

    /// Lengthens it near its start by at most `most` samples; loud sound only if `loud`.
    pub(super) fn lengthen(self, most: usize, loud: bool) -> Stretched {
        let (stretched, lag) = best_lag(self.pcm, self.channels, most, loud, false);
        if stretched != Stretched::Not {
            let (pcm, overlap, shift) = (&*self.pcm, OVERLAP * self.channels, lag * self.channels);
            let mut longer = Vec::with_capacity(pcm.len() + shift);
            longer.extend_from_slice(&pcm[..shift]);
            let faded = |i: usize| fade(pcm[shift + i], pcm[i], share(i / self.channels));
            longer.extend((0..overlap).map(faded));
            longer.extend_from_slice(&pcm[overlap..]);
            *self.pcm = longer;
        }
        stretched
    }
}

/// How far the cross-fade is.
fn share(at: usize) -> f32 {
    at as f32 / OVERLAP as f32
}

fn fade(from: f32, to: f32, share: f32) -> f32 {
    from + (to - from) * share
}

/// The shift at which the sound resembles itself most, all channels together.
fn best_lag(
    pcm: &[f32],
    channels: usize,
    most: usize,
    loud: bool,
    force: bool,
) -> (Stretched, usize) {
    let room = (pcm.len() / channels).saturating_sub(OVERLAP);
    let longest = most.min(LONGEST).min(room);
    if longest < SHORTEST {
        return (Stretched::Not, 0);
    }
    if mean_square(&pcm[..(longest + OVERLAP) * channels]) < QUIET {
        return (Stretched::Quiet, longest);
    }
    if !loud {
        return (Stretched::Not, 0);
    }
    let overlap = OVERLAP * channels;
    let head = &pcm[..overlap];
    let piece = |lag: usize| &pcm[lag * channels..lag * channels + overlap];
    let own = f64::from(dot(head, head));
    // The energy of a piece follows from that of the one before.
    let mut energy = f64::from(dot(piece(SHORTEST), piece(SHORTEST)));
    let likeness = |lag: usize| {
        let likeness = f64::from(dot(head, piece(lag))) / (own * energy).sqrt().max(1e-12);
        let first = lag * channels;
        if let Some(next) = pcm.get(first + overlap..first + overlap + channels) {
            let gone = power(&pcm[first..first + channels]);
            energy = (energy + power(next) - gone).max(0.0);
        }
        (lag, likeness)
    };
    let best = (SHORTEST..=longest)
        .map(likeness)
        .max_by(|a, b| a.1.total_cmp(&b.1));
    match best {
        Some((lag, likeness)) if likeness >= ALIKE || force => (Stretched::Loud, lag),
        _ => (Stretched::Not, 0),
    }
}

/// The sum of squares.
fn power(samples: &[f32]) -> f64 {
    samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum()
}

/// The sum of products, in lanes that a processor adds at once: searching took most of the playout's time.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0f32; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for ((sum, x), y) in sums.iter_mut().zip(a).zip(b) {
            *sum += x * y;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mono(pcm: &mut Vec<f32>) -> Sound<'_> {
        Sound { pcm, channels: 1 }
    }

    fn tone(len: usize) -> Vec<f32> {
        (0..len)
            .map(|i| (i as f32 * 440.0 * std::f32::consts::TAU / 48_000.0).sin() * 0.3)
            .collect()
    }

    /// The largest step between neighbours: a click shows as a step that the tone itself never makes.
    fn largest_step(pcm: &[f32]) -> f32 {
        pcm.windows(2)
            .map(|w| (w[1] - w[0]).abs())
            .fold(0.0, f32::max)
    }

    #[test]
    fn a_tone_is_shortened_and_lengthened_without_a_click() {
        let smooth = largest_step(&tone(1440)) * 1.3;
        let mut shorter = tone(1440);
        assert_eq!(
            mono(&mut shorter).shorten(LONGEST, true, false),
            Stretched::Loud
        );
        assert!(shorter.len() <= 1440 - SHORTEST && shorter.len() >= 1440 - LONGEST);
        assert!(largest_step(&shorter) < smooth);

        let mut longer = tone(1440);
        assert_eq!(mono(&mut longer).lengthen(480, true), Stretched::Loud);
        assert!((1440 + SHORTEST..=1440 + 480).contains(&longer.len()));
        assert!(largest_step(&longer) < smooth);

        let mut spared = tone(1440);
        assert_eq!(
            mono(&mut spared).shorten(LONGEST, false, true),
            Stretched::Not
        );
        assert_eq!(spared, tone(1440));
    }

    #[test]
    fn the_search_finds_the_shift_of_the_greatest_correlation() {
        // Two tones that do not fit each other, swelling: energies differ from lag to lag.
        let sound: Vec<f32> = (0..1440)
            .map(|i| {
                let phase = i as f32 * std::f32::consts::TAU / 48_000.0;
                ((phase * 143.0).sin() + (phase * 391.0).sin()) * i as f32 / 4000.0
            })
            .collect();
        let correlation = |lag: usize| {
            let pairs = || sound[..OVERLAP].iter().zip(&sound[lag..]);
            let (ab, bb): (f64, f64) = (
                pairs().map(|(a, b)| f64::from(*a) * f64::from(*b)).sum(),
                pairs().map(|(_, b)| f64::from(*b) * f64::from(*b)).sum(),
            );
            ab / bb.sqrt()
        };
        let best = (SHORTEST..=LONGEST)
            .max_by(|a, b| correlation(*a).total_cmp(&correlation(*b)))
            .unwrap();
        assert_eq!(
            best_lag(&sound, 1, LONGEST, true, true),
            (Stretched::Loud, best)
        );
    }

    #[test]
    fn silence_gives_way_at_once_and_too_little_sound_is_left_alone() {
        let mut silence = vec![0.0; NEEDED];
        assert_eq!(
            mono(&mut silence).shorten(500, false, false),
            Stretched::Quiet
        );
        assert_eq!(silence.len(), NEEDED - 500);
        assert_eq!(
            mono(&mut tone(300)).shorten(LONGEST, true, true),
            Stretched::Not
        );
        assert_eq!(
            mono(&mut tone(1440)).shorten(100, true, true),
            Stretched::Not
        );
        assert_eq!(mono(&mut Vec::new()).lengthen(480, true), Stretched::Not);
    }

    #[test]
    fn noise_is_cut_only_by_force() {
        let mut seed = 1u32;
        let mut noise: Vec<f32> = (0..1440)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
            })
            .collect();
        assert_eq!(
            mono(&mut noise.clone()).shorten(LONGEST, true, false),
            Stretched::Not
        );
        assert_eq!(
            mono(&mut noise).shorten(LONGEST, true, true),
            Stretched::Loud
        );
    }

    #[test]
    fn both_sides_are_cut_at_one_place_and_stay_apart() {
        // Left a tone, right the same an octave higher: no cut that fits only one of them is good.
        let octave = |len: usize| {
            (0..len).map(|i| (i as f32 * 880.0 * std::f32::consts::TAU / 48_000.0).sin() * 0.2)
        };
        let both = |len: usize| -> Vec<f32> {
            let pairs = tone(len).into_iter().zip(octave(len));
            pairs.flat_map(|(left, right)| [left, right]).collect()
        };
        let side = |pcm: &[f32], side: usize| -> Vec<f32> {
            pcm.iter().copied().skip(side).step_by(2).collect()
        };
        let stereo = |pcm| Sound { pcm, channels: 2 };
        let (mut shorter, mut longer) = (both(1440), both(1440));
        assert_eq!(
            stereo(&mut shorter).shorten(LONGEST, true, false),
            Stretched::Loud
        );
        assert_eq!(stereo(&mut longer).lengthen(480, true), Stretched::Loud);
        assert!((2 * (1440 - LONGEST)..=2 * (1440 - SHORTEST)).contains(&shorter.len()));
        assert!((2 * (1440 + SHORTEST)..=2 * (1440 + 480)).contains(&longer.len()));
        for stretched in [shorter, longer] {
            assert_eq!(stretched.len() % 2, 0);
            for channel in [0, 1] {
                let smooth = largest_step(&side(&both(1440), channel)) * 1.3;
                assert!(largest_step(&side(&stretched, channel)) < smooth);
            }
        }
    }
}
