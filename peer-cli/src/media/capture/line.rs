//! One codec's share of a capture: its frames, its numbering, and who listens to it.

use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::CaptureOptions;
use crate::codec::g711::{self, Law};
use crate::codec::opus::{self, CodecError, EncoderOptions, is_pause};
use crate::media::ListenerId;
use crate::proto::packet::{Codec, Packet};
use crate::proto::sending::Sending;

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
    encoder: Encoder,
    /// Samples by which the encoder is behind.
    lookahead: usize,
    /// Sound that does not fill a frame yet.
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
    pub(super) fn new(codec: Codec, options: &CaptureOptions) -> Result<Line, CodecError> {
        let (encoder, lookahead) = match codec {
            Codec::Opus => {
                let mut encoder = opus::Encoder::new(&encoding(options))?;
                let lookahead = encoder.lookahead()?;
                (Encoder::Opus(Box::new(encoder)), lookahead)
            }
            Codec::Pcmu => (g711_encoder(Law::Mu, options), g711::Encoder::lookahead()),
            Codec::Pcma => (g711_encoder(Law::A, options), g711::Encoder::lookahead()),
        };
        Ok(Line {
            codec,
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

    pub(super) fn codec(&self) -> Codec {
        self.codec
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
        self.pending.extend_from_slice(samples);
        let frame = self.frame();
        while self.pending.len() >= frame {
            let payload = match &mut self.encoder {
                Encoder::Opus(encoder) => encoder.encode(&self.pending[..frame]),
                Encoder::G711(encoder, _) => Ok(encoder.encode(&self.pending[..frame])),
            };
            self.pending.drain(..frame);
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

fn encoding(options: &CaptureOptions) -> EncoderOptions {
    let CaptureOptions {
        ptime_ms,
        bitrate,
        fec,
        expected_loss,
        dtx,
        ..
    } = *options;
    EncoderOptions {
        ptime_ms,
        bitrate,
        fec,
        expected_loss,
        dtx,
        ..EncoderOptions::default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::sync::mpsc;

    use super::*;

    fn line(codec: Codec, options: &CaptureOptions) -> (Line, mpsc::Receiver<Packet>) {
        let mut line = Line::new(codec, options).unwrap();
        let (sender, packets) = mpsc::channel(256);
        line.add(ListenerId(0), sender);
        (line, packets)
    }

    fn drain(packets: &mut mpsc::Receiver<Packet>) -> Vec<Packet> {
        std::iter::from_fn(|| packets.try_recv().ok()).collect()
    }

    /// A buzz, loud or not at all.
    fn buzz(samples: usize, loud: bool) -> Vec<f32> {
        let level = if loud { 0.3 } else { 0.0 };
        (0..samples)
            .map(|n| level * ((n % 370) as f32 / 185.0 - 1.0))
            .collect()
    }

    #[test]
    fn frames_grow_and_shrink_under_way_and_no_sample_is_missed() {
        let (mut line, mut packets) = line(Codec::Opus, &CaptureOptions::default());
        let now = Instant::now();
        for (n, ptime_ms) in [20, 60, 40, 10, 60, 20].into_iter().enumerate() {
            line.steer(Sending {
                bitrate: 12_000,
                ptime_ms,
                expected_loss: 3,
            })
            .unwrap();
            for _ in 0..5 + n {
                line.push(now, &buzz(960, true)).unwrap();
            }
        }
        let packets = drain(&mut packets);
        let mut due = 0;
        for (n, packet) in packets.iter().enumerate() {
            assert_eq!((packet.sequence, packet.timestamp), (n as u16, due));
            due += opus::duration(&packet.payload).unwrap() as u32;
        }
        assert_eq!(
            due as usize + line.pending.len(),
            (5 + 6 + 7 + 8 + 9 + 10) * 960
        );
        let lengths: Vec<_> = packets
            .iter()
            .filter_map(|p| opus::duration(&p.payload))
            .collect();
        assert!(
            [480, 960, 1920, 2880]
                .iter()
                .all(|length| lengths.contains(length))
        );
    }

    #[test]
    fn silence_is_announced_once_and_left_out_while_time_goes_on() {
        let options = CaptureOptions {
            dtx: true,
            ..CaptureOptions::default()
        };
        let (mut line, mut packets) = line(Codec::Opus, &options);
        let now = Instant::now();
        line.push(now, &buzz(48_000, true)).unwrap();
        let loud = drain(&mut packets);
        assert_eq!(loud.len(), 50);
        line.push(now, &buzz(4 * 48_000, false)).unwrap();
        let silent = drain(&mut packets);
        let announced = silent.iter().filter(|p| is_pause(&p.payload)).count();
        assert!(silent.len() < 60 && announced > 0, "{}", silent.len());
        let pairs = silent
            .windows(2)
            .filter(|w| is_pause(&w[0].payload) && is_pause(&w[1].payload));
        assert_eq!(pairs.count(), 0);
        line.push(now, &buzz(9600, true)).unwrap();
        let again = drain(&mut packets);
        let first = &again[0];
        assert_eq!((first.timestamp, first.marker), (5 * 48_000, true));
        assert_eq!(usize::from(first.sequence), 50 + silent.len());
    }

    #[test]
    fn a_telephone_codec_counts_in_eighths_of_a_millisecond() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            for ptime_ms in [10, 20, 40, 60] {
                let options = CaptureOptions {
                    ptime_ms,
                    ..CaptureOptions::default()
                };
                let (mut line, mut packets) = line(codec, &options);
                let now = Instant::now();
                // Three packets; before the last 10 ms of them the source pauses for a second.
                let pieces = 3 * ptime_ms / 10;
                for n in 1..=pieces {
                    if n == pieces {
                        line.skip(48_000);
                    }
                    line.push(now, &buzz(480, true)).unwrap();
                }
                let packets = drain(&mut packets);
                let seen: Vec<_> = packets
                    .iter()
                    .map(|p| (p.sequence, p.timestamp, p.marker))
                    .collect();
                let units = ptime_ms * 8;
                let third = (2, 2 * units + 8000, true);
                assert_eq!(seen, [(0, 0, true), (1, units, false), third]);
                for packet in packets {
                    let length = packet.payload.len() as u32;
                    assert_eq!((length, packet.codec), (units, codec));
                }
                assert!(line.is_whole());
            }
        }
    }

    #[test]
    fn who_has_gone_costs_nothing() {
        let (mut line, packets) = line(Codec::Opus, &CaptureOptions::default());
        drop(packets);
        assert_eq!(
            line.push(Instant::now(), &buzz(960, true)).unwrap().packets,
            1
        );
        assert!(line.is_alone());
        assert_eq!(
            line.push(Instant::now(), &buzz(960, true)).unwrap().packets,
            0
        );
    }
}
