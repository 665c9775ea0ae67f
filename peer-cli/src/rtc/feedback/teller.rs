//! Tells the other side when its packets came: a link of the crate's interceptor chain in the place of its own.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rtc::interceptor::{AttributedPacket, Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::transport_feedbacks::transport_layer_cc::{
    PacketStatusChunk, RecvDelta, RunLengthChunk, StatusChunkTypeTcc, StatusVectorChunk,
    SymbolSizeTypeTcc, SymbolTypeTcc, TransportLayerCc,
};
use rtc::rtp;
use rtc::sansio::Protocol;
use rtc::shared::TransportContext;
use rtc::shared::error::Error;

use crate::entropy;
use crate::proto::arrivals::{Arrivals, Stretch};

#[cfg(test)]
mod tests;

/// The header extension with the number of a packet.
const NUMBER: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
/// Units of an arrival in one of the reference time: 64 ms of 250 µs.
const REFERENCE: i64 = 256;
/// Microseconds in a unit of an arrival.
const UNIT_US: i64 = 250;
/// Symbols in one vector of two bits each.
const VECTOR: usize = 7;

/// Reads the numbers of packets on their way in, and sends feedback now and then; changes nothing.
pub(super) struct Teller {
    every: Duration,
    arrivals: Arrivals,
    /// Streams that are bound, and under which id the extension stands in all of them.
    streams: Vec<u32>,
    extension: Option<u8>,
    /// Our SSRC as somebody who only tells.
    ours: u32,
    /// Of the latest packet.
    theirs: u32,
    /// Feedback sent so far; it wraps.
    count: u8,
    /// When the first packet came: what arrivals are counted from.
    begun: Option<Instant>,
    due: Option<Instant>,
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

impl Teller {
    pub(super) fn new(every: Duration) -> Self {
        Self {
            every,
            arrivals: Arrivals::default(),
            streams: Vec::new(),
            extension: None,
            ours: u32::from_ne_bytes(entropy::bytes()),
            theirs: 0,
            count: 0,
            begun: None,
            due: None,
            read: VecDeque::new(),
            write: VecDeque::new(),
        }
    }

    fn note(&mut self, now: Instant, header: &rtp::Header) {
        // Of streams that are not bound, too: the number counts for the connection.
        let number = self.extension.and_then(|id| header.get_extension(id));
        let Some(&[high, low, ..]) = number.as_deref() else {
            return;
        };
        let begun = *self.begun.get_or_insert(now);
        self.due.get_or_insert(now + self.every);
        self.theirs = header.ssrc;
        let number = u16::from_be_bytes([high, low]);
        self.arrivals
            .note(number, now.saturating_duration_since(begun));
    }

    fn tell(&mut self, now: Instant) {
        let stretches = self.arrivals.take();
        // After a pause the next packet asks for it again: who sends nothing wakes nobody.
        self.due = (!stretches.is_empty()).then(|| now + self.every);
        for stretch in stretches {
            let feedback = TransportLayerCc {
                sender_ssrc: self.ours,
                media_ssrc: self.theirs,
                fb_pkt_count: self.count,
                ..feedback(&stretch)
            };
            self.count = self.count.wrapping_add(1);
            self.write.push_back(TaggedPacket {
                now,
                transport: TransportContext::default(),
                message: AttributedPacket::new(Packet::Rtcp(vec![Box::new(feedback)])),
            });
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Teller {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(packet) = &message.message.packet {
            self.note(message.now, &packet.header);
        }
        self.read.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.write.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        if self.due.is_some_and(|due| now >= due) {
            self.tell(now);
        }
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.due
    }
}

impl Interceptor for Teller {
    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        let mut extensions = info.rtp_header_extensions.iter();
        let id = extensions.find(|extension| extension.uri == NUMBER);
        let id = id.and_then(|extension| u8::try_from(extension.id).ok());
        if let Some(id) = id.filter(|id| *id != 0) {
            self.streams.push(info.ssrc);
            self.extension = Some(id);
        }
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.streams.retain(|ssrc| *ssrc != info.ssrc);
        if self.streams.is_empty() {
            self.extension = None;
        }
    }

    fn bind_local_stream(&mut self, _: &StreamInfo) {}

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
}

/// A stretch as it is written, without who tells whom.
fn feedback(stretch: &Stretch) -> TransportLayerCc {
    let first = stretch.arrivals().iter().flatten().next().copied();
    let reference = first.unwrap_or(0) / REFERENCE;
    let mut last = reference * REFERENCE;
    let (mut symbols, mut recv_deltas) = (Vec::new(), Vec::new());
    for arrival in stretch.arrivals() {
        let Some(at) = arrival else {
            symbols.push(SymbolTypeTcc::PacketNotReceived);
            continue;
        };
        let delta = at - last;
        last = *at;
        let type_tcc_packet = match u8::try_from(delta) {
            Ok(_) => SymbolTypeTcc::PacketReceivedSmallDelta,
            Err(_) => SymbolTypeTcc::PacketReceivedLargeDelta,
        };
        symbols.push(type_tcc_packet);
        recv_deltas.push(RecvDelta {
            type_tcc_packet,
            delta: delta * UNIT_US,
        });
    }
    TransportLayerCc {
        base_sequence_number: stretch.first(),
        packet_status_count: symbols.len() as u16,
        // 24 bits; it wraps after twelve days.
        reference_time: (reference & 0xff_ffff) as u32,
        packet_chunks: chunks(&symbols),
        recv_deltas,
        ..TransportLayerCc::default()
    }
}

/// Vectors where symbols differ, runs elsewhere and at the end, so that no chunk tells of packets beyond the last.
fn chunks(symbols: &[SymbolTypeTcc]) -> Vec<PacketStatusChunk> {
    let (mut chunks, mut rest) = (Vec::new(), symbols);
    while let Some(&first) = rest.first() {
        let run = rest.iter().take_while(|symbol| **symbol == first).count();
        let is_run = run >= VECTOR || rest.len() < VECTOR;
        let (these, others) = rest.split_at(if is_run { run } else { VECTOR });
        chunks.push(if is_run {
            PacketStatusChunk::RunLengthChunk(RunLengthChunk {
                type_tcc: StatusChunkTypeTcc::RunLengthChunk,
                packet_status_symbol: first,
                run_length: run as u16,
            })
        } else {
            PacketStatusChunk::StatusVectorChunk(StatusVectorChunk {
                type_tcc: StatusChunkTypeTcc::StatusVectorChunk,
                symbol_size: SymbolSizeTypeTcc::TwoBit,
                symbol_list: these.to_vec(),
            })
        });
        rest = others;
    }
    chunks
}
