//! The capture thread.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::line::Line;
use super::run::{Phase, Run};
use super::{CaptureOptions, CaptureStats};
use crate::audio::spec::SourceSpec;
use crate::audio::{self, AudioError, DeviceKind, Read, Source};
use crate::codec::CodecError;
use crate::media::mailbox::Mailbox;
use crate::media::notice::{Notices, RETRY};
use crate::media::standby::Standby;
use crate::media::{Levels, MediaEvent, RecordTap, clock_us};
use crate::proto::channels::Channels;
use crate::proto::packet::Codec;
use crate::proto::sending::Sending;
use crate::voice::{Reference, Voice};
pub(super) use command::Command;

mod command;
mod device;
#[cfg(test)]
mod tests;

/// Sound read at once, at most.
const LONGEST_READ_MS: u32 = 20;
/// Samples in a second.
const RATE: f64 = audio::SAMPLE_RATE as f64;

/// Opens a source; nothing for `off`.
type OpenSource = fn(&SourceSpec, Channels) -> Result<Option<Box<dyn Source>>, AudioError>;

/// Everything that the thread owns.
pub(super) struct Worker {
    options: CaptureOptions,
    source: Box<dyn Source>,
    voice: Option<Voice>,
    /// One for each codec and number of channels that was ever listened to.
    lines: Vec<Line>,
    /// How the network lets us send; nothing: as the options say.
    steering: Option<Sending>,
    period: Duration,
    /// Present while somebody listens.
    run: Option<Run>,
    muted: bool,
    tap: Option<RecordTap>,
    levels: Arc<Levels>,
    /// Samples lost by sources that are gone.
    overruns: u64,
    /// What is read at once, its channels by turns. Frames of the codecs are made of it.
    frame: Vec<f32>,
    notices: Notices,
    stats: Arc<Mutex<CaptureStats>>,
    /// Who looks for a microphone that is lost; there is none where the source is none.
    standby: Option<Standby>,
    open: OpenSource,
}

