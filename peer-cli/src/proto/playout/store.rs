//! Packets in order: unwraps sequence numbers and timestamps, drops repeats and strangers, notices a sender that starts anew.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::PacketInfo;
use crate::proto::packet::{Codec, Packet};

/// Most sound kept: 2 s.
const MOST_SAMPLES: u64 = 96_000;
/// Most packets kept, however short they say they are.
const MOST_PACKETS: usize = 800;
/// How far back repeats are told from late packets: the bits of `Stream::seen`.
const HISTORY: i64 = 128;
/// A larger step in sequence numbers is a new start or garbage (RFC 3550, appendix A.1).
const LARGEST_STEP: i64 = 3000;
/// Packets in a row from behind that prove a sender which counts anew.
const RUN_FROM_BEHIND: u32 = 25;
/// Packets in a row from far away that prove it.
const RUN_FROM_AFAR: u32 = 2;
/// How long after a change of SSRC or codec stragglers of the old one are still ignored.
const STRAGGLERS: Duration = Duration::from_secs(1);
/// First unwrapped sequence number and timestamp: far from zero, so that earlier ones stay positive.
const ORIGIN: i64 = 1 << 40;

/// One packet with unwrapped numbers.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) sequence: i64,
    pub(super) timestamp: i64,
    pub(super) info: PacketInfo,
    pub(super) codec: Codec,
    pub(super) payload: Bytes,
    pub(super) arrival: Instant,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inserted {
    /// It waits to be played.
    Kept,
    /// As `Kept`, and everything before it belongs to another stream.
    Restarted,
    /// It had come before.
    Duplicate,
    /// Its place has been played already.
    Late,
    /// It belongs to nothing we know.
    Stray,
}

/// The packets that wait.
#[derive(Debug, Default)]
pub(super) struct Store {
    packets: BTreeMap<i64, Stored>,
    samples: u64,
    stream: Option<Stream>,
    retired: Option<u32>,
    suspect: Option<(u16, u32)>,
    /// Losses of the streams before the present one.
    lost_before: i64,
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    codec: Codec,
    first: i64,
    highest: i64,
    timestamp: i64,
    /// Bit n: sequence `highest - n` has come.
    seen: u128,
    received: i64,
    last_arrival: Instant,
}

impl Store {
    /// Takes a packet in; `next` is the sequence number to be played next, if playing has begun.
    pub(super) fn insert(
        &mut self,
        packet: Packet,
        info: PacketInfo,
        next: Option<i64>,
    ) -> Inserted {
        let sequence = match &self.stream {
            None => return self.restart(packet, info),
            Some(stream) if stream.is_another(&packet) => {
                if self.straggles(stream, &packet) {
                    return Inserted::Stray;
                }
                if stream.ssrc != packet.ssrc {
                    self.retired = Some(stream.ssrc);
                }
                return self.restart(packet, info);
            }
            Some(stream) => stream.unwrap_sequence(packet.sequence),
        };
        let step = self.stream.as_ref().map_or(0, |s| sequence - s.highest);
        if step.abs() > LARGEST_STEP {
            return self.doubt(packet, info, RUN_FROM_AFAR, Inserted::Stray);
        }
        if self.stream.as_ref().is_some_and(|s| s.has_seen(sequence)) {
            return Inserted::Duplicate;
        }
        if next.is_some_and(|next| sequence < next) {
            if step <= -HISTORY {
                return self.doubt(packet, info, RUN_FROM_BEHIND, Inserted::Stray);
            }
            self.count(sequence);
            return self.doubt(packet, info, RUN_FROM_BEHIND, Inserted::Late);
        }
        self.suspect = None;
        self.keep(sequence, packet, info);
        Inserted::Kept
    }

    /// Whether a packet of another stream was under way when the present one began. Of a source that changed its codec the numbers
    /// tell.
    fn straggles(&self, present: &Stream, packet: &Packet) -> bool {
        let pause = packet
            .arrival
            .saturating_duration_since(present.last_arrival);
        let is_older = if present.ssrc == packet.ssrc {
            present.unwrap_sequence(packet.sequence) <= present.highest
        } else {
            self.retired == Some(packet.ssrc)
        };
        is_older && pause < STRAGGLERS
    }

