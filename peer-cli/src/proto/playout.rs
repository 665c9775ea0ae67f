//! The playout buffer: packets go in as they come, 10 ms of sound come out whenever they are asked for.
//!
//! Each pull uses, in this order: decoded sound left over, the next packet, the redundancy inside a later packet, concealment,
//! silence. The delay is held near a target that follows from how late packets have come of late (`delay`), by leaving out or
//! repeating single pitch periods.

mod bounds;
mod comfort;
mod delay;
mod produce;
mod stats;
mod store;
mod stretch;
#[cfg(test)]
mod tests;

use std::time::Instant;

pub use bounds::JitterBounds;
pub use stats::PlayoutStats;

use crate::proto::channels::Channels;
use crate::proto::packet::{Codec, Packet};
use comfort::Comfort;
use delay::{Change, Delay};
use produce::COUNTED;
use store::{Inserted, Store};
use stretch::{Sound, Stretched};

/// Samples in one pull: 10 ms at 48 kHz.
pub const FRAME: usize = 480;
/// Samples in a second.
const SAMPLE_RATE: f64 = 48_000.0;
/// Pulls between two cuts in loud sound: speech becomes at most three quarters faster.
const REST: u32 = 1;

/// What a codec can tell about a packet without decoding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketInfo {
    /// Duration in samples at 48 kHz.
    pub samples: u32,
    /// It carries a reduced copy of the packet before it.
    pub fec: bool,
    /// It only says that silence follows (discontinuous transmission).
    pub pause: bool,
}

/// The codec as the playout buffer sees it; every call appends to `out`. Samples are counted for each channel.
pub trait PacketDecoder {
    /// What a packet of this codec is, or nothing if it is broken. Changes nothing: the packet may yet be refused.
    fn inspect(&self, codec: Codec, payload: &[u8]) -> Option<PacketInfo>;
    /// What is decoded or made up from now on is of this codec. Whoever knows only one has nothing to do.
    fn turn_to(&mut self, _codec: Codec) {}
    /// Decodes a packet; false if it is broken.
    fn decode(&mut self, payload: &[u8], out: &mut Vec<f32>) -> bool;
    /// Decodes the copy of the packet before `next`, `samples` long.
    fn decode_fec(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>) -> bool;
    /// Makes up `samples` that continue the sound.
    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>);
}

/// Where a piece of sound came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// Sent by the other side.
    Real,
    /// Made up to bridge a gap.
    Concealed,
    /// Background noise made up in an announced pause.
    Comfort,
    /// Nothing there.
    Silence,
}

impl FrameKind {
    /// Whether the other side sent it.
    pub fn is_real(self) -> bool {
        self == FrameKind::Real
    }
}

/// The buffer of one stream.
#[derive(Debug, Default)]
pub struct Playout {
    store: Store,
    /// Sequence number and timestamp of what is due next, once playing has begun.
    position: Option<(i64, i64)>,
    playing: bool,
    channels: Channels,
    /// Decoded sound that has not been pulled yet, its channels by turns, and where it came from.
    pcm: Vec<f32>,
    origin: Vec<(FrameKind, usize)>,
    /// Samples made up for the time that is due, beyond `position`.
    filled: i64,
    /// Samples made up since the last real one.
    made_up: u64,
    /// Inside an announced pause.
    comfort: bool,
    noise: Comfort,
    /// Pulls since loud sound was stretched.
    rested: u32,
    /// The latest packet whose copy of a lost one was taken notice of.
    copied: Option<i64>,
    /// The latest packet whose copy was played.
    rebuilt: Option<i64>,
    delay: Delay,
    stats: PlayoutStats,
}

impl Playout {
    /// An empty buffer, for sound of so many channels.
    pub fn new(bounds: JitterBounds, channels: Channels) -> Playout {
        Playout {
            channels,
            delay: Delay::new(bounds),
            ..Playout::default()
        }
    }

    /// The counters so far.
    pub fn stats(&self) -> &PlayoutStats {
        &self.stats
    }

    /// Whether everything that came has been played.
    pub fn is_drained(&self) -> bool {
        self.store.is_empty() && !self.origin.iter().any(|(kind, _)| kind.is_real())
    }

    /// Takes in a packet from the network, in any order.
    pub fn insert(&mut self, packet: Packet, decoder: &dyn PacketDecoder) {
        let info = decoder
            .inspect(packet.codec, &packet.payload)
            .filter(|info| (1..=5760).contains(&info.samples));
        let Some(info) = info else {
            self.stats.packets_discarded += 1;
            return;
        };
        let due = self.position.map(|(sequence, _)| sequence);
        let (arrival, timestamp) = (packet.arrival, packet.timestamp);
        let inserted = self.store.insert(packet, info, due);
        match inserted {
            Inserted::Kept => self.stats.packets_received += 1,
            Inserted::Restarted => {
                self.stats.packets_received += 1;
                (self.position, self.playing, self.filled) = (None, false, 0);
                self.delay.restart();
            }
            Inserted::Duplicate => self.stats.packets_duplicated += 1,
            Inserted::Late => {
                self.stats.packets_received += 1;
                self.stats.packets_discarded += 1;
            }
            Inserted::Stray => self.stats.packets_discarded += 1,
        }
        let (fec, late) = (u64::from(info.fec), inserted == Inserted::Late);
        let counts = !matches!(inserted, Inserted::Duplicate | Inserted::Stray);
        self.stats.fec_packets_received += if counts { fec } else { 0 };
        self.stats.fec_packets_discarded += if late { fec } else { 0 };
        if let (true, Some(timestamp)) = (counts, self.store.unwrapped(timestamp)) {
            self.delay.arrived(arrival, timestamp, info.samples);
        }
        let gone = self.store.trim();
        if gone > 0 {
            self.stats.packets_discarded += gone;
            self.skip_to_first();
        }
        self.stats.packets_lost = self.store.lost();
    }

