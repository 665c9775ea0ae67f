//! The figures of one call: how late, how good, how much was made up.

use std::path::Path;

use anyhow::Result;

use super::call::Heard;
use crate::demo::SENTENCE;
use crate::figures::Spread;
use crate::prove::quality::{self, Quality};
use crate::prove::{Bench, Scale};

pub(super) struct Measured {
    /// Nothing when no chirp came through whole.
    pub(super) delay: Option<Delay>,
    /// How many chirps came through whole, and how many there were.
    pub(super) chirps: [usize; 2],
    /// The mean over all whole sentences; only in full.
    pub(super) quality: Option<Quality>,
    pub(super) sentences: usize,
    /// Percent of the samples.
    pub(super) concealed: f64,
    /// Of the two ends in percent of a core, who calls first; only in full.
    pub(super) cpu: Option<[f64; 2]>,
}

/// From mouth to ear without what the network itself takes, in ms.
#[derive(Clone, Copy)]
pub(super) struct Delay {
    pub(super) median: f64,
    pub(super) p95: f64,
}

impl Measured {
    /// The network itself takes so many ms.
    pub(super) fn of(bench: &Bench, network: f64, heard: &Heard) -> Result<Self> {
        let whole = heard.delays.iter().flatten();
        let whole: Vec<f64> = whole.map(|delay| delay * 1e3 - network).collect();
        let quality = match bench.scale {
            Scale::Full if !heard.sentences.is_empty() => {
                let original = bench.workspace.path(SENTENCE);
                Some(mean(bench, &original, heard)?)
            }
            _ => None,
        };
        Ok(Self {
            chirps: [whole.len(), heard.delays.len()],
            delay: Delay::of(whole),
            quality,
            sentences: heard.sentences.len(),
            concealed: heard.concealed * 100.0,
            cpu: heard.cpu,
        })
    }
}

impl Delay {
    fn of(mut whole: Vec<f64>) -> Option<Self> {
        whole.sort_by(f64::total_cmp);
        let p95 = *whole.get(whole.len().checked_sub(1)? * 95 / 100)?;
        let median = Spread::of(whole)?.median;
        Some(Self { median, p95 })
    }
}

fn mean(bench: &Bench, original: &Path, heard: &Heard) -> Result<Quality> {
    let judged = quality::judge_each(bench.workspace, original, &heard.sentences)?;
    let mean =
        |figure: fn(&Quality) -> f64| judged.iter().map(figure).sum::<f64>() / judged.len() as f64;
    Ok(Quality {
        pesq: mean(|one| one.pesq),
        stoi: mean(|one| one.stoi),
    })
}
