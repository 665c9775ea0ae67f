//! Is this recording that sentence, and is it whole? Both at 16 kHz.

/// Samples per second.
pub(crate) const RATE: usize = 16_000;
/// One value of the envelope: 5 ms.
const STEP: usize = RATE / 200;
/// Pieces that are compared one by one: 0.5 s.
const PIECE: usize = RATE / 2;
/// Each may have drifted from the common delay, where a busy machine made the playout wait: 100 ms.
const DRIFT: i64 = RATE as i64 / 10;
/// Looked through in steps that speech does not slip through, then one by one.
const STRIDE: i64 = 4;
/// A step counts as speech when it is at most 30 dB below the loudest.
const SPEECH: f64 = 0.032;
/// A step of speech was heard when it came with this share of its amplitude at least.
const HEARD: f64 = 0.2;

/// What the comparison found.
#[derive(Debug)]
pub(crate) struct Match {
    /// How much later the same moment comes in the recording, in seconds.
    pub(crate) delay: f64,
    /// Mean normalised correlation of the pieces: 1 is the same sound at any volume.
    pub(crate) similarity: f64,
    /// Speech before the first and after the last moment that was heard, in seconds.
    pub(crate) missing_start: f64,
    pub(crate) missing_end: f64,
}

pub(crate) fn compare(sent: &[f32], heard: &[f32]) -> Match {
    let farthest = 3 * RATE as i64 / STEP as i64;
    let (coarse, _) = best(-farthest..=farthest, &envelope(sent), &envelope(heard));
    let (sent, heard) = (wide(sent), wide(heard));
    let near = coarse * STEP as i64;
    let loudest = sent
        .chunks(PIECE)
        .enumerate()
        .max_by(|a, b| energy(a.1).total_cmp(&energy(b.1)))
        .map_or(0, |(at, _)| at);
    let span = 3 * STEP as i64;
    let (delay, _) = piece(&sent, &heard, loudest, near - span..=near + span);
    let shifted = shift(&heard, delay);
    let (missing_start, missing_end) = missing(&sent, &shifted);
    Match {
        delay: delay as f64 / RATE as f64,
        similarity: similarity(&sent, &heard, delay),
        missing_start,
        missing_end,
    }
}

/// The pieces' best correlations, each weighed by how loud it is.
fn similarity(sent: &[f64], heard: &[f64], delay: i64) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (at, sound) in sent.chunks(PIECE).enumerate() {
        let weight = energy(sound).sqrt();
        let far = (delay - DRIFT..=delay + DRIFT).step_by(STRIDE as usize);
        let (near, _) = piece(sent, heard, at, far);
        sum += weight * piece(sent, heard, at, near - STRIDE..=near + STRIDE).1;
        weights += weight;
    }
    sum / weights
}

/// The lag at which one piece of what was sent is found in what was heard, and how well.
fn piece(sent: &[f64], heard: &[f64], at: usize, lags: impl Iterator<Item = i64>) -> (i64, f64) {
    let start = at * PIECE;
    let sound = &sent[start..sent.len().min(start + PIECE)];
    let (offset, found) = best(lags.map(|lag| lag + start as i64), sound, heard);
    (offset - start as i64, found)
}

fn best(lags: impl Iterator<Item = i64>, pattern: &[f64], sound: &[f64]) -> (i64, f64) {
    let own = energy(pattern);
    lags.map(|lag| (lag, correlation(pattern, own, sound, lag)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((0, 0.0))
}

/// Normalised by all of the pattern, so that a short overlap cannot win by itself.
fn correlation(pattern: &[f64], own: f64, sound: &[f64], lag: i64) -> f64 {
    let skip = usize::try_from(-lag).unwrap_or(0);
    let start = usize::try_from(lag).unwrap_or(0);
    let pattern = pattern.get(skip..).unwrap_or_default();
    let sound = sound.get(start..).unwrap_or_default();
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

/// Both outer gaps, in seconds.
fn missing(sent: &[f64], heard: &[f64]) -> (f64, f64) {
    let levels = |sound: &[f64]| -> Vec<f64> { sound.chunks(2 * STEP).map(level).collect() };
    let (sent, heard) = (levels(sent), levels(heard));
    let loudest = sent.iter().copied().fold(0.0, f64::max);
    let speech: Vec<usize> = (0..sent.len())
        .filter(|at| sent[*at] > SPEECH * loudest)
        .collect();
    let is_there = |at: &&usize| {
        // A codec smears a sharp edge over its neighbours.
        let around = heard.iter().skip(at.saturating_sub(1)).take(3);
        around.copied().fold(0.0, f64::max) > HEARD * sent[**at]
    };
    let (first, last) = (speech[0], speech[speech.len() - 1]);
    let (Some(begins), Some(ends)) = (
        speech.iter().find(is_there),
        speech.iter().rev().find(is_there),
    ) else {
        return (f64::INFINITY, f64::INFINITY);
    };
    let seconds = |steps: usize| (steps * 2 * STEP) as f64 / RATE as f64;
    (seconds(begins - first), seconds(last - ends))
}

fn envelope(sound: &[f32]) -> Vec<f64> {
    wide(sound).chunks(STEP).map(level).collect()
}

/// Root mean square.
fn level(sound: &[f64]) -> f64 {
    (energy(sound) / sound.len() as f64).sqrt()
}

fn energy(sound: &[f64]) -> f64 {
    sound.iter().map(|sample| sample * sample).sum()
}

fn shift(sound: &[f64], delay: i64) -> Vec<f64> {
    let lead = usize::try_from(-delay).unwrap_or(0);
    let start = usize::try_from(delay).unwrap_or(0);
    let rest = sound.get(start..).unwrap_or_default();
    std::iter::repeat_n(0.0, lead)
        .chain(rest.iter().copied())
        .collect()
}

fn wide(sound: &[f32]) -> Vec<f64> {
    sound.iter().copied().map(f64::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise with the rhythm of speech; each seed another one.
    fn babble(mut seed: u64) -> Vec<f32> {
        (0..2 * RATE)
            .map(|at| {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let noise = (seed >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
                noise * ((at / 1600 * 7 % 5) as f32 + 1.0) / 10.0
            })
            .collect()
    }

    #[test]
    fn delay_and_cuts_are_found_and_another_sentence_is_not() {
        let sent = babble(1);
        let late = [vec![0.0; 1234], sent.clone()].concat();
        let found = compare(&sent, &late);
        assert!(
            (found.delay - 1234.0 / RATE as f64).abs() < 1e-9,
            "{found:?}"
        );
        assert!(
            found.similarity > 0.999 && found.missing_start + found.missing_end == 0.0,
            "{found:?}"
        );

        let mut cut = late.clone();
        cut[..1234 + 3200].fill(0.0);
        cut.truncate(late.len() - 4800);
        let found = compare(&sent, &cut);
        assert!(
            (found.missing_start - 0.2).abs() < 0.03 && (found.missing_end - 0.3).abs() < 0.03,
            "{found:?}"
        );

        assert!(compare(&sent, &babble(2)).similarity < 0.2);
    }
}
