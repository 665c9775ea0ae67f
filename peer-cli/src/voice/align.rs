//! What was played, at the pace of the microphone, always equally long after it was written.                           PURE

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Adjustable as _, Async, FixedAsync, PolynomialDegree, Resampler as _};

use super::drift::{Advice, Drift};
use crate::audio::{FRAME, SAMPLE_RATE};

/// Kept back beyond what is taken at once, for a playback thread that wakes late. The echo must not overtake it: it needs this
/// long at least for its way through speaker and microphone. Devices with buffers of 10 ms each take twice as long.
const SPARE: usize = 2 * FRAME;
/// More than this in the buffer is thrown away: the source is so far behind that nobody will wait for it.
const MOST: usize = 4 * SAMPLE_RATE as usize;
/// The farthest from 1 that the ratio may be set.
const RANGE: f64 = 1.01;
/// Frames without anything after which playback has paused, and begins anew: 500 ms.
const PAUSE: u32 = 50;

/// What went wrong so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Frames that were not there in time and went as silence.
    pub(super) missed: u64,
    /// Times that the alignment was put right at once: what had been missing came late, or the microphone lost sound.
    pub(super) shifts: u64,
}

/// A buffer between two clocks.
pub(super) struct Aligner {
    waiting: Vec<f32>,
    resampler: Async<f32>,
    drift: Drift,
    out: [f32; FRAME],
    /// The buffer was filled to its level, now or ever.
    running: bool,
    ran: bool,
    empty: u32,
    /// Samples of silence that went in place of what was missing.
    owed: usize,
    trouble: Trouble,
}

impl Aligner {
    pub(super) fn new() -> Result<Aligner, String> {
        let resampler = Async::new_poly(
            1.0,
            RANGE,
            PolynomialDegree::Cubic,
            FRAME,
            1,
            FixedAsync::Output,
        );
        Ok(Aligner {
            waiting: Vec::new(),
            resampler: resampler.map_err(|error| error.to_string())?,
            drift: Drift::default(),
            out: [0.0; FRAME],
            running: false,
            ran: false,
            empty: 0,
            owed: 0,
            trouble: Trouble::default(),
        })
    }

    /// Forgets everything but its troubles.
    pub(super) fn restart(&mut self) {
        self.waiting.clear();
        self.resampler.reset();
        (self.running, self.ran) = (false, false);
    }

    pub(super) fn trouble(&self) -> Trouble {
        self.trouble
    }

    /// Takes what was played.
    pub(super) fn push(&mut self, played: &[f32]) {
        self.waiting.extend_from_slice(played);
    }

    /// So many samples that were played are lost: silence keeps their place.
    pub(super) fn lost(&mut self, samples: u64) {
        let samples = usize::try_from(samples).unwrap_or(MOST).min(MOST);
        self.waiting.resize(self.waiting.len() + samples, 0.0);
    }

    /// So many samples of the microphone have come; whether as many are to be taken with [`Aligner::frame`]. Once that has
    /// begun it goes on, in pauses with silence.
    pub(super) fn begin(&mut self, wanted: usize) -> bool {
        if self.running {
            self.watch(wanted);
        } else if let Some(old) = self.waiting.len().checked_sub(wanted + SPARE) {
            // Older than its own echo.
            self.waiting.drain(..old);
            (self.running, self.ran, self.empty, self.owed) = (true, true, 0, 0);
            self.drift = Drift::default();
        }
        self.ran
    }

    fn watch(&mut self, wanted: usize) {
        let left = self.waiting.len() as i64 - wanted as i64;
        match self.drift.saw(left, wanted) {
            Some(Advice::Speed(speed)) => {
                // Both ratios stay within the range; refused, the old one goes on.
                let _ = self.resampler.set_resample_ratio(1.0 / (1.0 + speed), true);
            }
            Some(Advice::Late(surplus)) => {
                let late = surplus.min(self.owed);
                self.skip(late);
                self.owed = 0;
            }
            None => {}
        }
        self.skip(self.waiting.len().saturating_sub(wanted + MOST));
    }

    /// The microphone lost so much sound: what was played meanwhile has no echo in what comes now.
    pub(super) fn skip(&mut self, samples: usize) {
        let samples = samples.min(self.waiting.len());
        self.waiting.drain(..samples);
        self.trouble.shifts += u64::from(samples > 0);
    }

    /// The next 10 ms; silence where nothing has come in time.
    pub(super) fn frame(&mut self) -> &[f32; FRAME] {
        if !self.running {
            self.out.fill(0.0);
            return &self.out;
        }
        let wanted = self.resampler.input_frames_next();
        self.count(wanted);
        if self.waiting.len() < wanted {
            self.waiting.resize(wanted, 0.0);
        }
        if self.convert(wanted).is_none() {
            // Never seen: sizes are those that the resampler asked for.
            self.out.fill(0.0);
        }
        self.waiting.drain(..wanted);
        &self.out
    }

    fn count(&mut self, wanted: usize) {
        if self.waiting.len() >= wanted {
            self.empty = 0;
            return;
        }
        self.empty += 1;
        self.owed += wanted - self.waiting.len();
        self.drift.missed();
        if self.empty == PAUSE {
            self.running = false;
        } else if self.empty < PAUSE {
            self.trouble.missed += 1;
        }
    }

    fn convert(&mut self, wanted: usize) -> Option<()> {
        let input = InterleavedSlice::new(&self.waiting[..wanted], 1, wanted).ok()?;
        let mut output = InterleavedSlice::new_mut(&mut self.out, 1, FRAME).ok()?;
        let converted = self
            .resampler
            .process_into_buffer(&input, &mut output, None);
        converted.ok().map(|_| ())
    }
}
