//! Comfort noise as loud as the room was: a codec's own fades away within seconds, and the listener thinks that the line is dead.

use super::stats::mean_square;

/// Pulls of real sound in a row that tell how loud the room is; an encoder goes on for 200 ms after the last word.
const NEEDED: usize = 10;
/// Nothing louder is taken for background noise: -40 dBFS.
const LOUDEST: f64 = 1e-4;
/// How far the codec's noise is raised or lowered: 20 dB.
const MOST_GAIN: f32 = 10.0;

/// How loud the room is, and the gain that makes comfort noise as loud.
#[derive(Debug, Default)]
pub(super) struct Comfort {
    /// Mean squares of the latest pulls of real sound, the newest last.
    recent: Vec<f64>,
    /// Mean square of the noise.
    floor: Option<f64>,
    gain: Option<f32>,
}

impl Comfort {
    /// A pull of what was sent by the other side.
    pub(super) fn real(&mut self, frame: &[f32]) {
        if self.recent.len() == NEEDED {
            self.recent.remove(0);
        }
        self.recent.push(mean_square(frame));
        if self.recent.len() == NEEDED {
            let quietest = self.recent.iter().copied().fold(f64::MAX, f64::min);
            self.floor = Some(quietest.min(LOUDEST));
        }
    }

    /// A pull of something else: what tells the level must be in one piece.
    pub(super) fn interrupted(&mut self) {
        self.recent.clear();
    }

    /// A word begins: the next pause finds its gain anew.
    pub(super) fn ended(&mut self) {
        self.gain = None;
    }

    /// Brings the codec's noise to the level of the room.
    pub(super) fn level(&mut self, noise: &mut [f32]) {
        let Some(floor) = self.floor else {
            return;
        };
        let own = mean_square(noise).max(1e-12);
        let to = ((floor / own).sqrt() as f32).clamp(1.0 / MOST_GAIN, MOST_GAIN);
        let from = self.gain.replace(to).unwrap_or(to);
        let length = noise.len().max(1) as f32;
        for (at, sample) in noise.iter_mut().enumerate() {
            *sample *= from + (to - from) * at as f32 / length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rms(frame: &[f32]) -> f64 {
        mean_square(frame).sqrt()
    }

    #[test]
    fn noise_gets_the_level_that_the_room_had() {
        let mut comfort = Comfort::default();
        let mut unknown = [0.01; 480];
        comfort.level(&mut unknown);
        assert_eq!(unknown, [0.01; 480]);
        for _ in 0..30 {
            comfort.real(&[0.3; 480]);
        }
        for _ in 0..NEEDED {
            comfort.real(&[0.004; 480]);
        }
        for own in [0.002, 0.001, 0.008] {
            let mut noise = [own; 480];
            comfort.ended();
            comfort.level(&mut noise);
            assert!(
                (rms(&noise) / 0.004 - 1.0).abs() < 0.01,
                "{own}: {}",
                rms(&noise)
            );
        }
    }

    #[test]
    fn speech_is_not_taken_for_noise_and_single_frames_tell_nothing() {
        let mut comfort = Comfort::default();
        for _ in 0..NEEDED {
            comfort.real(&[0.3; 480]);
        }
        let mut noise = [0.005; 480];
        comfort.level(&mut noise);
        assert!(rms(&noise) <= 0.0101, "{}", rms(&noise));
        for _ in 0..20 {
            comfort.interrupted();
            comfort.real(&[0.001; 480]);
        }
        let mut noise = [0.005; 480];
        comfort.level(&mut noise);
        assert!(rms(&noise) > 0.005, "{}", rms(&noise));
    }
}
