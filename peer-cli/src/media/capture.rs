//! Capture: source, encoder, packets to whoever listens.

mod line;
mod run;
mod worker;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc as sync};
use std::thread::{self, JoinHandle};

use serde::Serialize;
use tokio::sync::mpsc::Sender;

use super::mailbox::Mailbox;
use super::notice::Notices;
use super::{Levels, ListenerId, MediaEvent, RecordTap};
use crate::audio::AudioError;
use crate::audio::spec::SourceSpec;
use crate::codec::opus::EncoderOptions;
use crate::proto::channels::Channels;
use crate::proto::packet::{Codec, Packet};
use crate::proto::sending::Sending;
use crate::voice::{Processing, Reference, VoiceStats};
use worker::{Command, Worker};

/// What to send and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureOptions {
    /// Where the sound comes from.
    pub source: SourceSpec,
    /// Duration of a packet: 10, 20, 40 or 60 ms.
    pub ptime_ms: u32,
    /// Bits per second.
    pub bitrate: u32,
    /// Whether packets carry a copy of the one before.
    pub fec: bool,
    /// Loss to prepare for until reports come, in percent.
    pub expected_loss: u8,
    /// What is done to the sound before it is encoded.
    pub processing: Processing,
    /// Whether silence is left out.
    pub dtx: bool,
    /// How many channels the source gives; who listens may get fewer.
    pub channels: Channels,
}

impl Default for CaptureOptions {
    fn default() -> CaptureOptions {
        let EncoderOptions {
            ptime_ms,
            bitrate,
            fec,
            expected_loss,
            dtx,
            ..
        } = EncoderOptions::default();
        CaptureOptions {
            source: SourceSpec::Default,
            ptime_ms,
            bitrate,
            fec,
            expected_loss,
            dtx,
            processing: Processing::default(),
            channels: Channels::Mono,
        }
    }
}

/// Counters of a capture; level, energy and duration as in W3C webrtc-stats (`media-source`).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaptureStats {
    /// Packets made.
    pub packets: u64,
    /// Packets that a listener had no room for.
    pub dropped: u64,
    /// Microphone samples lost because they were not fetched in time.
    pub overruns: u64,
    /// Level of the latest packet, 0 to 1 of full scale.
    pub audio_level: f64,
    /// Sum of level squared times duration.
    pub total_audio_energy: f64,
    /// Duration of what was sent, in seconds.
    pub total_samples_duration: f64,
    /// Figures of the voice processing; those of the echo only where it is cancelled.
    #[serde(flatten)]
    pub voice: Option<VoiceStats>,
}

/// A source being turned into packets, on a thread of its own.
#[derive(Debug)]
pub struct Capture {
    mailbox: Arc<Mailbox<Command>>,
    stats: Arc<Mutex<CaptureStats>>,
    thread: Option<JoinHandle<()>>,
    listeners: AtomicU64,
}

impl Capture {
    /// Opens the source; nothing is sent before the first `add`. Echo of `played` is what can be cancelled.
    pub fn open(
        options: &CaptureOptions,
        played: Option<Reference>,
        events: Sender<MediaEvent>,
    ) -> Result<Capture, AudioError> {
        let mailbox = Arc::new(Mailbox::new());
        let stats = Arc::new(Mutex::new(CaptureStats::default()));
        let mut capture = Capture {
            mailbox,
            stats,
            thread: None,
            listeners: AtomicU64::new(0),
        };
        if options.source == SourceSpec::Off {
            return Ok(capture);
        }
        let (mailbox, stats, options) = (
            capture.mailbox.clone(),
            capture.stats.clone(),
            options.clone(),
        );
        let (opened, result) = sync::sync_channel(1);
        let work = move || {
            // Devices stay on the thread that opened them: not every system lets them move.
            let worker = Worker::open(&options, played, Notices::new(events), stats, &mailbox);
            let (worker, outcome) = match worker {
                Ok(worker) => (Some(worker), Ok(())),
                Err(error) => (None, Err(error)),
            };
            if let (Ok(()), Some(worker)) = (opened.send(outcome), worker) {
                worker.run(&mailbox);
            }
        };
        let thread = thread::Builder::new()
            .name("capture".to_owned())
            .spawn(work);
        capture.thread = Some(thread.map_err(|error| AudioError::sound("capture thread", error))?);
        match result.recv() {
            Ok(outcome) => outcome.map(|()| capture),
            Err(_) => Err(AudioError::sound(
                "capture thread",
                "it ended before the source was open",
            )),
        }
    }

    /// Sends packets of Opus to `tx` from now on. The first listener starts the source at its sample 0.
    pub fn add(&self, tx: Sender<Packet>) -> ListenerId {
        self.add_in(Codec::Opus, Channels::Mono, tx)
    }

    /// The same in any codec, and in as many channels at most.
    pub fn add_in(&self, codec: Codec, channels: Channels, tx: Sender<Packet>) -> ListenerId {
        let id = ListenerId(self.listeners.fetch_add(1, Ordering::Relaxed));
        self.post(Command::Add(id, (codec, channels), tx));
        id
    }

    /// Sends no more to this listener. Without any the source pauses; the next `add` starts it anew.
    pub fn remove(&self, id: ListenerId) {
        self.post(Command::Remove(id));
    }

    /// Sends in another way, as the network allows.
    pub fn steer(&self, sending: Sending) {
        self.post(Command::Steer(sending));
    }

    /// Sends silence instead of the source, or the source again.
    pub fn set_muted(&self, muted: bool) {
        self.post(Command::Muted(muted));
    }

    /// Shows how loud it is.
    pub fn show(&self, levels: Arc<Levels>) {
        self.post(Command::Show(levels));
    }

    /// Gives what is sent to a recorder as well.
    pub fn record(&self, tap: RecordTap) {
        self.post(Command::Record(tap));
    }

    /// The counters so far.
    pub fn stats(&self) -> CaptureStats {
        self.stats
            .lock()
            .map(|stats| stats.clone())
            .unwrap_or_default()
    }

    fn post(&self, command: Command) {
        // With `off` there is no thread, and a queue that nobody reads must not grow.
        if self.thread.is_some() {
            self.mailbox.post(command);
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            Command::quit(&self.mailbox);
            // A panic over there has been reported by its own thread.
            let _ = thread.join();
        }
    }
}
