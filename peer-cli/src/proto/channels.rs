//! One channel or two. The samples of two come by turns, left first.

use std::borrow::Cow;

/// How many channels a piece of sound has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channels {
    /// One.
    #[default]
    Mono,
    /// Left and right.
    Stereo,
}

impl Channels {
    /// As a number.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Channels::Mono => 1,
            Channels::Stereo => 2,
        }
    }

    /// As many as both have.
    #[must_use]
    pub fn common(self, other: Channels) -> Channels {
        self.min(other)
    }

    /// Sound of these channels mixed to one.
    #[must_use]
    pub fn mono(self, sound: &[f32]) -> Cow<'_, [f32]> {
        match self {
            Channels::Mono => Cow::Borrowed(sound),
            Channels::Stereo => {
                let pairs = sound.chunks_exact(2);
                Cow::Owned(pairs.map(|pair| (pair[0] + pair[1]) / 2.0).collect())
            }
        }
    }

    /// Appends sound of `from` channels to `out`, which has these. One becomes both; of many the first two are left and right.
    pub fn append(self, from: usize, sound: &[f32], out: &mut Vec<f32>) {
        let frames = sound.chunks_exact(from.max(1));
        match (self, from) {
            (Channels::Mono, 1) | (Channels::Stereo, 2) => out.extend_from_slice(sound),
            (Channels::Mono, _) => {
                let share = 1.0 / from.max(1) as f32;
                out.extend(frames.map(|all| all.iter().sum::<f32>() * share));
            }
            (Channels::Stereo, _) => {
                let right = usize::from(from > 1);
                out.extend(frames.flat_map(|all| [all[0], all[right]]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(to: Channels, from: usize, sound: &[f32]) -> Vec<f32> {
        let mut out = vec![9.0];
        to.append(from, sound, &mut out);
        out.split_off(1)
    }

    #[test]
    fn every_number_of_channels_becomes_one_or_two() {
        let (mono, stereo) = (Channels::Mono, Channels::Stereo);
        assert_eq!(appended(mono, 1, &[1.0, 2.0]), [1.0, 2.0]);
        assert_eq!(appended(mono, 2, &[1.0, 2.0, 4.0, 6.0]), [1.5, 5.0]);
        assert_eq!(appended(mono, 4, &[1.0, 2.0, 4.0, 5.0]), [3.0]);
        assert_eq!(appended(stereo, 1, &[1.0, 2.0]), [1.0, 1.0, 2.0, 2.0]);
        assert_eq!(appended(stereo, 2, &[1.0, 2.0]), [1.0, 2.0]);
        assert_eq!(appended(stereo, 3, &[1.0, 2.0, 3.0]), [1.0, 2.0]);
        assert_eq!(appended(stereo, 0, &[1.0]), [1.0, 1.0]);
        assert_eq!(*stereo.mono(&[1.0, 0.0, 0.5, 0.5]), [0.5, 0.5]);
        assert_eq!(*mono.mono(&[1.0, 0.0]), [1.0, 0.0]);
        assert_eq!(stereo.common(mono), mono);
    }
}
