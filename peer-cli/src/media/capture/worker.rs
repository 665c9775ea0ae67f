//! The capture thread.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::line::Line;
use super::run::{Phase, Run};
use super::{CaptureOptions, CaptureStats};
use crate::audio::spec::SourceSpec;
use crate::audio::{self, AudioError, DeviceKind, Read, Source};
use crate::codec::CodecError;
use crate::media::mailbox::Mailbox;
use crate::media::notice::{Notices, RETRY};
use crate::media::{ListenerId, MediaEvent, clock_us};
use crate::proto::packet::{Codec, Packet};
use crate::proto::sending::Sending;

#[cfg(test)]
mod tests;

/// Sound read at once, at most.
const LONGEST_READ_MS: u32 = 20;
/// Samples in a second.
const RATE: f64 = audio::SAMPLE_RATE as f64;

/// What the owner asks for.
#[derive(Debug)]
pub(super) enum Command {
    Add(ListenerId, Codec, Sender<Packet>),
    Remove(ListenerId),
    Steer(Sending),
    Muted(bool),
    Quit,
}

/// Everything that the thread owns.
pub(super) struct Worker {
    options: CaptureOptions,
    source: Box<dyn Source>,
    /// One for each codec that was ever listened to.
    lines: Vec<Line>,
    /// How the network lets us send; nothing: as the options say.
    steering: Option<Sending>,
    period: Duration,
    /// Present while somebody listens.
    run: Option<Run>,
    muted: bool,
    /// What is read at once. Frames of the codecs are made of it.
    frame: Vec<f32>,
    notices: Notices,
    stats: Arc<Mutex<CaptureStats>>,
    /// What takes over when a microphone is lost.
    replace: fn() -> (Box<dyn Source>, Option<String>),
}

impl Worker {
    pub(super) fn open(
        options: &CaptureOptions,
        notices: Notices,
        stats: Arc<Mutex<CaptureStats>>,
    ) -> Result<Worker, AudioError> {
        // What the encoder refuses is known before the source is opened.
        let line = Line::new(Codec::Opus, options)
            .map_err(|error: CodecError| AudioError::sound("encoder", error))?;
        let source = audio::open_source(&options.source)?;
        let source =
            source.ok_or_else(|| AudioError::sound("capture", "there is no source to open"))?;
        // Packets of 40 and 60 ms are two and three of these.
        let period_ms = options.ptime_ms.min(LONGEST_READ_MS);
        Ok(Worker {
            options: options.clone(),
            source,
            lines: vec![line],
            steering: None,
            period: Duration::from_millis(u64::from(period_ms)),
            run: None,
            muted: false,
            frame: vec![0.0; (period_ms * audio::SAMPLE_RATE / 1000) as usize],
            notices,
            stats,
            replace: replacement,
        })
    }

    /// Works until told to quit; sleeps while nobody listens.
    pub(super) fn run(mut self, mailbox: &Mailbox<Command>) {
        loop {
            let unread = self.notices.flush().then(|| Instant::now() + RETRY);
            let due = self.run.as_ref().and_then(Run::wake);
            for command in mailbox.wait(due.into_iter().chain(unread).min()) {
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
            Command::Add(id, codec, sender) => self.add(id, codec, sender),
            Command::Remove(id) => {
                self.lines.iter_mut().for_each(|line| line.remove(id));
                self.stop_if_alone();
                Ok(())
            }
            Command::Steer(sending) => {
                self.steering = Some(sending);
                self.lines
                    .iter_mut()
                    .try_for_each(|line| line.steer(sending))
            }
            Command::Muted(muted) => {
                self.muted = muted;
                Ok(())
            }
            Command::Quit => Ok(()),
        };
        if let Err(error) = changed {
            self.warn(&error);
        }
    }

    fn add(
        &mut self,
        id: ListenerId,
        codec: Codec,
        sender: Sender<Packet>,
    ) -> Result<(), CodecError> {
        let known = self.lines.iter_mut().find(|line| line.codec() == codec);
        if let Some(line) = known {
            line.add(id, sender);
        } else {
            let mut line = Line::new(codec, &self.options)?;
            if let Some(sending) = self.steering {
                line.steer(sending)?;
            }
            line.add(id, sender);
            self.lines.push(line);
        }
        if self.run.is_none() {
            self.start();
        }
        Ok(())
    }

    fn start(&mut self) {
        let started = self.source.start();
        let start = Instant::now();
        let samples = self.frame.len() as u64;
        self.run = Some(Run::new(start, self.source.clock(), samples, self.period));
        self.lines.iter_mut().for_each(Line::restart);
        match started {
            Ok(()) => self.notices.send(MediaEvent::CaptureStarted {
                clock_us: clock_us(start),
            }),
            Err(error) => self.broken(error),
        }
    }

    fn stop_if_alone(&mut self) {
        if self.lines.iter().all(Line::is_alone) && self.run.take().is_some() {
            self.source.stop();
        }
    }

    /// Sends everything that is due.
    fn work(&mut self) {
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
        let held_back = held_back.map(Line::lookahead).max().unwrap_or(0);
        if let Some(run) = &mut self.run {
            run.phase = Phase::Flushing(held_back);
        }
        self.flushed(self.frame.len() - samples);
    }

    /// So much silence has followed the source.
    fn flushed(&mut self, silence: usize) {
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
        if self.muted {
            self.frame.fill(0.0);
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
        let seconds = self.frame.len() as f64 / RATE;
        let sum: f64 = self
            .frame
            .iter()
            .map(|s| f64::from(*s) * f64::from(*s))
            .sum();
        let square = sum / self.frame.len() as f64;
        if let Ok(mut stats) = self.stats.lock() {
            stats.packets += packets;
            stats.dropped += dropped;
            stats.overruns = self.source.overruns();
            stats.audio_level = square.sqrt().min(1.0);
            stats.total_audio_energy += square * seconds;
            stats.total_samples_duration += seconds;
        }
    }

    /// The source broke. A microphone is replaced, if only by silence; anything else has ended.
    fn broken(&mut self, error: AudioError) {
        let Some(run) = &mut self.run else { return };
        let AudioError::Device {
            kind: DeviceKind::Input,
            name,
            ..
        } = &error
        else {
            run.phase = Phase::Ended;
            self.notices.send(MediaEvent::Failed(error));
            self.notices.send(MediaEvent::CaptureEnded);
            return;
        };
        self.source.stop();
        let (source, now_on) = (self.replace)();
        run.change_clock(Instant::now(), source.clock());
        self.source = source;
        self.notices.send(MediaEvent::DeviceLost {
            kind: DeviceKind::Input,
            name: name.clone(),
            now_on,
        });
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

/// The default microphone, or silence.
fn replacement() -> (Box<dyn Source>, Option<String>) {
    if let Ok(Some(mut source)) = audio::open_source(&SourceSpec::Default)
        && source.start().is_ok()
    {
        return (source, Some(SourceSpec::Default.to_string()));
    }
    (audio::silence(), None)
}
