//! Opens what a call sounds through, as the options say, and goes on without a device that nobody named.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::{EVENT_QUEUE, NO_CALL, SoundEvent, Tagged, failure};
use crate::audio::spec::{SinkSpec, SourceSpec};
use crate::audio::{AudioError, ErrorClass};
use crate::cli::SoundOptions;
use crate::event::Event;
use crate::exit::Failure;
use crate::media::{Capture, CaptureOptions, MediaEvent, Playback, PlaybackOptions, Recorder};
use crate::proto::sending::Wanted;
use crate::voice::{self, Choice};

/// The source, or silence where nobody named a microphone and there is none.
pub(super) fn microphone(
    options: &mut SoundOptions,
    playback: &Playback,
    events: &mpsc::Sender<SoundEvent>,
    runtime: &tokio::runtime::Handle,
) -> Result<(Tagged, Option<Event>), Failure> {
    let opened = open_capture(options, playback, events, runtime);
    let (opened, warning) = match opened {
        Err(error) if error.class() == ErrorClass::NoDevice => {
            tracing::info!(%error, "the call goes on without a microphone");
            let warning = Event::warning_with(
                "no-microphone",
                "no microphone: sending silence",
                "try --mic tone:440",
            );
            options.mic = SourceSpec::Silence;
            let silence = open_capture(options, playback, events, runtime);
            (silence, Some(warning))
        }
        opened => (opened, None),
    };
    let tagged = opened.map_err(|error| failure(&error))?;
    Ok((tagged, warning))
}

/// The sink, or nothing where nobody named a speaker and there is none.
pub(super) fn speaker(
    options: &mut SoundOptions,
    events: &mpsc::Sender<SoundEvent>,
    runtime: &tokio::runtime::Handle,
) -> Result<(Playback, Option<Event>), Failure> {
    let (opened, warning) = match open_playback(options, events, runtime) {
        Err(error) if error.class() == ErrorClass::NoDevice => {
            tracing::info!(%error, "the call goes on without a speaker");
            let warning = Event::warning_with(
                "no-speaker",
                "no speaker: what arrives is not played",
                "try --speaker file:heard.wav",
            );
            options.speaker = SinkSpec::Null;
            let nowhere = open_playback(options, events, runtime);
            (nowhere, Some(warning))
        }
        opened => (opened, None),
    };
    let playback = opened.map_err(|error| failure(&error))?;
    Ok((playback, warning))
}

pub(super) fn open_capture(
    options: &SoundOptions,
    playback: &Playback,
    events: &mpsc::Sender<SoundEvent>,
    runtime: &tokio::runtime::Handle,
) -> Result<Tagged, AudioError> {
    let call = Arc::new(AtomicU64::new(NO_CALL));
    let (tx, rx) = mpsc::channel(EVENT_QUEUE);
    let processing = Choice::of(options.processing, &options.mic, &options.speaker).processing;
    let (tap, played) = processing.echo.then(voice::reference).unzip();
    let capture = Capture::open(
        &CaptureOptions {
            source: options.mic.clone(),
            ptime_ms: options.ptime_ms,
            bitrate: options.bitrate,
            fec: options.fec,
            expected_loss: Wanted::default().expected_loss,
            dtx: options.dtx,
            processing,
            channels: options.channels,
        },
        played,
        tx,
    )?;
    if let Some(tap) = tap {
        playback.listen(tap);
    }
    runtime.spawn(forward(rx, Some(Arc::clone(&call)), events.clone()));
    Ok(Tagged { capture, call })
}

fn open_playback(
    options: &SoundOptions,
    events: &mpsc::Sender<SoundEvent>,
    runtime: &tokio::runtime::Handle,
) -> Result<Playback, AudioError> {
    let (tx, rx) = mpsc::channel(EVENT_QUEUE);
    let options = PlaybackOptions {
        sink: options.speaker.clone(),
        jitter: options.jitter,
        channels: options.channels,
    };
    let playback = Playback::open(&options, tx)?;
    runtime.spawn(forward(rx, None, events.clone()));
    Ok(playback)
}

pub(super) fn open_recorder(
    options: &SoundOptions,
    events: &mpsc::Sender<SoundEvent>,
    runtime: &tokio::runtime::Handle,
) -> Result<Option<Recorder>, AudioError> {
    let Some(path) = &options.record else {
        return Ok(None);
    };
    let (tx, rx) = mpsc::channel(EVENT_QUEUE);
    let recorder = Recorder::create(path, tx)?;
    runtime.spawn(forward(rx, None, events.clone()));
    Ok(Some(recorder))
}

async fn forward(
    mut from: mpsc::Receiver<MediaEvent>,
    call: Option<Arc<AtomicU64>>,
    to: mpsc::Sender<SoundEvent>,
) {
    while let Some(event) = from.recv().await {
        let key = call
            .as_ref()
            .map(|call| call.load(Ordering::Relaxed))
            .filter(|key| *key != NO_CALL);
        if to.send((key, event)).await.is_err() {
            return;
        }
    }
}
