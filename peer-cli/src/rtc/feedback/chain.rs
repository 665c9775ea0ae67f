//! The two links of the crate's interceptor chain that are ours: one reads reports, one takes the place of its estimator.

use std::collections::VecDeque;
use std::time::Instant;

use rtc::interceptor::{
    BandwidthEstimator, Interceptor, Packet, PacketReport, StreamInfo, TaggedPacket,
};
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::{PacketStatusChunk, TransportLayerCc};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use rtc::shared::marshal::MarshalSize;

use super::Feedback;
use crate::proto::sending::{Arrival, Input, Sent};

#[cfg(test)]
mod tests;

/// Packets whose fate one datagram may tell: twenty seconds of sound. The crate writes run lengths out, whatever was sent, and
/// a datagram could name millions.
const MOST_STATUSES: usize = 1000;

/// Whether this is no transport-wide feedback that is too much work.
fn fits(packet: &dyn rtc::rtcp::Packet, room: &mut usize) -> bool {
    let Some(feedback) = packet.as_any().downcast_ref::<TransportLayerCc>() else {
        return true;
    };
    let statuses = feedback.packet_chunks.iter().map(|chunk| match chunk {
        PacketStatusChunk::RunLengthChunk(run) => usize::from(run.run_length),
        PacketStatusChunk::StatusVectorChunk(vector) => vector.symbol_list.len(),
    });
    let statuses: usize = statuses.sum();
    let fits = statuses <= *room;
    *room = room.saturating_sub(statuses);
    fits
}

/// Reads reports on their way in, and sender reports and packets on their way out; changes nothing.
pub(super) struct Reports {
    feedback: Feedback,
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

impl Reports {
    pub(super) fn new(feedback: Feedback) -> Self {
        Self {
            feedback,
            read: VecDeque::new(),
            write: VecDeque::new(),
        }
    }

    fn incoming(&self, now: Instant, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        for packet in packets {
            let packet = packet.as_any();
            let blocks = if let Some(report) = packet.downcast_ref::<SenderReport>() {
                self.feedback.with(|heard| heard.sender_report(report));
                &report.reports
            } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
                &report.reports
            } else {
                continue;
            };
            for block in blocks {
                let mut told = None;
                self.feedback.with(|heard| told = heard.block(now, block));
                if let Some(report) = told {
                    self.feedback.handle(now, Input::Report(report));
                }
            }
        }
    }

    fn outgoing(&self, now: Instant, packet: &Packet) {
        match packet {
            Packet::Rtp(packet) => {
                let (ssrc, bytes) = (packet.header.ssrc, packet.marshal_size());
                self.feedback.with(|heard| heard.sent(now, ssrc, bytes));
            }
            Packet::Rtcp(packets) => {
                for packet in packets {
                    if let Some(report) = packet.as_any().downcast_ref::<SenderReport>() {
                        self.feedback.with(|heard| heard.reported(now, report));
                    }
                }
            }
            _ => {}
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Reports {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut message: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(packets) = &mut message.message.packet {
            let mut room = MOST_STATUSES;
            packets.retain(|packet| fits(packet.as_ref(), &mut room));
            self.incoming(message.now, packets);
        }
        self.read.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.outgoing(message.now, &message.message.packet);
        self.write.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }
}

impl Interceptor for Reports {
    fn bind_local_stream(&mut self, info: &StreamInfo) {
        let (ssrc, clock_rate) = (info.ssrc, info.clock_rate);
        self.feedback.with(|heard| heard.bind(ssrc, clock_rate));
    }

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, _: &StreamInfo) {}

    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

/// In the place of the crate's own estimator, whose least rate and steps (12 kbit/s) are those of video.
pub(super) struct Estimator(pub(super) Feedback);

impl BandwidthEstimator for Estimator {
    fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        let sent: Vec<Sent> = reports
            .iter()
            .map(|report| Sent {
                departure: report.departure,
                arrival: match (report.arrived, report.arrival) {
                    (true, Some(at)) => Arrival::At(at),
                    // Told without a time, or with more packets than times.
                    (true, None) => Arrival::Untold,
                    (false, _) => Arrival::Never,
                },
                bytes: report.size,
            })
            .collect();
        if !sent.is_empty() {
            self.0.handle(now, Input::Feedback(&sent));
        }
    }

    /// For the crate's pacer, which is not there.
    fn target_bitrate(&self) -> f64 {
        0.0
    }
}
