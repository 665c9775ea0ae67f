//! One codec's share of a capture: its frames, its numbering, and who listens to it.

use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::CaptureOptions;
use crate::codec::g711::{self, Law};
use crate::codec::opus::{self, CodecError, EncoderOptions, Purpose, is_pause};
use crate::media::ListenerId;
use crate::proto::channels::Channels;
use crate::proto::packet::{Codec, Packet};
use crate::proto::sending::Sending;

#[cfg(test)]
mod tests;

/// Samples in 1 ms.
const MS: usize = 48;

/// An encoder, whichever it is.
enum Encoder {
    Opus(Box<opus::Encoder>),
    /// And the samples in a packet: any number will do (RFC 3551 4.5.14), and whoever asks for none gets 20 ms.
    G711(Box<g711::Encoder>, usize),
}

/// What came of the samples that were given.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Made {
    /// Packets made.
    pub(super) packets: u64,
    /// Packets that a listener had no room for.
    pub(super) dropped: u64,
}

pub(super) struct Line {
    codec: Codec,
    channels: Channels,
    /// How many channels the sound has that is given.
    given: Channels,
    encoder: Encoder,
    /// Samples by which the encoder is behind.
    lookahead: usize,
    /// Sound that does not fill a frame yet, its channels by turns.
    pending: Vec<f32>,
    sequence: u16,
    /// At 48 kHz; the clocks of other codecs divide it, and a day passes before it wraps.
    timestamp: u64,
    marker: bool,
    /// The encoder leaves silence out, and has announced it.
    pausing: bool,
    dtx: bool,
    listeners: Vec<(ListenerId, Sender<Packet>)>,
}

impl Line {
    pub(super) fn new(
        (codec, channels): (Codec, Channels),
        options: &CaptureOptions,
    ) -> Result<Line, CodecError> {
        let (encoder, lookahead) = match codec {
            Codec::Opus => {
                let mut encoder = opus::Encoder::new(&encoding(options, channels))?;
                let lookahead = encoder.lookahead()?;
                (Encoder::Opus(Box::new(encoder)), lookahead)
            }
            Codec::Pcmu => (g711_encoder(Law::Mu, options), g711::Encoder::lookahead()),
            Codec::Pcma => (g711_encoder(Law::A, options), g711::Encoder::lookahead()),
        };
        Ok(Line {
            codec,
            channels,
            given: options.channels,
            encoder,
            lookahead,
            pending: Vec::new(),
            sequence: 0,
            timestamp: 0,
            marker: true,
            pausing: false,
            dtx: options.dtx,
            listeners: Vec::new(),
        })
    }

    pub(super) fn format(&self) -> (Codec, Channels) {
        (self.codec, self.channels)
    }

    pub(super) fn lookahead(&self) -> usize {
        self.lookahead
    }

    pub(super) fn add(&mut self, id: ListenerId, sender: Sender<Packet>) {
        self.listeners.push((id, sender));
    }

    pub(super) fn remove(&mut self, id: ListenerId) {
        self.listeners.retain(|(other, _)| *other != id);
    }

    pub(super) fn is_alone(&self) -> bool {
        self.listeners.is_empty()
    }

    /// Whether everything that was given is in a packet.
    pub(super) fn is_whole(&self) -> bool {
        self.pending.is_empty()
    }

    /// A source begins at its sample 0.
    pub(super) fn restart(&mut self) {
        (self.sequence, self.timestamp, self.marker) = (0, 0, true);
        self.pausing = false;
        self.pending.clear();
    }

    /// Time has passed in which the source had nothing: at 48 kHz.
    pub(super) fn skip(&mut self, samples: u64) {
        self.timestamp += samples;
        self.marker = true;
    }

    /// Sends in another way from the next frame on; nothing in G.711 can be changed.
    pub(super) fn steer(&mut self, sending: Sending) -> Result<(), CodecError> {
        let Encoder::Opus(encoder) = &mut self.encoder else {
            return Ok(());
        };
        encoder.set_ptime(sending.ptime_ms)?;
        encoder.set_bitrate(sending.bitrate)?;
        encoder.set_expected_loss(sending.expected_loss)
    }

    /// Takes in sound, and gives every frame that it fills to whoever listens.
    pub(super) fn push(&mut self, now: Instant, samples: &[f32]) -> Result<Made, CodecError> {
        let mut made = Made::default();
        if self.is_alone() {
            return Ok(made);
        }
        self.channels
            .append(self.given.count(), samples, &mut self.pending);
        let frame = self.frame();
        let whole = frame * self.channels.count();
        while self.pending.len() >= whole {
            let payload = match &mut self.encoder {
                Encoder::Opus(encoder) => encoder.encode(&self.pending[..whole]),
                Encoder::G711(encoder, _) => Ok(encoder.encode(&self.pending[..whole])),
            };
            self.pending.drain(..whole);
            let packet = payload.map(|payload| self.packet(now, payload, frame))?;
            if let Some(packet) = packet {
                made.packets += 1;
                made.dropped += self.give(&packet);
            }
        }
        Ok(made)
    }

    fn frame(&self) -> usize {
        match &self.encoder {
            Encoder::Opus(encoder) => encoder.frame(),
            Encoder::G711(_, samples) => *samples,
        }
    }

    /// Numbers a frame. Of a silence that the encoder leaves out only the announcement becomes a packet; time goes on.
    fn packet(&mut self, now: Instant, payload: Bytes, frame: usize) -> Option<Packet> {
        let timestamp = self.timestamp;
        self.timestamp += frame as u64;
        let pausing = self.dtx && self.codec == Codec::Opus && is_pause(&payload);
        match (std::mem::replace(&mut self.pausing, pausing), pausing) {
            (true, true) => return None,
            // RFC 3551 4.1: the first after a silence.
            (true, false) => self.marker = true,
            (false, _) => {}
        }
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        Some(Packet {
            sequence,
            // Wraps in the codec's own units (RFC 3550 5.1).
            timestamp: (timestamp * u64::from(self.codec.clock_rate()) / 48_000) as u32,
            ssrc: 0,
            marker: std::mem::take(&mut self.marker),
            codec: self.codec,
            payload,
            arrival: now,
        })
    }

    fn give(&mut self, packet: &Packet) -> u64 {
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
        dropped
    }
}

fn g711_encoder(law: Law, options: &CaptureOptions) -> Encoder {
    let samples = options.ptime_ms as usize * MS;
    Encoder::G711(Box::new(g711::Encoder::new(law)), samples)
}

fn encoding(options: &CaptureOptions, channels: Channels) -> EncoderOptions {
    let CaptureOptions {
        ptime_ms,
        bitrate,
        fec,
        expected_loss,
        dtx,
        ..
    } = *options;
    EncoderOptions {
        // Who asks for two channels has music.
        purpose: match options.channels {
            Channels::Mono => Purpose::Call,
            Channels::Stereo => Purpose::Music,
        },
        channels,
        ptime_ms,
        bitrate,
        fec,
        expected_loss,
        dtx,
        ..EncoderOptions::default()
    }
}
