//! A microphone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cpal::traits::DeviceTrait as _;
use cpal::{FromSample, SizedSample, StreamConfig};
use rtrb::{Consumer, Producer, RingBuffer};

use super::format::{Format, with_sample};
use super::stream::Stream;
use super::system::{is_fatal, words};
use crate::audio::resample::Resampler;
use crate::audio::{AudioError, Clock, DeviceKind, DeviceName, Read, SAMPLE_RATE, Source};
use crate::proto::channels::Channels;

/// Sound that may wait between the device and us: 1 s.
const RING_SECONDS: usize = 1;
/// Samples of each channel that may wait beyond what is asked for; older are dropped: 100 ms.
const MOST_WAITING: usize = SAMPLE_RATE as usize / 10;
/// How long a device may take to open.
const OPENING: Duration = Duration::from_secs(5);
/// A device that gives nothing for so long is gone.
const SILENT: Duration = Duration::from_secs(3);

/// A microphone: its callback fills a ring, `read` empties it.
pub(super) struct Microphone {
    device: cpal::Device,
    name: DeviceName,
    format: Format,
    /// Those that are wanted of it.
    channels: Channels,
    stream: Option<Open>,
    ready: Vec<f32>,
    /// As they came from the device, and in the channels wanted.
    scratch: Vec<f32>,
    mixed: Vec<f32>,
    overruns: u64,
}

/// A stream that runs, or is ready to.
struct Open {
    stream: Stream,
    ring: Consumer<f32>,
    /// Samples that found the ring full.
    lost: Arc<AtomicU64>,
    failure: Arc<Mutex<Option<String>>>,
    resampler: Option<Resampler>,
    /// When it last gave something.
    heard: Instant,
}

impl Microphone {
    /// Prepares a stream at once, so that what is wrong with the device is known; it does not listen yet.
    pub(super) fn open(
        device: cpal::Device,
        name: DeviceName,
        channels: Channels,
    ) -> Result<Microphone, AudioError> {
        let format = Format::choose(&device, DeviceKind::Input);
        let format = format.map_err(|error| broken(&name, words(&error)))?;
        let stream =
            Open::new(&device, &format, channels).map_err(|reason| broken(&name, reason))?;
        Ok(Microphone {
            device,
            name,
            format,
            channels,
            stream: Some(stream),
            ready: Vec::new(),
            scratch: Vec::new(),
            mixed: Vec::new(),
            overruns: 0,
        })
    }

    /// Moves everything from the ring to `ready`, at 48 kHz in the channels wanted.
    fn fetch(&mut self) -> Result<(), String> {
        let Some(open) = &mut self.stream else {
            return Ok(());
        };
        if let Some(reason) = open.failure.lock().ok().and_then(|failure| failure.clone()) {
            return Err(reason);
        }
        self.overruns += open.lost.swap(0, Ordering::Relaxed) / self.format.channels.max(1) as u64;
        let channels = self.format.channels.max(1);
        let whole = open.ring.slots() / channels * channels;
        if whole > 0 {
            open.heard = Instant::now();
        } else if open.heard.elapsed() > SILENT {
            return Err(format!("it has given no sound for {} s", SILENT.as_secs()));
        }
        let Ok(chunk) = open.ring.read_chunk(whole) else {
            return Ok(());
        };
        self.scratch.clear();
        let (head, tail) = chunk.as_slices();
        self.scratch.extend_from_slice(head);
        self.scratch.extend_from_slice(tail);
        chunk.commit_all();
        let Some(resampler) = &mut open.resampler else {
            self.channels
                .append(channels, &self.scratch, &mut self.ready);
            return Ok(());
        };
        self.mixed.clear();
        self.channels
            .append(channels, &self.scratch, &mut self.mixed);
        resampler.push(&self.mixed, &mut self.ready)
    }
}

impl Source for Microphone {
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
        open.heard = Instant::now();
        self.ready.clear();
        self.stream = Some(open);
        Ok(())
    }

    /// Closes the stream: while nobody listens the microphone is off, and the desktop shows it.
    fn stop(&mut self) {
        self.stream = None;
        self.ready.clear();
    }

    fn read(&mut self, frame: &mut [f32]) -> Result<Read, AudioError> {
        self.fetch().map_err(|reason| broken(&self.name, reason))?;
        let channels = self.channels.count();
        let most = frame.len() + MOST_WAITING * channels;
        let surplus = self.ready.len().saturating_sub(most);
        if surplus > 0 {
            self.ready.drain(..surplus);
            self.overruns += (surplus / channels) as u64;
        }
        if self.ready.len() < frame.len() {
            return Ok(Read::NotYet);
        }
        frame.copy_from_slice(&self.ready[..frame.len()]);
        self.ready.drain(..frame.len());
        Ok(Read::Full)
    }

    fn overruns(&self) -> u64 {
        self.overruns
    }

    fn device(&self) -> Option<DeviceName> {
        Some(self.name.clone())
    }
}

impl Open {
    fn new(device: &cpal::Device, format: &Format, channels: Channels) -> Result<Open, String> {
        let lost = Arc::new(AtomicU64::new(0));
        let failure = Arc::new(Mutex::new(None));
        let resampler = match format.rate {
            SAMPLE_RATE => None,
            rate => Some(Resampler::new(rate, SAMPLE_RATE, channels)?),
        };
        let capacity = format.rate as usize * format.channels * RING_SECONDS;
        let built = format.open(|config| {
            let (producer, ring) = RingBuffer::new(capacity);
            let (lost, failure) = (lost.clone(), failure.clone());
            let stream = with_sample!(format.sample, Sample => build::<Sample>(device, config, producer, lost, failure))?;
            Ok((Stream::new(stream), ring))
        });
        let (stream, ring) = built.map_err(|error| words(&error))?;
        Ok(Open {
            stream,
            ring,
            lost,
            failure,
            resampler,
            heard: Instant::now(),
        })
    }
}

fn build<T>(
    device: &cpal::Device,
    config: StreamConfig,
    mut ring: Producer<f32>,
    lost: Arc<AtomicU64>,
    failure: Arc<Mutex<Option<String>>>,
) -> Result<cpal::Stream, cpal::Error>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let channels = usize::from(config.channels).max(1);
    device.build_input_stream(
        config,
        move |samples: &[T], _| {
            // Whole frames only, or the channels would change places.
            let fit = ring.slots().min(samples.len()) / channels * channels;
            if let Ok(chunk) = ring.write_chunk_uninit(fit) {
                chunk.fill_from_iter(samples.iter().map(|sample| f32::from_sample_(*sample)));
            }
            lost.fetch_add((samples.len() - fit) as u64, Ordering::Relaxed);
        },
        move |error| {
            if is_fatal(error.kind())
                && let Ok(mut failure) = failure.lock()
            {
                failure.get_or_insert_with(|| words(&error));
            }
        },
        Some(OPENING),
    )
}

fn broken(name: &DeviceName, reason: String) -> AudioError {
    AudioError::Device {
        kind: DeviceKind::Input,
        name: name.title.clone(),
        reason,
        devices: Vec::new(),
    }
}
