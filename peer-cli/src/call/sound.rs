//! The sound of all calls: one playback for everybody, and a capture for each or for all.

mod controls;
mod opening;
mod recording;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::session::Key;
use crate::audio::spec::SourceSpec;
use crate::audio::{AudioError, ErrorClass};
use crate::cli::SoundOptions;
use crate::event::{Event, Processing};
use crate::exit::{Exit, Failure};
use crate::media::{
    Capture, CaptureStats, ListenerId, MediaEvent, OutputStats, Playback, StreamId,
};
use crate::proto::channels::Channels;
use crate::proto::packet::{Codec, Packet};
use crate::proto::playout::PlayoutStats;
use crate::proto::sending::Sending;
use crate::proto::sound_check::{CheckReport, SoundCheck};
use crate::voice::{self, Choice};
pub use controls::Control;
use controls::Controls;
use opening::{microphone, open_capture, open_recorder, speaker};
use recording::Recording;

/// Packets from the capture to the network: a second and more.
const SEND_QUEUE: usize = 64;
/// What the sound path reports; a few an hour.
const EVENT_QUEUE: usize = 64;
/// Packets from the network to the playout when they also go back as an echo.
const ECHO_QUEUE: usize = 256;

/// An event of a capture names the call it works for; those of the playback name their stream.
pub(super) type SoundEvent = (Option<Key>, MediaEvent);

/// Owns the sound path of a command.
pub(super) struct SoundDesk {
    options: SoundOptions,
    /// What is done to the sound that is sent, and why.
    choice: Choice,
    playback: Playback,
    /// A microphone or stdin: there is one, and every call hears it.
    shared: Option<Capture>,
    /// Opened at the start, so that a wrong file is known before anybody is called.
    first: Option<Tagged>,
    own: HashMap<Key, Tagged>,
    listeners: HashMap<Key, ListenerId>,
    recording: Recording,
    /// How the network of each call lets us send.
    steering: BTreeMap<Key, Sending>,
    controls: Controls,
    events: mpsc::Sender<SoundEvent>,
}

/// A capture, and the call it works for.
struct Tagged {
    capture: Capture,
    call: Arc<AtomicU64>,
}

/// No call yet.
const NO_CALL: u64 = 0;

impl SoundDesk {
    /// Opens source and sink; may block for as long as a sound system needs.
    pub(super) fn open(
        mut options: SoundOptions,
        events: mpsc::Sender<SoundEvent>,
        runtime: &tokio::runtime::Handle,
    ) -> Result<(Self, Vec<Event>), Failure> {
        // The speaker first: whether there is one decides what is done to the sound of the microphone.
        let (playback, no_speaker) = speaker(&mut options, &events, runtime)?;
        let (tagged, no_microphone) = microphone(&mut options, &playback, &events, runtime)?;
        let warnings = no_microphone.into_iter().chain(no_speaker).collect();
        let choice = Choice::of(options.processing, &options.mic, &options.speaker);
        let recorder =
            open_recorder(&options, &events, runtime).map_err(|error| failure(&error))?;
        let recording = Recording::new(recorder);
        recording.of_playback(&playback, options.echo);
        recording.of_capture(&tagged.capture);
        let one_for_all = options.mic.is_device() || options.mic == SourceSpec::Stdin;
        let (shared, first) = if one_for_all {
            (Some(tagged.capture), None)
        } else {
            (None, Some(tagged))
        };
        let desk = Self {
            options,
            choice,
            playback,
            shared,
            first,
            own: HashMap::new(),
            listeners: HashMap::new(),
            recording,
            steering: BTreeMap::new(),
            controls: Controls::default(),
            events,
        };
        Ok((desk, warnings))
    }

    /// Connects a call: takes what arrives and gives what to send, both from this moment on.
    pub(super) fn start(
        &mut self,
        key: Key,
        arriving: mpsc::Receiver<Packet>,
        (codec, channels): (Codec, Channels),
        checks: &[SoundCheck],
    ) -> Result<mpsc::Receiver<Packet>, Failure> {
        let stream = StreamId(key);
        self.recording.start(key);
        if self.options.echo {
            let (back, leaving) = mpsc::channel(SEND_QUEUE);
            let (on, heard) = mpsc::channel(ECHO_QUEUE);
            tokio::spawn(echo(arriving, back, on));
            self.playback.add(stream, heard, checks.to_vec());
            return Ok(leaving);
        }
        self.playback.add(stream, arriving, checks.to_vec());
        let (packets, leaving) = mpsc::channel(SEND_QUEUE);
        let capture = match &self.shared {
            Some(capture) => capture,
            None => &self.capture_for(key)?.capture,
        };
        let listener = capture.add_in(codec, channels, packets);
        self.listeners.insert(key, listener);
        Ok(leaving)
    }

