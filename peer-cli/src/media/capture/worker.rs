//! The capture thread.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::run::{Phase, Run};
use super::{CaptureOptions, CaptureStats};
use crate::audio::spec::SourceSpec;
use crate::audio::{self, AudioError, DeviceKind, Read, Sighting, Source};
use crate::codec::opus::{CodecError, Encoder, EncoderOptions};
use crate::media::mailbox::Mailbox;
use crate::media::notice::{Notices, RETRY};
use crate::media::standby::Standby;
use crate::media::{ListenerId, MediaEvent, RecordTap, clock_us};
use crate::proto::packet::Packet;
use crate::voice::{Reference, Voice};

mod device;
#[cfg(test)]
mod tests;

/// Samples in a second.
const RATE: f64 = audio::SAMPLE_RATE as f64;

/// What the owner asks for.
#[derive(Debug)]
pub(super) enum Command {
    Add(ListenerId, Sender<Packet>),
    Remove(ListenerId),
    ExpectedLoss(u8),
    Bitrate(u32),
    Muted(bool),
    Seen(Sighting),
    Record(RecordTap),
    Quit,
}

/// Everything that the thread owns.
pub(super) struct Worker {
    source: Box<dyn Source>,
    voice: Option<Voice>,
    encoder: Encoder,
    lookahead: usize,
    period: Duration,
    listeners: Vec<(ListenerId, Sender<Packet>)>,
    /// Present while somebody listens.
    run: Option<Run>,
    muted: bool,
    tap: Option<RecordTap>,
    /// Samples lost by sources that are gone.
    overruns: u64,
    frame: Vec<f32>,
    notices: Notices,
    stats: Arc<Mutex<CaptureStats>>,
    /// Who looks for a microphone that is lost; there is none where the source is none.
    standby: Option<Standby>,
    open: fn(&SourceSpec) -> Result<Option<Box<dyn Source>>, AudioError>,
}

impl Worker {
    pub(super) fn open(
        options: &CaptureOptions,
        played: Option<Reference>,
        notices: Notices,
        stats: Arc<Mutex<CaptureStats>>,
        mailbox: &Arc<Mailbox<Command>>,
    ) -> Result<Worker, AudioError> {
        let CaptureOptions {
            ptime_ms,
            bitrate,
            fec,
            expected_loss,
            ..
        } = *options;
        let encoding = EncoderOptions {
            ptime_ms,
            bitrate,
            fec,
            expected_loss,
            ..EncoderOptions::default()
        };
        let failed = |error: CodecError| AudioError::sound("encoder", error);
        let mut encoder = Encoder::new(&encoding).map_err(failed)?;
        let lookahead = encoder.lookahead().map_err(failed)?;
        let source = audio::open_source(&options.source)?;
        let source =
            source.ok_or_else(|| AudioError::sound("capture", "there is no source to open"))?;
        let standby = source.device().map(|device| {
            let by_default = options.source == SourceSpec::Default;
            let mailbox = mailbox.clone();
            let tell = move |seen| mailbox.post(Command::Seen(seen));
            Standby::new(DeviceKind::Input, device, by_default, tell)
        });
        let voice = options.processing.is_on();
        let voice = voice.then(|| Voice::new(options.processing, played));
        let voice = voice.transpose();
        let voice = voice.map_err(|error| AudioError::sound("voice processing", error))?;
        Ok(Worker {
            source,
            lookahead: lookahead + voice.as_ref().map_or(0, Voice::delay),
            voice,
            period: Duration::from_millis(u64::from(ptime_ms)),
            listeners: Vec::new(),
            run: None,
            muted: false,
            tap: None,
            overruns: 0,
            frame: vec![0.0; encoder.frame()],
            encoder,
            notices,
            stats,
            standby: standby.transpose()?,
            open: audio::open_source,
        })
    }

    /// Works until told to quit; sleeps while nobody listens.
    pub(super) fn run(mut self, mailbox: &Mailbox<Command>) {
        loop {
            let unread = self.notices.flush().then(|| Instant::now() + RETRY);
            let overdue = self.standby.as_ref().and_then(Standby::due);
            let due = self.run.as_ref().and_then(Run::wake);
            for command in mailbox.wait(due.into_iter().chain(unread).chain(overdue).min()) {
                match command {
                    Command::Quit => return self.source.stop(),
                    command => self.obey(command),
                }
            }
            self.work();
        }
    }

