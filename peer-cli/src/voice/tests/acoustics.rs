//! Sound in a room: what is played comes back later, weaker, and from many walls.

use std::path::Path;

use crate::audio::spec::SourceSpec;
use crate::audio::{FRAME, Read, SAMPLE_RATE, open_source};
use crate::proto::channels::Channels;
use crate::voice::{Processing, Voice, VoiceStats, reference};

/// Samples in a second.
pub(super) const SECOND: usize = SAMPLE_RATE as usize;

/// The spoken sentence of the fixtures, over and over.
pub(super) fn speech(seconds: usize) -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/speech.wav");
    let mut source = open_source(&SourceSpec::File { path, repeat: true }, Channels::Mono)
        .unwrap()
        .unwrap();
    source.start().unwrap();
    let mut sound = vec![0.0; seconds * SECOND];
    for frame in sound.chunks_mut(FRAME) {
        assert_eq!(source.read(frame).unwrap(), Read::Full);
    }
    sound
}

/// White noise, the same each time.
pub(super) fn noise(level_db: f32, samples: usize) -> Vec<f32> {
    let mut dice = Dice(1);
    // Uniform noise has a third of its peak's power.
    let peak = 10_f32.powf(level_db / 20.0) * 3_f32.sqrt();
    (0..samples).map(|_| dice.even() * peak).collect()
}

struct Dice(u64);

impl Dice {
    fn even(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 40) as f32 / 8_388_608.0 - 1.0
    }
}

/// A call of which only our end exists.
pub(super) struct Acoustics {
    /// From playing to capturing the direct sound, in samples.
    pub(super) delay: usize,
    /// How much weaker all of the echo is.
    pub(super) loss_db: f32,
    /// How much faster the speaker's clock runs than the microphone's, in parts per million.
    pub(super) ppm: f64,
    /// The playback thread wakes late by up to so many samples.
    pub(super) late: usize,
    /// Samples of one packet.
    pub(super) packet: usize,
    /// From when to when the playback thread does not run; it makes up for it.
    pub(super) held_up: std::ops::Range<usize>,
    /// From when to when nobody fetches the microphone's sound, which is lost.
    pub(super) stall: std::ops::Range<usize>,
}

impl Default for Acoustics {
    fn default() -> Self {
        Self {
            delay: SECOND / 25,
            loss_db: 10.0,
            ppm: 0.0,
            late: 200,
            packet: 2 * FRAME,
            held_up: 0..0,
            stall: 0..0,
        }
    }
}

/// What went into the processing and what came out.
pub(super) struct Heard {
    pub(super) captured: Vec<f32>,
    pub(super) sent: Vec<f32>,
    pub(super) stats: VoiceStats,
}

impl Acoustics {
    /// Plays `far` while `near` speaks; lasts as long as `near`.
    pub(super) fn run(&self, processing: Processing, far: &[f32], near: &[f32]) -> Heard {
        let (mut tap, played) = reference();
        let mut voice = Voice::new(processing, Some(played)).unwrap();
        let echo = self.echo(far);
        let floor = noise(-75.0, near.len());
        let (mut captured, mut sent) = (Vec::new(), Vec::new());
        let mut frames = far.as_chunks::<FRAME>().0.iter();
        let (mut dice, mut written, mut due, mut lost) = (Dice(7), 0, 0.0, 0);
        for (index, voices) in near.chunks_exact(self.packet).enumerate() {
            let (first, end) = (index * self.packet, (index + 1) * self.packet);
            while due <= end as f64 && !self.held_up.contains(&end) {
                tap.played(frames.next().unwrap());
                written += 1;
                let late = f64::from(dice.even().abs()) * self.late as f64;
                due = (written * FRAME) as f64 / (1.0 + self.ppm * 1e-6) + late;
            }
            if self.stall.contains(&first) {
                lost += self.packet as u64;
                continue;
            }
            let mut packet: Vec<f32> = (first..end)
                .zip(voices)
                .map(|(at, voice)| self.at(&echo, at) + voice + floor[at])
                .collect();
            captured.extend_from_slice(&packet);
            voice.process(&mut packet, lost);
            sent.append(&mut packet);
        }
        let stats = voice.stats();
        Heard {
            captured,
            sent,
            stats,
        }
    }

    /// The echo at this moment of the microphone's clock.
    fn at(&self, echo: &[f32], sample: usize) -> f32 {
        let place = sample as f64 * (1.0 + self.ppm * 1e-6) - self.delay as f64;
        let (whole, part) = (place.floor(), (place - place.floor()) as f32);
        let value = |offset: i64| {
            let index = usize::try_from(whole as i64 + offset);
            index.ok().and_then(|i| echo.get(i)).copied().unwrap_or(0.0)
        };
        let [a, b, c, d] = [value(-1), value(0), value(1), value(2)];
        // Catmull and Rom.
        b + 0.5
            * part
            * (c - a + part * (2.0 * a - 5.0 * b + 4.0 * c - d + part * (3.0 * (b - c) + d - a)))
    }

    /// Eighty walls within 200 ms, fading by 60 dB.
    fn echo(&self, far: &[f32]) -> Vec<f32> {
        let mut dice = Dice(3);
        let mut taps = vec![(0, 1.0)];
        for _ in 0..80 {
            let at = ((dice.even() * dice.even()).abs() * 0.2 * SECOND as f32) as usize;
            let fading = 10_f32.powf(-3.0 * at as f32 / (0.2 * SECOND as f32));
            taps.push((at, 0.3 * dice.even() * fading));
        }
        let sum: f32 = taps.iter().map(|(_, gain)| gain * gain).sum();
        let scale = 10_f32.powf(-self.loss_db / 20.0) / sum.sqrt();
        let mut echo = vec![0.0; far.len()];
        for (at, gain) in taps {
            for (out, sample) in echo[at..].iter_mut().zip(far) {
                *out += sample * gain * scale;
            }
        }
        echo
    }
}

impl Heard {
    /// How much weaker what is sent is than what was captured, dB, between two seconds.
    pub(super) fn weaker(&self, from: usize, to: usize) -> f64 {
        let part = |sound: &[f32]| power(&sound[from * SECOND..to * SECOND]);
        decibels(part(&self.captured)) - decibels(part(&self.sent))
    }
}

pub(super) fn power(sound: &[f32]) -> f64 {
    let sum: f64 = sound.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    sum / sound.len() as f64
}

pub(super) fn decibels(power: f64) -> f64 {
    10.0 * power.max(1e-12).log10()
}
