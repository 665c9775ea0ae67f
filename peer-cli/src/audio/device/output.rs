//! A speaker.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cpal::traits::DeviceTrait as _;
use cpal::{FromSample, OutputCallbackInfo, SizedSample, StreamConfig};
use rtrb::{Consumer, Producer, RingBuffer};

use super::format::{Format, with_sample};
use super::spare::Spare;
use super::stream::Stream;
use super::system::{is_fatal, words};
use crate::audio::resample::Resampler;
use crate::audio::{AudioError, Clock, DeviceKind, DeviceName, SAMPLE_RATE, Sink};
use crate::proto::channels::Channels;

/// Room between us and the device: 1 s. Far less is filled.
const RING_SECONDS: usize = 1;
/// A device that takes nothing for so long is gone.
const SILENT: Duration = Duration::from_secs(3);
/// How long a device may take to open.
const OPENING: Duration = Duration::from_secs(5);

/// A speaker: `write` fills a ring, its callback empties it.
pub(super) struct Speaker {
    device: cpal::Device,
    name: DeviceName,
    format: Format,
    channels: Channels,
    stream: Option<Open>,
    converted: Vec<f32>,
    playing: bool,
    underruns: u64,
    spare: Spare,
}

/// A stream that runs, or is ready to.
struct Open {
    stream: Stream,
    ring: Producer<f32>,
    channels: usize,
    /// Samples of each channel that the ring holds.
    capacity: usize,
    shared: Arc<Shared>,
    resampler: Option<Resampler>,
    /// Callbacks seen last, and when that number last changed.
    seen: (u64, Instant),
}

/// What the callback tells.
#[derive(Debug, Default)]
struct Shared {
    callbacks: AtomicU64,
    /// Samples of each channel that one callback takes at most.
    period: AtomicUsize,
    /// Frames that were due and not there, since anything was written.
    missed: AtomicU64,
    /// Time from the callback to the ear, microseconds.
    latency_us: AtomicU64,
    failure: Mutex<Option<String>>,
}

impl Speaker {
    /// Prepares a stream at once, so that what is wrong with the device is known.
    pub(super) fn open(
        device: cpal::Device,
        name: DeviceName,
        channels: Channels,
    ) -> Result<Speaker, AudioError> {
        let format = Format::choose(&device, DeviceKind::Output);
        let format = format.map_err(|error| broken(&name, words(&error)))?;
        let stream =
            Open::new(&device, &format, channels).map_err(|reason| broken(&name, reason))?;
        Ok(Speaker {
            device,
            name,
            format,
            channels,
            stream: Some(stream),
            converted: Vec::new(),
            playing: false,
            underruns: 0,
            spare: Spare::new(Instant::now()),
        })
    }
}

impl Sink for Speaker {
    fn clock(&self) -> Clock {
        Clock::Device
    }

    fn start(&mut self) -> Result<(), AudioError> {
        let mut open = match self.stream.take() {
            Some(open) => open,
            None => Open::new(&self.device, &self.format, self.channels)
                .map_err(|reason| broken(&self.name, reason))?,
        };
        open.stream
            .play()
            .map_err(|error| broken(&self.name, words(&error)))?;
        open.seen.1 = Instant::now();
        self.stream = Some(open);
        self.playing = true;
        Ok(())
    }

    /// Closes the stream; what was written has been heard by then or is not missed.
    fn stop(&mut self) -> Result<(), AudioError> {
        self.stream = None;
        self.playing = false;
        Ok(())
    }

    fn wanted(&mut self) -> Result<usize, AudioError> {
        let rate = self.format.rate as usize;
        let Some(open) = self.stream.as_mut().filter(|_| self.playing) else {
            return Ok(0);
        };
        let missed = open.shared.missed.swap(0, Ordering::Relaxed);
        // At the rate of the device; told at ours.
        self.underruns += missed * u64::from(SAMPLE_RATE) / u64::from(self.format.rate.max(1));
        if let Some(reason) = open.failure() {
            return Err(broken(&self.name, reason));
        }
        let period = open.shared.period.load(Ordering::Relaxed).max(rate / 100);
        let spare = self.spare.ms(Instant::now(), missed > 0);
        let target = (period + rate * spare / 1000).min(open.capacity / 2);
        let missing = target.saturating_sub(open.waiting());
        Ok(missing.div_ceil(rate / 100))
    }

    fn underruns(&self) -> u64 {
        self.underruns
    }

    fn device(&self) -> Option<DeviceName> {
        Some(self.name.clone())
    }

    fn latency(&self) -> Duration {
        let Some(open) = &self.stream else {
            return Duration::ZERO;
        };
        let device = Duration::from_micros(open.shared.latency_us.load(Ordering::Relaxed));
        let delay = open.resampler.as_ref().map_or(0, Resampler::delay);
        device
            + Duration::from_secs_f64((open.waiting() + delay) as f64 / f64::from(self.format.rate))
    }