impl Worker {
    pub(super) fn open(
        options: &CaptureOptions,
        played: Option<Reference>,
        notices: Notices,
        stats: Arc<Mutex<CaptureStats>>,
        mailbox: &Arc<Mailbox<Command>>,
    ) -> Result<Worker, AudioError> {
        // What the encoder refuses is known before the source is opened.
        let line = Line::new((Codec::Opus, options.channels), options)
            .map_err(|error: CodecError| AudioError::sound("encoder", error))?;
        let source = audio::open_source(&options.source, options.channels)?;
        let source =
            source.ok_or_else(|| AudioError::sound("capture", "there is no source to open"))?;
        let standby = source.device().map(|device| {
            let by_default = options.source == SourceSpec::Default;
            let mailbox = mailbox.clone();
            let tell = move |seen| Command::look(&mailbox, seen);
            Standby::new(DeviceKind::Input, device, by_default, tell)
        });
        let voice = options.processing.is_on();
        let voice = voice.then(|| Voice::new(options.processing, played));
        let voice = voice.transpose();
        let voice = voice.map_err(|error| AudioError::sound("voice processing", error))?;
        // Packets of 40 and 60 ms are two and three of these.
        let period_ms = options.ptime_ms.min(LONGEST_READ_MS);
        let channels = options.channels.count();
        Ok(Worker {
            options: options.clone(),
            source,
            lines: vec![line],
            steering: None,
            voice,
            period: Duration::from_millis(u64::from(period_ms)),
            run: None,
            muted: false,
            tap: None,
            levels: Arc::default(),
            overruns: 0,
            frame: vec![0.0; (period_ms * audio::SAMPLE_RATE / 1000) as usize * channels],
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

    fn start(&mut self) {
        if let Some(voice) = &mut self.voice {
            voice.restart();
        }
        let started = self.source.start();
        let start = Instant::now();
        let samples = (self.frame.len() / self.options.channels.count()) as u64;
        self.run = Some(Run::new(start, self.source.clock(), samples, self.period));
        self.lines.iter_mut().for_each(Line::restart);
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
        if self.lines.iter().all(Line::is_alone) && self.run.take().is_some() {
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
            if let Phase::Flushing(_) = run.phase {
                self.frame.fill(0.0);
                self.send(now);
                self.flushed(self.frame.len());
                continue;
            }
            match self.source.read(&mut self.frame) {
                Ok(Read::Full) => {
                    self.something(now);
                    self.send(now);
                }
                Ok(Read::NotYet) => return run.nothing(now),
                Ok(Read::Last(samples)) => {
                    self.something(now);
                    self.last(samples, now);
                }
                Err(error) => return self.broken(error),
            }
        }
    }

    /// There is sound again; what time passed without it has passed in the streams.
    fn something(&mut self, now: Instant) {
        let paused = self.run.as_mut().map_or(0, |run| run.something(now));
        if paused > 0 {
            self.lines.iter_mut().for_each(|line| line.skip(paused));
        }
    }

    /// The end of the source: the rest of its samples, and then silence until the encoders have given everything back.
    fn last(&mut self, samples: usize, now: Instant) {
        self.frame[samples..].fill(0.0);
        self.send(now);
        let held_back = self.lines.iter().filter(|line| !line.is_alone());
        let held_back = held_back.map(Line::lookahead).max().unwrap_or(0)
            + self.voice.as_ref().map_or(0, Voice::delay);
        if let Some(run) = &mut self.run {
            run.phase = Phase::Flushing(held_back);
        }
        self.flushed(self.frame.len() - samples);
    }

    /// So much silence has followed the source, all channels together.
    fn flushed(&mut self, silence: usize) {
        let silence = silence / self.options.channels.count();
        let Some(run) = &mut self.run else { return };
        let Phase::Flushing(left) = run.phase else {
            return;
        };
        let left = left.saturating_sub(silence);
        let whole = |line: &Line| line.is_alone() || line.is_whole();
        if left > 0 || !self.lines.iter().all(whole) {
            run.phase = Phase::Flushing(left);
        } else {
            run.phase = Phase::Ended;
            self.notices.send(MediaEvent::CaptureEnded);
        }
    }

    /// Gives the frame to everybody, encoded once for each codec. Here, before it is encoded, is the place to work on it.
    fn send(&mut self, now: Instant) {
        // Also while muted: it must know the room when the sound comes back.
        if let Some(voice) = &mut self.voice {
            voice.process(&mut self.frame, self.source.overruns());
        }
        if self.muted {
            self.frame.fill(0.0);
        }
        if let (Some(tap), Some(run)) = (&self.tap, &self.run) {
            tap.put(run.heard(now), &self.options.channels.mono(&self.frame));
        }
        let (mut packets, mut dropped, mut failed) = (0, 0, None);
        for line in &mut self.lines {
            match line.push(now, &self.frame) {
                Ok(made) => {
                    packets += made.packets;
                    dropped += made.dropped;
                }
                Err(error) => failed = Some(error),
            }
        }
        if let Some(run) = &mut self.run {
            run.step();
        }
        self.count(packets, dropped);
        if let Some(error) = failed {
            self.warn(&error);
        }
        self.stop_if_alone();
    }

    fn count(&mut self, packets: u64, dropped: u64) {
        let channels = self.options.channels.count();
        let seconds = (self.frame.len() / channels) as f64 / RATE;
        let sum: f64 = self
            .frame
            .iter()
            .map(|s| f64::from(*s) * f64::from(*s))
            .sum();
        let square = sum / self.frame.len() as f64;
        self.levels.set_sent(square.sqrt() as f32);
        if let Ok(mut stats) = self.stats.lock() {
            stats.packets += packets;
            stats.dropped += dropped;
            stats.overruns = self.overruns + self.source.overruns();
            stats.audio_level = square.sqrt().min(1.0);
            stats.total_audio_energy += square * seconds;
            stats.total_samples_duration += seconds;
            stats.voice = self.voice.as_ref().map(Voice::stats);
        }
    }
}
