//! The playback thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Receiver;

use super::PlaybackOptions;
use super::output::Output;
use super::stream::Stream;
use crate::audio::spec::SinkSpec;
use crate::audio::{self, AudioError, Clock, DeviceKind, FRAME, Sink};
use crate::media::mailbox::Mailbox;
use crate::media::notice::{Notices, RETRY};
use crate::media::pace::Pace;
use crate::media::standby::Standby;
use crate::media::{MediaEvent, StreamId, clock_us};
use crate::proto::channels::Channels;
use crate::proto::packet::Packet;
use crate::proto::playout::{JitterBounds, PlayoutStats};
use crate::proto::sound_check::{SoundCheck, SoundMeter};
use crate::voice::Tap;
pub(super) use command::Command;

mod command;
mod device;
#[cfg(test)]
mod tests;

/// 10 ms.
const TICK: Duration = Duration::from_millis(10);
/// How often a device is asked whether it wants more.
const POLL: Duration = Duration::from_millis(4);
/// Files and the like make up for so much lateness; it costs nothing, and their time line stays whole.
const MOST_BEHIND: Duration = Duration::from_secs(2);
/// Ended streams whose results are kept.
const REMEMBERED: usize = 256;

/// What is left of an ended stream.
struct Past {
    id: StreamId,
    stats: PlayoutStats,
    meters: Vec<SoundMeter>,
}

/// Opens a sink.
type OpenSink = fn(&SinkSpec, Channels) -> Result<Box<dyn Sink>, AudioError>;

/// Everything that the thread owns.
pub(super) struct Worker {
    sink: Box<dyn Sink>,
    channels: Channels,
    jitter: JitterBounds,
    output: Output,
    streams: Vec<Stream>,
    past: VecDeque<Past>,
    /// Whoever takes the echo of what is played from a microphone.
    taps: Vec<Tap>,
    /// Present while there are streams.
    pace: Option<Pace>,
    notices: Notices,
    /// Who looks for a speaker that is lost; there is none where the sink is none.
    standby: Option<Standby>,
    open: OpenSink,
}

impl Worker {
    /// Opens the sink; `mailbox` is where news of its device go.
    pub(super) fn open(
        options: &PlaybackOptions,
        notices: Notices,
        mailbox: &Arc<Mailbox<Command>>,
    ) -> Result<Worker, AudioError> {
        let spec = &options.sink;
        let sink = audio::open_sink(spec, options.channels)?;
        let standby = sink.device().map(|device| {
            let by_default = *spec == SinkSpec::Default;
            let mailbox = mailbox.clone();
            let tell = move |seen| Command::look(&mailbox, seen);
            Standby::new(DeviceKind::Output, device, by_default, tell)
        });
        Ok(Worker {
            sink,
            channels: options.channels,
            jitter: options.jitter,
            output: Output::new(options.channels),
            streams: Vec::new(),
            past: VecDeque::new(),
            taps: Vec::new(),
            pace: None,
            notices,
            standby: standby.transpose()?,
            open: audio::open_sink,
        })
    }

    /// Works until told to quit; sleeps while there is no stream.
    pub(super) fn run(mut self, mailbox: &Mailbox<Command>) {
        loop {
            let unread = self.notices.flush().then(|| Instant::now() + RETRY);
            let overdue = self.standby.as_ref().and_then(Standby::due);
            let due = self.pace.as_ref().map(|pace| match self.sink.clock() {
                Clock::Caller => pace.next(),
                Clock::Device => Instant::now() + POLL,
            });
            for command in mailbox.wait(due.into_iter().chain(unread).chain(overdue).min()) {
                match command {
                    Command::Quit(answer) => return self.quit(answer),
                    command => self.obey(command),
                }
            }
            self.work();
        }
    }

    fn quit(self, answer: Option<SyncSender<Result<(), AudioError>>>) {
        let outcome = self.sink.close();
        if let Some(answer) = answer {
            // Whoever asked may have given up waiting.
            let _ = answer.send(outcome);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Add(id, packets, checks) => self.add(id, packets, checks),
            Command::Listen(tap) => self.taps.push(tap),
            Command::Drain(id) => self
                .streams
                .iter_mut()
                .filter(|s| s.id == id)
                .for_each(Stream::drain),
            Command::Remove(id) => {
                self.forget(|stream| stream.id == id);
            }
            // Whoever asked may have given up waiting.
            Command::Stats(id, answer) => drop(answer.send(self.stats(id))),
            Command::Checks(id, answer) => drop(answer.send(self.meters(id))),
            Command::Seen(seen) => self.seen(seen),
            Command::Record(tap) => self.output.tap = Some(tap),
            Command::Show(levels) => self.output.levels = levels,
            Command::Volume(gain) => self.output.volume = gain,
            Command::Output(answer) => drop(answer.send(self.output.stats(self.sink.as_ref()))),
            Command::Quit(_) => {}
        }
    }