    fn obey(&mut self, command: Command) {
        let changed = match command {
            Command::Add(id, sender) => {
                self.listeners.push((id, sender));
                if self.run.is_none() {
                    self.start();
                }
                Ok(())
            }
            Command::Remove(id) => {
                self.listeners.retain(|(other, _)| *other != id);
                self.stop_if_alone();
                Ok(())
            }
            Command::ExpectedLoss(percent) => self.encoder.set_expected_loss(percent),
            Command::Bitrate(bps) => self.encoder.set_bitrate(bps),
            Command::Muted(muted) => {
                self.muted = muted;
                Ok(())
            }
            Command::Seen(seen) => {
                self.seen(seen);
                Ok(())
            }
            Command::Record(tap) => {
                self.tap = Some(tap);
                Ok(())
            }
            Command::Quit => Ok(()),
        };
        if let Err(error) = changed {
            self.warn(&error);
        }
    }

    fn start(&mut self) {
        if let Some(voice) = &mut self.voice {
            voice.restart();
        }
        let started = self.source.start();
        let start = Instant::now();
        let samples = self.encoder.frame() as u32;
        self.run = Some(Run::new(start, self.source.clock(), samples, self.period));
        match started {
            Ok(()) => self.notices.send(MediaEvent::CaptureStarted {
                clock_us: clock_us(start),
            }),
            Err(error) => self.broken(error),
        }
        if let Some(standby) = &self.standby {
            standby.start();
        }
    }

    fn stop_if_alone(&mut self) {
        if self.listeners.is_empty() && self.run.take().is_some() {
            self.source.stop();
            if let Some(standby) = &mut self.standby {
                standby.rest();
            }
        }
    }

    /// Sends everything that is due.
    fn work(&mut self) {
        if let Some(news) = self
            .standby
            .as_mut()
            .and_then(|s| s.overdue(Instant::now()))
        {
            self.notices.send(news);
        }
        loop {
            let now = Instant::now();
            let Some(run) = &mut self.run else { return };
            if !run.is_due(now) {
                return;
            }
            if run.phase == Phase::Flushing {
                run.phase = Phase::Ended;
                self.frame.fill(0.0);
                self.send(now);
                self.notices.send(MediaEvent::CaptureEnded);
                return;
            }
            match self.source.read(&mut self.frame) {
                Ok(Read::Full) => {
                    run.something(now);
                    self.send(now);
                }
                Ok(Read::NotYet) => return run.nothing(now),
                Ok(Read::Last(samples)) => {
                    run.something(now);
                    self.last(samples, now);
                }
                Err(error) => return self.broken(error),
            }
        }
    }

    /// The end of the source: the rest of its samples, and one frame more if the encoder holds some of them back.
    fn last(&mut self, samples: usize, now: Instant) {
        self.frame[samples..].fill(0.0);
        self.send(now);
        let held_back = samples > 0 && self.frame.len() - samples < self.lookahead;
        let Some(run) = &mut self.run else { return };
        run.phase = if held_back {
            Phase::Flushing
        } else {
            Phase::Ended
        };
        if !held_back {
            self.notices.send(MediaEvent::CaptureEnded);
        }
    }

    /// Encodes the frame once and gives it to everybody.
    fn send(&mut self, now: Instant) {
        // Also while muted: it must know the room when the sound comes back.
        if let Some(voice) = &mut self.voice {
            voice.process(&mut self.frame, self.source.overruns());
        }
        if self.muted {
            self.frame.fill(0.0);
        }
        if let (Some(tap), Some(run)) = (&self.tap, &self.run) {
            tap.put(run.heard(now), &self.frame);
        }
        let payload = match self.encoder.encode(&self.frame) {
            Ok(payload) => payload,
            Err(error) => return self.warn(&error),
        };
        let Some(run) = &mut self.run else { return };
        let packet = run.packet(now, payload);
        let mut dropped = 0;
        self.listeners
            .retain(|(_, sender)| match sender.try_send(packet.clone()) {
                Ok(()) => true,
                Err(TrySendError::Full(_)) => {
                    dropped += 1;
                    true
                }
                Err(TrySendError::Closed(_)) => false,
            });
        self.count(dropped);
        self.stop_if_alone();
    }

    fn count(&mut self, dropped: u64) {
        let seconds = self.frame.len() as f64 / RATE;
        let sum: f64 = self
            .frame
            .iter()
            .map(|s| f64::from(*s) * f64::from(*s))
            .sum();
        let square = sum / self.frame.len() as f64;
        if let Ok(mut stats) = self.stats.lock() {
            stats.packets += 1;
            stats.dropped += dropped;
            stats.overruns = self.overruns + self.source.overruns();
            stats.audio_level = square.sqrt().min(1.0);
            stats.total_audio_energy += square * seconds;
            stats.total_samples_duration += seconds;
            stats.voice = self.voice.as_ref().map(Voice::stats);
        }
    }

    fn warn(&mut self, error: &CodecError) {
        let text = error.to_string();
        self.notices.send(MediaEvent::Warning {
            code: "encoder",
            text,
            hint: None,
        });
    }
}
