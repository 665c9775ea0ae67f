#![allow(clippy::unwrap_used)]

use std::time::Duration;

use bytes::Bytes;
use rtc::interceptor::{AttributedPacket, RTPHeaderExtension, Registry};
use rtc::rtcp::transport_feedbacks::transport_layer_cc::{
    RecvDelta, RunLengthChunk, StatusVectorChunk, SymbolSizeTypeTcc, SymbolTypeTcc,
};
use rtc::rtp;
use rtc::shared::TransportContext;
use tokio::sync::mpsc;

use super::*;
use crate::proto::sending::{Sending, Wanted};

const MS: Duration = Duration::from_millis(1);
const SSRC: u32 = 7;

/// One side of a connection: everything between a track and the wire that has to do with feedback.
struct Side {
    feedback: Feedback,
    chain: Box<dyn Interceptor>,
    sequence: u16,
}

fn rtcp(now: Instant, packets: Vec<Box<dyn rtc::rtcp::Packet>>) -> TaggedPacket {
    TaggedPacket {
        now,
        transport: TransportContext::default(),
        message: AttributedPacket::new(Packet::Rtcp(packets)),
    }
}

impl Side {
    fn new() -> Side {
        let (changes, _) = mpsc::channel(64);
        let feedback = Feedback::new(Wanted::default(), changes);
        let mut chain = Box::new(feedback.add_links(Registry::new()).build());
        let stream = StreamInfo {
            ssrc: SSRC,
            clock_rate: 48_000,
            rtp_header_extensions: vec![RTPHeaderExtension {
                uri: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
                    .to_owned(),
                id: 3,
            }],
            ..StreamInfo::default()
        };
        chain.bind_local_stream(&stream);
        chain.bind_remote_stream(&stream);
        Side {
            feedback,
            chain,
            sequence: 0,
        }
    }

    /// A packet of sound as it leaves.
    fn sends(&mut self, now: Instant) -> TaggedPacket {
        self.sequence = self.sequence.wrapping_add(1);
        let header = rtp::Header {
            version: 2,
            ssrc: SSRC,
            sequence_number: self.sequence,
            ..Default::default()
        };
        let payload = Bytes::from_static(&[0; 80]);
        let packet = Packet::Rtp(rtp::Packet { header, payload });
        let message = TaggedPacket {
            message: AttributedPacket::new(packet),
            ..rtcp(now, Vec::new())
        };
        self.chain.handle_write(message).unwrap();
        self.chain.poll_write().unwrap()
    }

    fn gets(&mut self, now: Instant, message: TaggedPacket) {
        let message = TaggedPacket { now, ..message };
        self.chain.handle_read(message).unwrap();
    }

    fn gets_feedback(&mut self, now: Instant, feedback: TransportLayerCc) {
        self.gets(now, rtcp(now, vec![Box::new(feedback)]));
    }

    /// What leaves by itself.
    fn tells(&mut self, now: Instant) -> Vec<TaggedPacket> {
        self.chain.handle_timeout(now).unwrap();
        std::iter::from_fn(|| self.chain.poll_write()).collect()
    }

    fn present(&self) -> Sending {
        self.feedback.0.lock().unwrap().sender.present()
    }

    fn is_fed_back(&self) -> bool {
        self.feedback.0.lock().unwrap().sender.available().is_some()
    }
}

fn run(symbol: SymbolTypeTcc, run_length: u16) -> PacketStatusChunk {
    PacketStatusChunk::RunLengthChunk(RunLengthChunk {
        packet_status_symbol: symbol,
        run_length,
        ..RunLengthChunk::default()
    })
}

/// Numbers from `first` on.
fn about(first: u16, chunks: Vec<PacketStatusChunk>) -> TransportLayerCc {
    TransportLayerCc {
        base_sequence_number: first,
        packet_chunks: chunks,
        ..TransportLayerCc::default()
    }
}

/// Two sides, ten seconds: a packet each 20 ms arrives 30 ms later, unless it is lost; `shift` changes the numbers on the way, as
/// a sender would that counts in another way. Gives the datagrams of feedback, as bytes.
fn talk(shift: impl Fn(u16) -> u16, lost: impl Fn(u16) -> bool) -> (Side, Vec<usize>, u64) {
    let (mut ann, mut bob) = (Side::new(), Side::new());
    let (start, mut sizes, mut told_lost) = (Instant::now(), Vec::new(), 0);
    for n in 0..500u16 {
        let now = start + 20 * MS * u32::from(n);
        let mut packet = ann.sends(now);
        if let Packet::Rtp(rtp) = &mut packet.message.packet {
            let number = shift(n).to_be_bytes();
            let number = Bytes::copy_from_slice(&number);
            rtp.header.set_extension(3, number).unwrap();
        }
        let there = now + 30 * MS;
        if !lost(n) {
            bob.gets(there, packet);
        }
        for told in bob.tells(there) {
            let Packet::Rtcp(packets) = &told.message.packet else {
                continue;
            };
            for packet in packets {
                sizes.push(packet.marshal_size());
                let read = packet.as_any().downcast_ref::<TransportLayerCc>().unwrap();
                let acks = rtc::interceptor::convert_twcc(read);
                told_lost += acks.iter().filter(|ack| !ack.arrived).count() as u64;
            }
            ann.gets(there + 30 * MS, told);
        }
    }
    (ann, sizes, told_lost)
}

