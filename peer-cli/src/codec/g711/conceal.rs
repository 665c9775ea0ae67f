//! What bridges a gap: the last pitch period over and over (as in G.711 Appendix I), faded into what comes after.

/// Samples of the past that are kept: 48.75 ms at 8 kHz, three of the longest periods and a cross-fade.
const HISTORY: usize = 390;
/// Pitch periods looked for: 66 to 200 Hz in both directions of one octave, in samples.
const SHORTEST: usize = 40;
const LONGEST: usize = 120;
/// How much of the past has to be like itself a period before: 20 ms.
const COMPARED: usize = 160;
/// Cross-fade, 4 ms.
const OVERLAP: usize = 32;

/// The past of a stream, and where its repetition stands.
#[derive(Debug)]
pub(super) struct Concealment {
    history: Vec<f32>,
    /// The period being repeated, and the next sample of it.
    period: Option<(Vec<f32>, usize)>,
}

impl Default for Concealment {
    fn default() -> Concealment {
        Concealment {
            history: vec![0.0; HISTORY],
            period: None,
        }
    }
}

impl Concealment {
    /// Sound that has come: after a gap its beginning is faded in over what would have gone on.
    pub(super) fn join(&mut self, sound: &mut [f32]) {
        if self.period.is_some() {
            let before = self.next(OVERLAP.min(sound.len()));
            let steps = before.len() as f32;
            for (n, (sample, old)) in sound.iter_mut().zip(before).enumerate() {
                let share = (n as f32 + 0.5) / steps;
                *sample = *sample * share + old * (1.0 - share);
            }
            self.period = None;
        }
        let kept = sound.len().min(HISTORY);
        self.history.drain(..kept);
        self.history.extend_from_slice(&sound[sound.len() - kept..]);
    }

    /// The next samples of a gap.
    pub(super) fn next(&mut self, samples: usize) -> Vec<f32> {
        let (period, at) = self
            .period
            .get_or_insert_with(|| (period(&self.history), 0));
        let mut made = Vec::with_capacity(samples);
        for _ in 0..samples {
            made.push(period[*at]);
            *at = (*at + 1) % period.len();
        }
        made
    }
}

/// The last period, its end faded into what stood before its beginning, so that it can follow itself.
fn period(history: &[f32]) -> Vec<f32> {
    let lag = lag(history);
    let start = history.len() - lag;
    let mut period = history[start..].to_vec();
    let fade = OVERLAP.min(lag / 2);
    for n in 0..fade {
        let share = (n as f32 + 0.5) / fade as f32;
        let at = lag - fade + n;
        period[at] = period[at] * (1.0 - share) + history[start - fade + n] * share;
    }
    // It begins where the history ends: the faded end comes last.
    period
}

/// The distance at which the end of the past resembles itself most.
fn lag(history: &[f32]) -> usize {
    let end = history.len();
    let last = &history[end - COMPARED..];
    let likeness = |lag: usize| {
        let before = &history[end - COMPARED - lag..end - lag];
        let (mut both, mut energy) = (0.0f32, 1e-6f32);
        for (a, b) in last.iter().zip(before) {
            both += a * b;
            energy += b * b;
        }
        both / energy.sqrt()
    };
    (SHORTEST..=LONGEST)
        .max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)))
        .unwrap_or(LONGEST)
}
