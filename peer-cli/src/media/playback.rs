//! Playback: received packets, decoded and mixed, to one sink.

mod output;
mod stream;
mod worker;

use std::sync::{Arc, mpsc as sync};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender};

use super::mailbox::Mailbox;
use super::notice::Notices;
use super::{Levels, MediaEvent, RecordTap, StreamId};
use crate::audio::AudioError;
use crate::audio::spec::SinkSpec;
use crate::proto::channels::Channels;
use crate::proto::packet::Packet;
use crate::proto::playout::{JitterBounds, PlayoutStats};
use crate::proto::sound_check::{CheckReport, SoundCheck};
use crate::voice::Tap;
pub use output::OutputStats;
use worker::{Command, Worker};

/// How long the thread may take to answer a question; it wakes for it at once.
const ANSWER: Duration = Duration::from_secs(2);

/// Where to play.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaybackOptions {
    /// Where the sound goes.
    pub sink: SinkSpec,
    /// The delay that evens out jitter.
    pub jitter: JitterBounds,
    /// How many channels are played.
    pub channels: Channels,
}

/// Streams being mixed into a sink, on a thread of its own.
#[derive(Debug)]
pub struct Playback {
    mailbox: Arc<Mailbox<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Playback {
    /// Opens the sink; it begins at the first `add`.
    pub fn open(
        options: &PlaybackOptions,
        events: Sender<MediaEvent>,
    ) -> Result<Playback, AudioError> {
        let mailbox = Arc::new(Mailbox::new());
        let (mail, options) = (mailbox.clone(), options.clone());
        let (opened, result) = sync::sync_channel(1);
        let work = move || {
            // Devices stay on the thread that opened them: not every system lets them move.
            let (worker, outcome) = match Worker::open(&options, Notices::new(events), &mail) {
                Ok(worker) => (Some(worker), Ok(())),
                Err(error) => (None, Err(error)),
            };
            if let (Ok(()), Some(worker)) = (opened.send(outcome), worker) {
                worker.run(&mail);
            }
        };
        let thread = thread::Builder::new()
            .name("playback".to_owned())
            .spawn(work);
        let thread = thread.map_err(|error| AudioError::sound("playback thread", error))?;
        let playback = Playback {
            mailbox,
            thread: Some(thread),
        };
        match result.recv() {
            Ok(outcome) => outcome.map(|()| playback),
            Err(_) => Err(AudioError::sound(
                "playback thread",
                "it ended before the sink was open",
            )),
        }
    }

    /// Plays what comes through `packets` from now on. The first stream starts the sink.
    pub fn add(&self, id: StreamId, packets: Receiver<Packet>, checks: Vec<SoundCheck>) {
        self.mailbox.post(Command::Add(id, packets, checks));
    }

    /// Tells what is played from now on, as long as somebody hears it.
    pub fn listen(&self, tap: Tap) {
        self.mailbox.post(Command::Listen(tap));
    }

    /// Plays out what has come, says so and forgets the stream.
    pub fn drain(&self, id: StreamId) {
        self.mailbox.post(Command::Drain(id));
    }

    /// Stops a stream at once. Without any the sink pauses.
    pub fn remove(&self, id: StreamId) {
        self.mailbox.post(Command::Remove(id));
    }

    /// Gives what is played to a recorder as well, whatever the volume.
    pub fn record(&self, tap: RecordTap) {
        self.mailbox.post(Command::Record(tap));
    }

    /// Shows how loud it is.
    pub fn show(&self, levels: Arc<Levels>) {
        self.mailbox.post(Command::Show(levels));
    }

    /// Plays louder or softer; 1 is as it comes.
    pub fn set_volume(&self, gain: f32) {
        self.mailbox.post(Command::Volume(gain));
    }

    /// What plays: its counters, under the names of W3C webrtc-stats (`media-playout`).
    pub fn output(&self) -> OutputStats {
        let (answer, result) = sync::sync_channel(1);
        self.mailbox.post(Command::Output(answer));
        result.recv_timeout(ANSWER).unwrap_or_default()
    }

    /// Counters of a stream; after its end the last ones.
    pub fn stats(&self, id: StreamId) -> Option<PlayoutStats> {
        let (answer, result) = sync::sync_channel(1);
        self.mailbox.post(Command::Stats(id, answer));
        result.recv_timeout(ANSWER).ok().flatten()
    }

    /// What the checks of a stream have heard; after its end the last of it.
    pub fn checks(&self, id: StreamId) -> Vec<CheckReport> {
        let (answer, result) = sync::sync_channel(1);
        self.mailbox.post(Command::Checks(id, answer));
        let meters = result.recv_timeout(ANSWER).unwrap_or_default();
        // The report analyses a second of sound: here, where nothing is waiting for the next 10 ms.
        meters.iter().map(|meter| meter.report()).collect()
    }

    /// Stops everything and finishes the sink: a file is complete afterwards.
    pub fn close(mut self) -> Result<(), AudioError> {
        let (answer, result) = sync::sync_channel(1);
        Command::quit(&self.mailbox, Some(answer));
        self.join();
        result.recv().unwrap_or(Ok(()))
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic over there has been reported by its own thread.
            let _ = thread.join();
        }
    }
}

impl Drop for Playback {
    fn drop(&mut self) {
        if self.thread.is_some() {
            Command::quit(&self.mailbox, None);
            self.join();
        }
    }
}