    fn write(&mut self, frame: &[f32]) -> Result<(), AudioError> {
        let Some(open) = &mut self.stream else {
            return Ok(());
        };
        self.converted.clear();
        match &mut open.resampler {
            Some(resampler) => resampler
                .push(frame, &mut self.converted)
                .map_err(|reason| broken(&self.name, reason))?,
            None => self.converted.extend_from_slice(frame),
        }
        // More than a second ahead of the device only if it has stopped, which `wanted` reports. Whole frames only, or the
        // channels would change places.
        let room = open.ring.slots() / open.channels * open.channels;
        let fit = room.min(self.converted.len());
        let (_, _surplus) = open.ring.push_partial_slice(&self.converted[..fit]);
        Ok(())
    }
}

impl Open {
    fn new(device: &cpal::Device, format: &Format, channels: Channels) -> Result<Open, String> {
        let shared = Arc::new(Shared::default());
        let resampler = match format.rate {
            SAMPLE_RATE => None,
            rate => Some(Resampler::new(SAMPLE_RATE, rate, channels)?),
        };
        let capacity = format.rate as usize * RING_SECONDS;
        let built = format.open(|config| {
            let (ring, consumer) = RingBuffer::new(capacity * channels.count());
            let shared = shared.clone();
            let stream = with_sample!(format.sample, Sample => build::<Sample>(device, config, consumer, channels, shared))?;
            Ok((Stream::new(stream), ring))
        });
        let (stream, ring) = built.map_err(|error| words(&error))?;
        Ok(Open {
            stream,
            ring,
            channels: channels.count(),
            capacity,
            shared,
            resampler,
            seen: (0, Instant::now()),
        })
    }

    /// Samples of each channel in the ring.
    fn waiting(&self) -> usize {
        self.capacity - self.ring.slots().div_ceil(self.channels)
    }

    /// Why the device has stopped, if it has.
    fn failure(&mut self) -> Option<String> {
        let callbacks = self.shared.callbacks.load(Ordering::Relaxed);
        if callbacks != self.seen.0 {
            self.seen = (callbacks, Instant::now());
        }
        if self.seen.1.elapsed() > SILENT {
            return Some(format!("it has taken no sound for {} s", SILENT.as_secs()));
        }
        self.shared
            .failure
            .lock()
            .ok()
            .and_then(|failure| failure.clone())
    }
}

fn build<T>(
    device: &cpal::Device,
    config: StreamConfig,
    mut ring: Consumer<f32>,
    ours: Channels,
    shared: Arc<Shared>,
) -> Result<cpal::Stream, cpal::Error>
where
    T: SizedSample + FromSample<f32>,
{
    let channels = usize::from(config.channels).max(1);
    let failed = shared.clone();
    let mut begun = false;
    device.build_output_stream(
        config,
        move |samples: &mut [T], info: &OutputCallbackInfo| {
            let ahead = info
                .timestamp()
                .playback
                .saturating_duration_since(info.timestamp().callback);
            let micros = u64::try_from(ahead.as_micros()).unwrap_or(u64::MAX);
            shared.latency_us.store(micros, Ordering::Relaxed);
            shared
                .period
                .fetch_max(samples.len() / channels, Ordering::Relaxed);
            shared.callbacks.fetch_add(1, Ordering::Relaxed);
            let mut missed = 0;
            for frame in samples.chunks_mut(channels) {
                let sample = ring.pop();
                begun |= sample.is_ok();
                missed += u64::from(begun && sample.is_err());
                // Nothing there yet: silence.
                let left = sample.unwrap_or(0.0);
                match (ours, &mut *frame) {
                    (Channels::Mono, all) => all.fill(T::from_sample_(left)),
                    (Channels::Stereo, all) => {
                        place(left, ring.pop().unwrap_or(0.0), all);
                    }
                }
            }
            if missed > 0 {
                shared.missed.fetch_add(missed, Ordering::Relaxed);
            }
        },
        move |error| {
            if is_fatal(error.kind())
                && let Ok(mut failure) = failed.failure.lock()
            {
                failure.get_or_insert_with(|| words(&error));
            }
        },
        Some(OPENING),
    )
}

/// Left and right to the first two of a device's channels, or both to its only one.
fn place<T: SizedSample + FromSample<f32>>(left: f32, right: f32, frame: &mut [T]) {
    match frame {
        [one] => *one = T::from_sample_((left + right) / 2.0),
        [first, second, others @ ..] => {
            *first = T::from_sample_(left);
            *second = T::from_sample_(right);
            others.fill(T::EQUILIBRIUM);
        }
        [] => {}
    }
}

fn broken(name: &DeviceName, reason: String) -> AudioError {
    AudioError::Device {
        kind: DeviceKind::Output,
        name: name.title.clone(),
        reason,
        devices: Vec::new(),
    }
}