    fn stats(&self, id: StreamId) -> Option<PlayoutStats> {
        let present = self
            .streams
            .iter()
            .find(|stream| stream.id == id)
            .map(Stream::stats);
        let past = || {
            self.past
                .iter()
                .find(|past| past.id == id)
                .map(|past| &past.stats)
        };
        present.or_else(past).cloned()
    }

    fn meters(&self, id: StreamId) -> Vec<SoundMeter> {
        let present = self
            .streams
            .iter()
            .find(|stream| stream.id == id)
            .map(|stream| &stream.meters);
        let past = || {
            self.past
                .iter()
                .find(|past| past.id == id)
                .map(|past| &past.meters)
        };
        present.or_else(past).cloned().unwrap_or_default()
    }

    fn add(&mut self, id: StreamId, packets: Receiver<Packet>, checks: Vec<SoundCheck>) {
        self.streams.retain(|stream| stream.id != id);
        self.past.retain(|past| past.id != id);
        match Stream::new(id, packets, checks, self.jitter, self.channels) {
            Ok(stream) => self.streams.push(stream),
            Err(error) => return self.notices.send(MediaEvent::Failed(error)),
        }
        let first = match &self.pace {
            Some(pace) => pace.next(),
            None => self.start(),
        };
        let clock_us = clock_us(first + self.sink.latency());
        self.notices.send(MediaEvent::PlaybackStarted {
            stream: id,
            clock_us,
        });
    }

    /// Sets the sink going; returns when its first sample is due.
    fn start(&mut self) -> Instant {
        if let Err(error) = self.sink.start() {
            self.broken(error);
        }
        if let Some(standby) = &self.standby {
            standby.start();
        }
        let now = Instant::now();
        self.pace = Some(Pace::new(now, TICK, MOST_BEHIND));
        now
    }

    /// Plays everything that is due.
    fn work(&mut self) {
        if let Some(news) = self
            .standby
            .as_mut()
            .and_then(|s| s.overdue(Instant::now()))
        {
            self.notices.send(news);
        }
        match self.sink.clock() {
            Clock::Caller => loop {
                let now = Instant::now();
                if !self.pace.as_mut().is_some_and(|pace| pace.is_due(now)) {
                    return;
                }
                self.tick(now);
            },
            Clock::Device if self.pace.is_some() => match self.sink.wanted() {
                Ok(frames) => {
                    for _ in 0..frames {
                        self.tick(Instant::now());
                    }
                }
                Err(error) => self.broken(error),
            },
            Clock::Device => {}
        }
    }

    /// The next 10 ms.
    fn tick(&mut self, now: Instant) {
        if self.streams.is_empty() {
            return;
        }
        let (mut mix, latency) = ([0.0; 2 * FRAME], self.sink.latency());
        let mix = &mut mix[..FRAME * self.channels.count()];
        for stream in &mut self.streams {
            stream.play(now, latency, mix, &mut self.notices);
        }
        let mut due = now;
        if let Some(pace) = &mut self.pace {
            if self.sink.clock() == Clock::Caller {
                due = pace.next();
            }
            pace.step();
        }
        self.output.finish(mix, due, latency);
        self.taps.retain(|tap| !tap.is_over());
        let mono = self.channels.mono(mix);
        self.taps.iter_mut().for_each(|tap| tap.played(&mono));
        if let Err(error) = self.sink.write(mix) {
            self.broken(error);
        }
        for stream in self.forget(|stream| stream.is_over(now)) {
            self.notices.send(MediaEvent::Drained { stream });
        }
    }

    /// Lets streams go, keeping their results; without any the sink pauses.
    fn forget(&mut self, which: impl Fn(&Stream) -> bool) -> Vec<StreamId> {
        let (gone, kept) = std::mem::take(&mut self.streams)
            .into_iter()
            .partition::<Vec<_>, _>(which);
        self.streams = kept;
        for stream in &gone {
            let (stats, meters) = (stream.stats().clone(), stream.meters.clone());
            self.past.push_back(Past {
                id: stream.id,
                stats,
                meters,
            });
        }
        let surplus = self.past.len().saturating_sub(REMEMBERED);
        self.past.drain(..surplus);
        if self.streams.is_empty() && self.pace.take().is_some() {
            if let Err(error) = self.sink.stop() {
                self.broken(error);
            }
            if let Some(standby) = &mut self.standby {
                standby.rest();
            }
        }
        gone.iter().map(|stream| stream.id).collect()
    }
}
