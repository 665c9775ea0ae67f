//! The last of the way to the sink: the sum of all streams within full scale, the recorder, the volume.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::audio::{FRAME, SAMPLE_RATE, Sink};
use crate::media::{Levels, RecordTap};
use crate::proto::channels::Channels;
use crate::proto::limiter::Limiter;

/// What was played so far, by all calls together (W3C webrtc-stats, `media-playout`).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputStats {
    /// Sound that was missing when the device wanted it, in seconds.
    pub synthesized_samples_duration: f64,
    /// Everything played, in seconds.
    pub total_samples_duration: f64,
    /// Samples played at 48 kHz.
    pub total_samples_count: u64,
    /// Sum over all samples of the time from handing one over to hearing it, in seconds.
    pub total_playout_delay: f64,
}

/// What every frame goes through.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) tap: Option<RecordTap>,
    pub(super) volume: f32,
    pub(super) levels: Arc<Levels>,
    channels: Channels,
    mixing: Limiter,
    amplifying: Limiter,
    stats: OutputStats,
    /// Samples that sinks missed which are gone.
    missed: u64,
}

impl Output {
    pub(super) fn new(channels: Channels) -> Output {
        Output {
            tap: None,
            volume: 1.0,
            levels: Arc::default(),
            channels,
            mixing: Limiter::default(),
            amplifying: Limiter::default(),
            stats: OutputStats::default(),
            missed: 0,
        }
    }

    /// Makes a sum of streams what is played; it is due at this time and heard so much later.
    pub(super) fn finish(&mut self, mix: &mut [f32], due: Instant, latency: Duration) {
        self.mixing.limit(mix, self.channels);
        if let Some(tap) = &self.tap {
            tap.put(due + latency, &self.channels.mono(mix));
        }
        if self.volume != 1.0 {
            mix.iter_mut().for_each(|sample| *sample *= self.volume);
            self.amplifying.limit(mix, self.channels);
        }
        let square: f32 = mix.iter().map(|s| s * s).sum::<f32>() / mix.len().max(1) as f32;
        self.levels.set_heard(square.sqrt());
        self.stats.total_samples_count += FRAME as u64;
        self.stats.total_playout_delay += latency.as_secs_f64() * FRAME as f64;
    }

    /// The sink is gone; what it missed stays counted.
    pub(super) fn leave(&mut self, sink: &dyn Sink) {
        self.missed += sink.underruns();
    }

    pub(super) fn stats(&self, sink: &dyn Sink) -> OutputStats {
        let seconds = |samples: u64| samples as f64 / f64::from(SAMPLE_RATE);
        OutputStats {
            synthesized_samples_duration: seconds(self.missed + sink.underruns()),
            total_samples_duration: seconds(self.stats.total_samples_count),
            ..self.stats.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio;

    /// A sum of two voices that is far beyond full scale at its peaks.
    fn loud() -> [f32; FRAME] {
        std::array::from_fn(|n| {
            let tone = |hertz: f32| (std::f32::consts::TAU * hertz * n as f32 / 48_000.0).sin();
            0.9 * (tone(400.0) + tone(1200.0))
        })
    }

    #[test]
    fn what_is_too_loud_keeps_its_shape() {
        let (mut output, now) = (Output::new(Channels::Mono), Instant::now());
        let mut mix = loud();
        for _ in 0..3 {
            mix = loud();
            output.finish(&mut mix, now, Duration::ZERO);
        }
        let ratio = mix[100] / loud()[100];
        assert!(mix.iter().all(|s| s.abs() <= 1.0) && ratio < 0.9);
        // Not one sample was bent more than another.
        let same = |(played, summed): (&f32, f32)| (played - summed * ratio).abs() < 1e-3;
        assert!(mix.iter().zip(loud()).all(same));
    }

    #[test]
    fn the_volume_is_applied_counted_and_within_full_scale() {
        let (mut output, now) = (Output::new(Channels::Mono), Instant::now());
        output.volume = 0.5;
        let mut mix = [0.5; FRAME];
        output.finish(&mut mix, now, Duration::from_millis(20));
        assert_eq!(mix, [0.25; FRAME]);
        assert!((output.levels.heard() - 0.25).abs() < 1e-6);
        output.volume = 4.0;
        let mut mix = [0.5; FRAME];
        output.finish(&mut mix, now, Duration::from_millis(20));
        assert!(mix.iter().all(|s| *s <= 1.0) && mix[FRAME - 1] > 0.9);
        let stats = output.stats(audio::null().as_ref());
        assert_eq!(
            (stats.total_samples_count, stats.total_samples_duration),
            (960, 0.02)
        );
        assert!((stats.total_playout_delay - 0.02 * 960.0).abs() < 1e-9);
    }
}
