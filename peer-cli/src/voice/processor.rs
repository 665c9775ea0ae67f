//! The processing itself, behind an interface of our own.

use serde::Serialize;
use sonora::config::{
    AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, MaxProcessingRate,
    NoiseSuppression, NoiseSuppressionLevel, Pipeline,
};
use sonora::{AudioProcessing, Config, StreamConfig};

use super::Processing;
use super::reference::{Follower, Reference};
use crate::audio::{FRAME, SAMPLE_RATE};

/// What the band filters, the canceller and the noise suppression hold back, in samples at 48 kHz (measured).
const BANDS_DELAY: usize = 45;
const ECHO_DELAY: usize = 384;
const NOISE_DELAY: usize = 288;

/// Figures of the processing so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceStats {
    /// How much weaker the echo comes back than it was played, dB (W3C `echoReturnLoss`); absent without cancellation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo_return_loss: Option<f64>,
    /// How much of it the adaptive filter takes away, without the suppressor behind it, dB (W3C `echoReturnLossEnhancement`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo_return_loss_enhancement: Option<f64>,
    /// 10 ms frames of what was played that were not there in time.
    #[serde(rename = "echoReferenceMissed")]
    pub missed: u64,
    /// Times that played and heard sound were aligned anew because either was late or lost.
    #[serde(rename = "echoReferenceShifts")]
    pub shifts: u64,
    /// Samples of what was played that found no room on their way here.
    #[serde(rename = "echoReferenceLost")]
    pub lost: u64,
}

/// Sound of a microphone on its way to the encoder.
pub struct Voice {
    inner: AudioProcessing,
    processing: Processing,
    follower: Option<Follower>,
    before: [f32; FRAME],
    overruns: u64,
}

impl Voice {
    /// Without a reference there is no echo to be cancelled.
    ///
    /// # Errors
    /// When the library refuses its settings, which it never should.
    pub fn new(processing: Processing, reference: Option<Reference>) -> Result<Voice, String> {
        let reference = reference.filter(|_| processing.echo);
        let processing = Processing {
            echo: reference.is_some(),
            ..processing
        };
        Ok(Voice {
            inner: build(processing),
            processing,
            follower: reference.map(Follower::new).transpose()?,
            before: [0.0; FRAME],
            overruns: 0,
        })
    }

    /// The source begins anew.
    pub fn restart(&mut self) {
        self.inner = build(self.processing);
        if let Some(follower) = &mut self.follower {
            follower.restart();
        }
    }

    /// Samples at 48 kHz by which what comes out is later than what went in.
    #[must_use]
    pub fn delay(&self) -> usize {
        let Processing { echo, noise, .. } = self.processing;
        let bands = BANDS_DELAY * usize::from(self.processing.is_on());
        bands + ECHO_DELAY * usize::from(echo) + NOISE_DELAY * usize::from(noise)
    }

    /// Processes what the microphone gave, in place: whole frames of 10 ms; a rest that is shorter stays as it is.
    /// It has lost so many samples so far.
    pub fn process(&mut self, sound: &mut [f32], overruns: u64) {
        // Another microphone counts from zero.
        let lost = overruns.saturating_sub(self.overruns);
        self.overruns = overruns;
        let played = match &mut self.follower {
            Some(follower) => {
                let played = follower.begin(sound.len());
                follower.skip(lost);
                played
            }
            None => false,
        };
        for frame in sound.as_chunks_mut::<FRAME>().0 {
            // What was played comes before what may hold its echo.
            if let Some(follower) = self.follower.as_mut().filter(|_| played) {
                let unused = &mut self.before;
                let analysed = self
                    .inner
                    .process_render_f32(&[follower.frame()], &mut [unused]);
                log(analysed);
            }
            self.before.copy_from_slice(frame);
            log(self
                .inner
                .process_capture_f32(&[&self.before], &mut [frame]));
        }
    }

    /// The figures so far.
    #[must_use]
    pub fn stats(&self) -> VoiceStats {
        let Some(follower) = &self.follower else {
            return VoiceStats::default();
        };
        let (trouble, lost) = follower.trouble();
        let echo = self.inner.statistics();
        let known = |value: Option<f64>| value.filter(|value| value.is_finite());
        VoiceStats {
            echo_return_loss: known(echo.echo_return_loss),
            echo_return_loss_enhancement: known(echo.echo_return_loss_enhancement),
            missed: trouble.missed,
            shifts: trouble.shifts,
            lost,
        }
    }
}

/// No hint of the delay between playing and hearing is given: it is found within half a second from 10 to 400 ms, during which
/// all that could be echo is suppressed, and a hint that is 200 ms wrong lets the first second through (5 dB instead of 45).
fn build(processing: Processing) -> AudioProcessing {
    let config = Config {
        pipeline: Pipeline {
            maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
            ..Pipeline::default()
        },
        high_pass_filter: processing.is_on().then(HighPassFilter::default),
        echo_canceller: processing.echo.then(EchoCanceller::default),
        noise_suppression: processing.noise.then(|| NoiseSuppression {
            // 17 dB, as browsers have it.
            level: NoiseSuppressionLevel::High,
            ..NoiseSuppression::default()
        }),
        gain_controller2: processing.gain.then(|| GainController2 {
            adaptive_digital: Some(AdaptiveDigital::default()),
            ..GainController2::default()
        }),
        ..Config::default()
    };
    let mono = StreamConfig::new(SAMPLE_RATE, 1);
    AudioProcessing::builder()
        .config(config)
        .capture_config(mono)
        .render_config(mono)
        .build()
}

/// Formats are fixed; an error would be one of ours, and the sound goes on unprocessed.
fn log(outcome: Result<(), sonora::Error>) {
    if let Err(error) = outcome {
        tracing::debug!(%error, "voice processing");
    }
}
