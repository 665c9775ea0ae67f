//! Is this recording that sentence, and when? Cross-correlation of what was sent with what was heard.                 PURE

use crate::fourier::best_shift;
use crate::wav::Sound;

/// What the comparison found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// How much later than in the sent sound the same moment comes in the heard one, in seconds.
    pub delay: f64,
    /// Mean normalised correlation of the waveforms, window by window: 1 is the same sound at any volume, 0 has nothing to do with it.
    pub similarity: f64,
    /// How much of the sentence is missing before the first part that was heard, in seconds.
    pub missing_start: f64,
    /// The same after the last one.
    pub missing_end: f64,
}

/// The delay is looked for within this distance, in seconds.
const FARTHEST: f64 = 2.0;
/// One value of the envelope, in seconds.
const STEP: f64 = 0.005;
/// Similarity is judged in pieces this long, in seconds.
const WINDOW: f64 = 0.5;
/// How far each of them may be from the common delay where nothing made the playout wait, in seconds.
pub const DRIFT: f64 = 0.008;
/// A step counts as speech when it is at most this far (as an amplitude) below the loudest one: −30 dB.
const SPEECH: f64 = 0.032;
/// A step of speech was heard when the same step there has at least this share of its amplitude: −15 dB.
const HEARD: f64 = 0.18;

/// Compares two sounds of the same rate; pieces may have drifted by so many seconds from the common delay.
#[must_use]
pub fn compare(sent: &Sound, heard: &Sound, drift: f64) -> Match {
    debug_assert_eq!(
        sent.rate, heard.rate,
        "sounds are resampled before they are compared"
    );
    let rate = f64::from(sent.rate);
    let delay = delay(&sent.samples, &heard.samples, rate);
    let (missing_start, missing_end) =
        missing(&sent.samples, &shifted(&heard.samples, delay), rate);
    Match {
        delay: delay as f64 / rate,
        similarity: similarity(
            &sent.samples,
            &heard.samples,
            delay,
            (drift * rate) as i64,
            rate,
        ),
        missing_start,
        missing_end,
    }
}

/// The heard sound moved by the delay and cut or filled up to the length of the sent one.
pub fn aligned(sent: &Sound, heard: &Sound, delay: f64) -> Sound {
    let samples = shifted(
        &heard.samples,
        (delay * f64::from(heard.rate)).round() as i64,
    );
    let silence = std::iter::repeat(0.0);
    Sound {
        rate: heard.rate,
        samples: samples
            .iter()
            .copied()
            .chain(silence)
            .take(sent.samples.len())
            .collect(),
    }
}

/// Without the silence before and after: what is left begins and ends with sound.
pub fn trimmed(sound: &Sound) -> Sound {
    let step = (STEP * f64::from(sound.rate)) as usize;
    let speech = speech(&envelope(&sound.samples, step));
    let first = speech.iter().position(|step| *step).unwrap_or(0) * step;
    let last = speech
        .iter()
        .rposition(|step| *step)
        .map_or(0, |last| (last + 1) * step);
    Sound {
        rate: sound.rate,
        samples: sound.samples[first..last.max(first).min(sound.samples.len())].to_vec(),
    }
}

/// In samples.
fn delay(sent: &[f32], heard: &[f32], rate: f64) -> i64 {
    let farthest = (FARTHEST * rate) as i64;
    best_shift(&wide(sent), &wide(heard), -farthest..=farthest)
}

/// The mean of the windows' best correlations, each weighed by how much of the sentence is in it.
fn similarity(sent: &[f32], heard: &[f32], delay: i64, drift: i64, rate: f64) -> f64 {
    let length = (WINDOW * rate) as usize;
    let (sent, heard) = (wide(sent), wide(heard));
    let (mut sum, mut weights) = (0.0, 0.0);
    for (index, window) in sent.chunks(length).enumerate() {
        let weight = energy(window).sqrt();
        let start = (index * length) as i64 + delay;
        sum += weight * best(start - drift..=start + drift, window, &heard).1;
        weights += weight;
    }
    if weights > 0.0 { sum / weights } else { 0.0 }
}

/// Seconds from the first moment of speech to the first that was heard, and the same from the end.
fn missing(sent: &[f32], heard: &[f32], rate: f64) -> (f64, f64) {
    let step = (2.0 * STEP * rate) as usize;
    let (sent, heard) = (envelope(sent, step), envelope(heard, step));
    let there: Vec<(usize, bool)> = speech(&sent)
        .iter()
        .enumerate()
        .filter(|(_, speech)| **speech)
        .map(|(at, _)| {
            // A codec smears a sharp edge over its neighbours.
            let around = &heard[at.saturating_sub(1).min(heard.len())..(at + 2).min(heard.len())];
            (at, around.iter().any(|level| *level >= HEARD * sent[at]))
        })
        .collect();
    let (Some(first), Some(last)) = (there.first(), there.last()) else {
        return (0.0, 0.0);
    };
    let heard_first = there
        .iter()
        .find(|step| step.1)
        .map_or(last.0 + 1, |step| step.0);
    let heard_last = there
        .iter()
        .rfind(|step| step.1)
        .map_or(first.0, |step| step.0 + 1);
    let seconds = |steps: usize| (steps * step) as f64 / rate;
    (
        seconds(heard_first - first.0),
        seconds(last.0 + 1 - heard_last),
    )
}

/// The lag at which `pattern` is found in `sound`, and how well: the normalised correlation there.
fn best(lags: std::ops::RangeInclusive<i64>, pattern: &[f64], sound: &[f64]) -> (i64, f64) {
    let own = energy(pattern);
    lags.map(|lag| (lag, correlation(pattern, own, sound, lag)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((0, 0.0))
}

/// Normalised by the energy under the whole pattern, so that a short overlap cannot win by itself.
fn correlation(pattern: &[f64], own: f64, sound: &[f64], lag: i64) -> f64 {
    let skip = usize::try_from(-lag).unwrap_or(0);
    let start = usize::try_from(lag).unwrap_or(0);
    let (pattern, sound) = (
        pattern.get(skip..).unwrap_or_default(),
        sound.get(start..).unwrap_or_default(),
    );
    let (mut product, mut other) = (0.0, 0.0);
    for (a, b) in pattern.iter().zip(sound) {
        product += a * b;
        other += b * b;
    }
    if own > 0.0 && other > 0.0 {
        product / (own * other).sqrt()
    } else {
        0.0
    }
}

fn shifted(samples: &[f32], delay: i64) -> Vec<f32> {
    let lead = usize::try_from(-delay).unwrap_or(0);
    let start = usize::try_from(delay).unwrap_or(0);
    let rest = samples.get(start..).unwrap_or_default();
    std::iter::repeat_n(0.0, lead)
        .chain(rest.iter().copied())
        .collect()
}

/// Root mean square of each step.
fn envelope(samples: &[f32], step: usize) -> Vec<f64> {
    samples
        .chunks(step.max(1))
        .map(|chunk| (energy(&wide(chunk)) / chunk.len() as f64).sqrt())
        .collect()
}

fn speech(envelope: &[f64]) -> Vec<bool> {
    let loudest = envelope.iter().copied().fold(0.0, f64::max);
    envelope
        .iter()
        .map(|level| *level > loudest * SPEECH)
        .collect()
}

fn energy(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum()
}

fn wide(samples: &[f32]) -> Vec<f64> {
    samples.iter().copied().map(f64::from).collect()
}

#[cfg(test)]
mod tests;