    /// A packet out of place: refused, unless a whole run of them comes.
    fn doubt(&mut self, packet: Packet, info: PacketInfo, run: u32, verdict: Inserted) -> Inserted {
        let length = match self.suspect {
            Some((expected, length)) if expected == packet.sequence => length + 1,
            _ => 1,
        };
        if length >= run {
            return self.restart(packet, info);
        }
        self.suspect = Some((packet.sequence.wrapping_add(1), length));
        verdict
    }

    fn restart(&mut self, packet: Packet, info: PacketInfo) -> Inserted {
        self.lost_before = self.lost();
        self.packets.clear();
        self.samples = 0;
        self.suspect = None;
        // Unwrapped numbers go on rising over a restart, so that nothing old can be mistaken for new.
        let base = self
            .stream
            .as_ref()
            .map_or(ORIGIN, |s| (s.highest | 0xffff) + 0x1_0000 + 1);
        let sequence = (base & !0xffff) | i64::from(packet.sequence);
        self.stream = Some(Stream {
            ssrc: packet.ssrc,
            codec: packet.codec,
            first: sequence,
            highest: sequence,
            timestamp: (ORIGIN & !0xffff_ffff) | i64::from(packet.timestamp),
            seen: 0,
            received: 0,
            last_arrival: packet.arrival,
        });
        self.keep(sequence, packet, info);
        Inserted::Restarted
    }

    fn keep(&mut self, sequence: i64, packet: Packet, info: PacketInfo) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        stream.last_arrival = packet.arrival;
        let timestamp = stream.unwrap_timestamp(packet.timestamp);
        if sequence >= stream.highest {
            stream.timestamp = timestamp;
        }
        self.count(sequence);
        self.samples += u64::from(info.samples);
        let Packet {
            codec,
            payload,
            arrival,
            ..
        } = packet;
        self.packets.insert(
            sequence,
            Stored {
                sequence,
                timestamp,
                info,
                codec,
                payload,
                arrival,
            },
        );
    }

    fn count(&mut self, sequence: i64) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        if sequence > stream.highest {
            let by = u32::try_from(sequence - stream.highest).unwrap_or(u32::MAX);
            stream.seen = stream.seen.checked_shl(by).unwrap_or(0);
            stream.highest = sequence;
        }
        stream.first = stream.first.min(sequence);
        if let Ok(back) = u32::try_from(stream.highest - sequence) {
            stream.seen |= 1u128.checked_shl(back).unwrap_or(0);
        }
        stream.received += 1;
    }

    /// Throws the oldest packets away until the rest is within the bound; returns how many went.
    pub(super) fn trim(&mut self) -> u64 {
        let mut gone = 0;
        while self.samples > MOST_SAMPLES || self.packets.len() > MOST_PACKETS {
            self.pop();
            gone += 1;
        }
        gone
    }

    pub(super) fn first(&self) -> Option<&Stored> {
        self.packets.first_key_value().map(|(_, stored)| stored)
    }

    pub(super) fn pop(&mut self) -> Option<Stored> {
        let (_, stored) = self.packets.pop_first()?;
        self.samples -= u64::from(stored.info.samples);
        Some(stored)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    /// Samples in the packets that wait.
    #[cfg(test)]
    pub(super) fn samples(&self) -> u64 {
        self.samples
    }

    /// A timestamp near the latest ones, unwrapped.
    pub(super) fn unwrapped(&self, timestamp: u32) -> Option<i64> {
        Some(self.stream.as_ref()?.unwrap_timestamp(timestamp))
    }

    /// Packets that the numbers promised and that did not come.
    pub(super) fn lost(&self) -> i64 {
        self.lost_before
            + self
                .stream
                .as_ref()
                .map_or(0, |s| s.highest - s.first + 1 - s.received)
    }
}

impl Stream {
    /// Whether a packet belongs to another source, or is in another codec, whose clock and numbers say nothing here.
    fn is_another(&self, packet: &Packet) -> bool {
        self.ssrc != packet.ssrc || self.codec != packet.codec
    }

    fn unwrap_sequence(&self, sequence: u16) -> i64 {
        let step = sequence.wrapping_sub(self.highest as u16) as i16;
        self.highest + i64::from(step)
    }

    fn unwrap_timestamp(&self, timestamp: u32) -> i64 {
        let step = timestamp.wrapping_sub(self.timestamp as u32) as i32;
        self.timestamp + i64::from(step)
    }

    fn has_seen(&self, sequence: i64) -> bool {
        let back = self.highest - sequence;
        (0..HISTORY).contains(&back) && (self.seen >> back) & 1 == 1
    }
}