    /// The next 10 ms: [`FRAME`] samples of each channel.
    pub fn pull(
        &mut self,
        now: Instant,
        decoder: &mut dyn PacketDecoder,
        out: &mut [f32],
    ) -> FrameKind {
        if !self.playing {
            self.start(now);
        }
        if self.playing {
            self.adjust(now, decoder);
            while self.waiting() < FRAME {
                self.produce(now, decoder);
            }
        } else if self.position.is_some() || !self.pcm.is_empty() {
            self.fill(FRAME.saturating_sub(self.waiting()), decoder);
        } else {
            out.fill(0.0);
            return FrameKind::Silence;
        }
        let kind = self.take(out);
        if kind.is_real() {
            self.noise.real(out);
        } else {
            self.noise.interrupted();
        }
        self.stats.count_level(out);
        kind
    }

    /// Begins to play once the first packet has waited long enough.
    fn start(&mut self, now: Instant) {
        let Some(first) = self.store.first() else {
            return;
        };
        if self.delay.is_due(now, first.timestamp) {
            self.skip_to_first();
            self.playing = true;
            self.delay.begin();
        }
    }

    fn skip_to_first(&mut self) {
        if let Some(first) = self.store.first() {
            self.position = Some((first.sequence, first.timestamp));
            self.filled = 0;
        }
    }

    /// Moves the delay towards its target.
    fn adjust(&mut self, now: Instant, decoder: &mut dyn PacketDecoder) {
        if self.made_up > 0 {
            return;
        }
        match self.delay.decide(self.waiting()) {
            Change::None => {}
            Change::Drop { samples } => self.drop_packets(samples),
            Change::Shorten { samples, force } => {
                self.collect(now, decoder, FRAME + stretch::NEEDED);
                self.stretch(|sound, rested| sound.shorten(samples, rested, force));
            }
            Change::Lengthen { samples } => {
                self.collect(now, decoder, stretch::NEEDED);
                self.stretch(|sound, rested| sound.lengthen(samples, rested));
            }
        }
    }

    /// Stretches what is decoded, if all of it was sent by the other side; loud sound not again and again.
    fn stretch(&mut self, by: impl FnOnce(Sound<'_>, bool) -> Stretched) {
        self.rested += 1;
        if self.pcm.is_empty() || !self.origin.iter().all(|(kind, _)| kind.is_real()) {
            return;
        }
        let before = self.waiting();
        let sound = Sound {
            pcm: &mut self.pcm,
            channels: self.channels.count(),
        };
        if by(sound, self.rested > REST) == Stretched::Loud {
            self.rested = 0;
        }
        let after = self.waiting();
        let (added, removed) = (after.saturating_sub(before), before.saturating_sub(after));
        self.stats.inserted_samples_for_deceleration += added as u64;
        self.stats.removed_samples_for_acceleration += removed as u64;
        self.delay.changed(after as i64 - before as i64);
        self.origin = vec![(FrameKind::Real, after)];
    }

    /// Decodes ahead, as long as packets follow each other.
    fn collect(&mut self, now: Instant, decoder: &mut dyn PacketDecoder, samples: usize) {
        while self.waiting() < samples {
            let follows = match (self.store.first(), self.position) {
                (Some(first), Some((sequence, timestamp))) => {
                    first.sequence == sequence && first.timestamp == timestamp
                }
                _ => false,
            };
            if !follows || self.filled > 0 {
                return;
            }
            self.play_first(now, decoder);
        }
    }

    /// Far too much waits: leaves out whole packets.
    fn drop_packets(&mut self, samples: u64) {
        let mut dropped = 0;
        while dropped < samples && self.store.len() > 1 {
            dropped += self
                .store
                .pop()
                .map_or(0, |stored| u64::from(stored.info.samples));
        }
        self.stats.removed_samples_for_acceleration += dropped;
        self.delay.changed(-(dropped as i64));
        self.skip_to_first();
    }

    /// Samples of each channel that are decoded.
    fn waiting(&self) -> usize {
        self.pcm.len() / self.channels.count()
    }

    fn note(&mut self, kind: FrameKind, samples: usize) {
        match self.origin.last_mut() {
            Some((last, count)) if *last == kind => *count += samples,
            _ => self.origin.push((kind, samples)),
        }
    }

    /// Hands out 10 ms; their kind is that of the larger part.
    fn take(&mut self, out: &mut [f32]) -> FrameKind {
        out.copy_from_slice(&self.pcm[..out.len()]);
        self.pcm.drain(..out.len());
        let (mut left, mut most) = (FRAME, (FrameKind::Silence, 0));
        while let Some((kind, count)) = self.origin.first_mut() {
            let used = left.min(*count);
            if used > most.1 {
                most = (*kind, used);
            }
            *count -= used;
            left -= used;
            if *count == 0 {
                self.origin.remove(0);
            }
            if left == 0 {
                break;
            }
        }
        if self.made_up < COUNTED {
            self.stats.total_samples_received += FRAME as u64;
        }
        most.0
    }
}
