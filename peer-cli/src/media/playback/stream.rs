//! One received stream: its packets, its playout buffer, its decoder, and who listens to it.

use std::time::{Duration, Instant};

use tokio::sync::mpsc::Receiver;

use crate::audio::{AudioError, FRAME, SAMPLE_RATE};
use crate::media::decoder::Decoders;
use crate::media::notice::Notices;
use crate::media::{MediaEvent, StreamId};
use crate::proto::channels::Channels;
use crate::proto::packet::Packet;
use crate::proto::playout::{JitterBounds, Playout, PlayoutStats};
use crate::proto::sound_check::{Loudness, SoundCheck, SoundMeter};

/// 10 ms.
const TICK: Duration = Duration::from_millis(10);
/// Packets taken from the queue in one go; more wait for the next 10 ms.
const MOST_PACKETS: usize = 1000;

pub(super) struct Stream {
    pub(super) id: StreamId,
    packets: Receiver<Packet>,
    channels: Channels,
    playout: Playout,
    decoders: Decoders,
    loudness: Option<Loudness>,
    pub(super) meters: Vec<SoundMeter>,
    ending: Ending,
}

/// How far the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    NotYet,
    /// Play out what has come.
    Draining,
    /// All of it is on its way through the device until then.
    Heard(Instant),
}

impl Stream {
    pub(super) fn new(
        id: StreamId,
        packets: Receiver<Packet>,
        checks: Vec<SoundCheck>,
        jitter: JitterBounds,
        channels: Channels,
    ) -> Result<Stream, AudioError> {
        Ok(Stream {
            id,
            packets,
            channels,
            playout: Playout::new(jitter, channels),
            decoders: Decoders::new(channels)
                .map_err(|error| AudioError::sound("decoder", error))?,
            loudness: Some(Loudness::default()),
            meters: checks.into_iter().map(SoundMeter::new).collect(),
            ending: Ending::NotYet,
        })
    }

    pub(super) fn stats(&self) -> &PlayoutStats {
        self.playout.stats()
    }

    /// No more packets will come.
    pub(super) fn drain(&mut self) {
        if self.ending == Ending::NotYet {
            self.ending = Ending::Draining;
        }
    }

    /// Adds the next 10 ms to `mix`.
    pub(super) fn play(
        &mut self,
        now: Instant,
        latency: Duration,
        mix: &mut [f32],
        notices: &mut Notices,
    ) {
        for _ in 0..MOST_PACKETS {
            let Ok(packet) = self.packets.try_recv() else {
                break;
            };
            self.playout.insert(in_its_clock(packet), &self.decoders);
        }
        if self.ending == Ending::Draining && self.packets.is_empty() && self.playout.is_drained() {
            self.ending = Ending::Heard(now + latency);
        }
        let mut frame = [0.0; 2 * FRAME];
        let frame = &mut frame[..mix.len()];
        let kind = self.playout.pull(now, &mut self.decoders, frame);
        let mono = self.channels.mono(frame);
        self.listen(now + latency, &mono, kind.is_real(), notices);
        for (sum, sample) in mix.iter_mut().zip(frame) {
            *sum += *sample;
        }
    }

    fn listen(&mut self, now: Instant, frame: &[f32], real: bool, notices: &mut Notices) {
        let stream = self.id;
        if let Some(loudness) = &mut self.loudness
            && loudness.feed(frame, real)
        {
            let at = now
                .checked_sub(TICK * loudness.frames_since_onset())
                .unwrap_or(now);
            notices.send(MediaEvent::FirstSound { stream, at });
            self.loudness = None;
        }
        for meter in &mut self.meters {
            if meter.feed(frame, real) {
                let report = meter.report();
                notices.send(MediaEvent::CheckMet {
                    stream,
                    check: report.check,
                    got: report.got,
                });
            }
        }
    }

    /// Whether everything that came has been heard.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        matches!(self.ending, Ending::Heard(at) if now >= at)
    }
}

/// A packet in the clock of the playout; who decodes it is decided when it is played.
fn in_its_clock(packet: Packet) -> Packet {
    let ratio = SAMPLE_RATE / packet.codec.clock_rate();
    Packet {
        // Multiplying keeps the wrap: both count modulo 2^32.
        timestamp: packet.timestamp.wrapping_mul(ratio),
        ..packet
    }
}

#[cfg(test)]
mod tests;