#[test]
fn what_one_side_tells_the_other_understands() {
    let (ann, sizes, lost) = talk(|n| n, |_| false);
    assert_eq!((ann.present().expected_loss, lost), (0, 0));
    // Four a second, each with some twelve packets.
    assert!((34..=42).contains(&sizes.len()), "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= 40), "{sizes:?}");
    let (ann, _, lost) = talk(|n| n, |n| n % 10 == 3);
    assert!(
        (8..=14).contains(&ann.present().expected_loss),
        "{:?}",
        ann.present()
    );
    assert!((48..=50).contains(&lost), "{lost}");
}

#[test]
fn numbers_that_jump_make_little_feedback_and_no_losses() {
    for jump in [700u16, 20_000, 33_000, 65_000] {
        let jumps = |n: u16| if n < 250 { n } else { n.wrapping_add(jump) };
        let (_, sizes, lost) = talk(jumps, |_| false);
        assert_eq!(lost, 0, "{jump}");
        assert!(
            sizes.len() <= 45 && sizes.iter().all(|size| *size <= 40),
            "{sizes:?}"
        );
    }
    // There and back with each packet.
    let (_, sizes, lost) = talk(|n| n.wrapping_add(n % 2 * 30_000), |_| false);
    let bytes: usize = sizes.iter().sum();
    assert!(lost <= 500 && bytes < 500 * 30, "{lost} {bytes}");
}

#[test]
fn packets_told_without_a_time_are_no_losses() {
    let without = SymbolTypeTcc::PacketReceivedWithoutDelta;
    let small = SymbolTypeTcc::PacketReceivedSmallDelta;
    // The reserved symbol, and more packets than times.
    for (other, deltas) in [(without, 4), (small, 4)] {
        let (mut ann, start) = (Side::new(), Instant::now());
        for round in 0..50u16 {
            let mut now = start;
            for n in 0..7 {
                now = start + 20 * MS * u32::from(round * 7 + n);
                ann.sends(now);
            }
            let symbols = [small, other, small, other, small, other, small];
            let vector = StatusVectorChunk {
                symbol_size: SymbolSizeTypeTcc::TwoBit,
                symbol_list: symbols.to_vec(),
                ..StatusVectorChunk::default()
            };
            let delta = RecvDelta {
                type_tcc_packet: small,
                delta: 40_000,
            };
            let feedback = TransportLayerCc {
                reference_time: u32::from(round) * 140 / 64,
                recv_deltas: vec![delta; deltas],
                ..about(
                    round * 7,
                    vec![PacketStatusChunk::StatusVectorChunk(vector)],
                )
            };
            ann.gets_feedback(now + 40 * MS, feedback);
        }
        assert!(ann.is_fed_back());
        assert_eq!(ann.present().expected_loss, 0, "{other:?}");
    }
}

#[test]
fn feedback_about_more_than_a_datagram_can_be_about_is_dropped() {
    let received = SymbolTypeTcc::PacketReceivedWithoutDelta;
    let mut room = MOST_STATUSES;
    let two = about(0, vec![run(received, 50); 2]);
    assert!(fits(&two, &mut room) && fits(&ReceiverReport::default(), &mut room));
    assert!(fits(&about(0, vec![run(received, 900)]), &mut room));
    assert!(
        !fits(&about(0, vec![run(received, 1)]), &mut room),
        "one too many"
    );
    let huge = about(0, vec![run(received, 8191); 9]);
    assert!(!fits(&huge, &mut MOST_STATUSES.clone()));

    // The same on the way through everything: only what fits is ever looked at.
    let (mut ann, start) = (Side::new(), Instant::now());
    for n in 0..25 {
        ann.sends(start + 20 * MS * n);
    }
    let now = start + 500 * MS;
    ann.gets_feedback(now, huge.clone());
    ann.gets(now, rtcp(now, vec![Box::new(huge.clone()), Box::new(huge)]));
    assert!(!ann.is_fed_back());
    let fitting = about(0, vec![run(received, 25)]);
    let report = ReceiverReport::default();
    let most = about(0, vec![run(received, 999)]);
    ann.gets(
        now,
        rtcp(
            now,
            vec![Box::new(most), Box::new(report), Box::new(fitting)],
        ),
    );
    assert!(ann.is_fed_back());
}