    fn capture_for(&mut self, key: Key) -> Result<&Tagged, Failure> {
        let tagged = match self.first.take() {
            Some(tagged) => tagged,
            None => {
                let runtime = tokio::runtime::Handle::current();
                let tagged = open_capture(&self.options, &self.playback, &self.events, &runtime)
                    .map_err(|error| failure(&error))?;
                self.recording.of_capture(&tagged.capture);
                self.controls.of_capture(&tagged.capture);
                tagged
            }
        };
        tagged.call.store(key, Ordering::Relaxed);
        Ok(self.own.entry(key).or_insert(tagged))
    }

    /// How many channels are played.
    pub(super) fn channels(&self) -> Channels {
        self.options.channels
    }

    /// Sends as a call's network allows. One encoder for many calls goes by the worst of them.
    pub(super) fn steer(&mut self, key: Key, sending: Sending) {
        if let Some(tagged) = self.own.get(&key) {
            return tagged.capture.steer(sending);
        }
        if self.listeners.contains_key(&key) {
            self.steering.insert(key, sending);
            self.steer_shared();
        }
    }

    fn steer_shared(&self) {
        // Whoever comes next has another network than those who have gone.
        let worst = self.steering.values().copied().reduce(Sending::worse);
        if let Some(capture) = &self.shared {
            capture.steer(worst.unwrap_or_else(|| self.options.wanted().into()));
        }
    }

    /// Stops sending for a call.
    pub(super) fn stop_sending(&mut self, key: Key) {
        let listener = self.listeners.remove(&key);
        if let (Some(capture), Some(listener)) = (&self.shared, listener) {
            capture.remove(listener);
        }
        if self.steering.remove(&key).is_some() {
            self.steer_shared();
        }
        self.own.remove(&key);
    }

    /// Plays out what has arrived for a call; [`MediaEvent::Drained`] tells when that is done.
    pub(super) fn drain(&self, key: Key) {
        self.playback.drain(StreamId(key));
    }

    /// Forgets a call.
    pub(super) fn remove(&mut self, key: Key) {
        self.stop_sending(key);
        self.playback.remove(StreamId(key));
        self.recording.stop(key);
    }

    /// Counters of what a call has played, also after its end.
    pub(super) fn stats(&self, key: Key) -> Option<PlayoutStats> {
        self.playback.stats(StreamId(key))
    }

    /// Counters of what all calls together play.
    pub(super) fn output(&self) -> OutputStats {
        self.playback.output()
    }

    /// Counters of what is sent to a call; nothing for an echo.
    pub(super) fn sent(&self, key: Key) -> Option<CaptureStats> {
        let own = self.own.get(&key).map(|tagged| &tagged.capture);
        own.or(self.shared.as_ref()).map(Capture::stats)
    }

    /// What is done to the sound that is sent, and why.
    pub(super) fn processing(&self) -> Processing {
        let voice::Processing { echo, noise, gain } = self.choice.processing;
        Processing {
            echo_cancellation: echo,
            noise_suppression: noise,
            auto_gain_control: gain,
            because: self.choice.because.to_string(),
        }
    }

    /// What the checks of a call have heard so far, also after its end.
    pub(super) fn checks(&self, key: Key) -> Vec<CheckReport> {
        self.playback.checks(StreamId(key))
    }

    /// Finishes the file, if the sink is one.
    pub(super) fn close(self) -> Result<(), Failure> {
        drop(self.own);
        let played = self.playback.close();
        let recorded = self.recording.close();
        played.and(recorded).map_err(|error| failure(&error))
    }
}

/// Sends what arrives back as it is, and lets the playout hear it.
async fn echo(
    mut arriving: mpsc::Receiver<Packet>,
    back: mpsc::Sender<Packet>,
    on: mpsc::Sender<Packet>,
) {
    while let Some(packet) = arriving.recv().await {
        // A full queue loses the packet: sound that comes too late is worth nothing.
        let _ = on.try_send(packet.clone());
        let _ = back.try_send(packet);
    }
}

fn failure(error: &AudioError) -> Failure {
    let exit = match error.class() {
        ErrorClass::NoDevice | ErrorClass::Device => Exit::Device,
        ErrorClass::File => Exit::File,
        ErrorClass::Internal => Exit::Internal,
    };
    Failure::new(exit, error.to_string())
}
