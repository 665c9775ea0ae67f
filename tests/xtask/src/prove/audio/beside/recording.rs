//! What a listener of somebody else's hands out piece by piece, laid in a row again.                                 PURE

use anyhow::{Context, Result, ensure};
use lab::wav::Sound;

use super::super::chirp::RATE;

/// A few milliseconds of sound, as the receiver handed them out.
pub(super) struct Piece {
    /// When, in seconds of the monotonic clock of the machine, which senders read too.
    pub(super) at: f64,
    /// Where its first sample belongs, counted from that of the first piece.
    pub(super) first: usize,
    pub(super) length: usize,
}

/// What had been counted at some moment.
pub(super) struct Count {
    /// So many seconds of the recording.
    pub(super) at: f64,
    /// Samples that were made up, and all.
    pub(super) made_up: f64,
    pub(super) all: f64,
}

pub(super) struct Recording {
    pub(super) sound: Sound,
    /// When the first sample was handed out, by the clock of [`Piece::at`].
    pub(super) begun: f64,
    /// The first sample of every piece, and how many seconds later it came than if all had come in a row.
    lateness: Vec<(usize, f64)>,
    counts: Vec<Count>,
    /// By the receiver's own count the mean time in its jitter buffer, in seconds.
    pub(super) buffered: Option<f64>,
}

/// More than any call takes, in samples: a piece that belongs further away is a mistake.
const LONGEST: usize = RATE as usize * 600;
/// Of silence at the end, in samples: what is looked for there is not found, instead of not looked for.
const AFTER: usize = RATE as usize * 2;

impl Recording {
    /// The samples of all pieces follow each other. What is missing between pieces is silent.
    pub(super) fn lay(pieces: &[Piece], samples: &[i16], counts: Vec<Count>) -> Result<Self> {
        let begun = pieces.first().context("nothing was heard")?.at;
        let (mut laid, mut rest) = (Vec::new(), samples);
        let mut lateness = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let end = piece.first + piece.length;
            ensure!(end <= LONGEST, "a piece of sound {end} samples away");
            let (these, others) = rest
                .split_at_checked(piece.length)
                .context("fewer samples than there should be")?;
            rest = others;
            if laid.len() < end {
                laid.resize(end, 0.0);
            }
            for (place, sample) in laid[piece.first..end].iter_mut().zip(these) {
                *place = f32::from(*sample) / 32_768.0;
            }
            let in_a_row = begun + piece.first as f64 / f64::from(RATE);
            lateness.push((piece.first, piece.at - in_a_row));
        }
        laid.resize(laid.len() + AFTER, 0.0);
        Ok(Self {
            sound: Sound {
                rate: RATE,
                samples: laid,
            },
            begun,
            lateness,
            counts,
            buffered: None,
        })
    }

    /// How much later the sound at so many seconds was handed out than if all had come in a row.
    pub(super) fn late(&self, seconds: f64) -> f64 {
        let sample = (seconds * f64::from(RATE)) as usize;
        let next = self.lateness.partition_point(|(first, _)| *first <= sample);
        self.lateness[..next].last().map_or(0.0, |(_, late)| *late)
    }

    /// The share that was made up between two moments of the recording, in seconds.
    pub(super) fn made_up(&self, from: f64, to: f64) -> Result<f64> {
        let until = |time: f64| self.counts.iter().take_while(move |count| count.at <= time);
        let last = until(to).last().context("nothing was counted")?;
        let before = until(from).last();
        let before = before.map_or((0.0, 0.0), |count| (count.made_up, count.all));
        let all = last.all - before.1;
        ensure!(all > 0.0, "no sound was counted");
        Ok((last.made_up - before.0) / all)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{AFTER, Count, Piece, Recording};

    const fn piece(at: f64, first: usize) -> Piece {
        Piece {
            at,
            first,
            length: 480,
        }
    }

    #[test]
    fn pieces_are_laid_where_they_belong_and_their_lateness_is_known() {
        // The third is missing, the fourth and fifth came together.
        let pieces = [
            piece(7.0, 0),
            piece(7.01, 480),
            piece(7.08, 1440),
            piece(7.08, 1920),
        ];
        let samples: Vec<i16> = (0..4 * 480).map(|n| 8192 * (1 + n / 480 % 2)).collect();
        let recording = Recording::lay(&pieces, &samples, Vec::new()).unwrap();
        let sound = &recording.sound.samples;
        assert_eq!(sound.len(), 2400 + AFTER);
        assert_eq!(
            [sound[0], sound[480], sound[960], sound[1440]],
            [0.25, 0.5, 0.0, 0.25]
        );
        assert_eq!(recording.begun, 7.0);
        for (seconds, late) in [
            (0.0, 0.0),
            (0.015, 0.0),
            (0.031, 0.05),
            (0.045, 0.04),
            (9.0, 0.04),
        ] {
            assert!((recording.late(seconds) - late).abs() < 1e-9, "{seconds}");
        }
        assert!(Recording::lay(&pieces, &samples[1..], Vec::new()).is_err());
        assert!(Recording::lay(&[], &[], Vec::new()).is_err());
        assert!(Recording::lay(&[piece(0.0, usize::MAX / 2)], &[0; 480], Vec::new()).is_err());
    }

    #[test]
    fn what_was_made_up_is_counted_between_two_moments() {
        let counts = [(1.0, 0.0, 100.0), (2.0, 10.0, 200.0), (3.0, 40.0, 300.0)];
        let counts = counts.map(|(at, made_up, all)| Count { at, made_up, all });
        let recording = Recording::lay(&[piece(0.0, 0)], &[0; 480], counts.into()).unwrap();
        assert_eq!(recording.made_up(0.0, 2.5).unwrap(), 0.05);
        assert_eq!(recording.made_up(1.5, 9.0).unwrap(), 0.2);
        assert!(recording.made_up(0.0, 0.5).is_err());
        assert!(recording.made_up(2.0, 2.5).is_err());
    }
}
