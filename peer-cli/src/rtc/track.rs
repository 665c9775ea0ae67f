//! Sound on the wire: packets to RTP (RFC 3550, RFC 7587) and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rtc::media_stream::MediaStreamTrack;
use rtc::rtp;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use tokio::sync::mpsc;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::rtp_transceiver::RtpSender;

use crate::entropy;
use crate::proto::packet::Packet;

/// Opus as every WebRTC peer offers it (RFC 7587 7: always 48000/2 in SDP).
pub(super) fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "audio/opus".to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        rtcp_feedback: vec![],
    }
}

/// The random starting points of a stream (RFC 3550 5.1). A connection that replaces another goes
/// on with the same, so that whoever listens hears one stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
}

impl Origin {
    pub(super) fn random() -> Self {
        Self {
            ssrc: u32::from_ne_bytes(entropy::bytes()),
            // In the lower half, so that the first minutes do not wrap.
            sequence: u16::from_ne_bytes(entropy::bytes()) >> 1,
            timestamp: u32::from_ne_bytes(entropy::bytes()) >> 1,
        }
    }
}

/// The track that carries our sound.
pub(super) struct LocalTrack {
    track: Arc<TrackLocalStaticRTP>,
    origin: Origin,
}

impl LocalTrack {
    pub(super) fn new(origin: Origin) -> Self {
        let coding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(origin.ssrc),
                ..Default::default()
            },
            codec: opus(),
            ..Default::default()
        };
        let track = MediaStreamTrack::new(
            "peer-cli".to_owned(),
            "audio".to_owned(),
            "audio".to_owned(),
            RtpCodecKind::Audio,
            vec![coding],
        );
        Self {
            track: Arc::new(TrackLocalStaticRTP::new(track)),
            origin,
        }
    }

    pub(super) fn handle(&self) -> Arc<dyn TrackLocal> {
        Arc::clone(&self.track) as Arc<dyn TrackLocal>
    }

    /// Sends what comes out of `packets` until that ends or the connection does.
    pub(super) async fn run(
        &self,
        sender: Arc<dyn RtpSender>,
        packets: &mut mpsc::Receiver<Packet>,
    ) {
        let Some(payload_type) = negotiated_opus(sender.as_ref()).await else {
            tracing::warn!("the other side takes no Opus: sending no sound");
            return;
        };
        while let Some(packet) = packets.recv().await {
            let header = rtp::Header {
                version: 2,
                marker: packet.marker,
                payload_type,
                sequence_number: self.origin.sequence.wrapping_add(packet.sequence),
                timestamp: self.origin.timestamp.wrapping_add(packet.timestamp),
                ssrc: self.origin.ssrc,
                ..Default::default()
            };
            let packet = rtp::Packet {
                header,
                payload: packet.payload,
            };
            if let Err(error) = self.track.write_rtp(packet).await {
                tracing::debug!(%error, "sending sound ended");
                return;
            }
        }
    }
}

/// The payload type under which both sides know Opus.
async fn negotiated_opus(sender: &dyn RtpSender) -> Option<u8> {
    let parameters = sender.get_parameters().await.ok()?;
    parameters
        .rtp_parameters
        .codecs
        .iter()
        .find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case("audio/opus"))
        .map(|codec| codec.payload_type)
}

/// Hands arriving Opus packets on; when nobody takes them, the newest are dropped and counted.
pub(super) async fn receive(
    track: Arc<dyn TrackRemote>,
    packets: mpsc::Sender<Packet>,
    dropped: Arc<AtomicU64>,
) {
    while let Some(event) = track.poll().await {
        let TrackRemoteEvent::OnRtpPacket(packet) = event else {
            continue;
        };
        // Padding only (RFC 3550 5.1): a probe, no sound.
        if packet.payload.is_empty() {
            continue;
        }
        let packet = Packet {
            sequence: packet.header.sequence_number,
            timestamp: packet.header.timestamp,
            ssrc: packet.header.ssrc,
            marker: packet.header.marker,
            payload: packet.payload,
            arrival: Instant::now(),
        };
        if packets.try_send(packet).is_err() {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The codec of a remote track, such as `audio/opus`.
pub(super) async fn codec_of(track: &dyn TrackRemote) -> String {
    for ssrc in track.ssrcs().await {
        if let Some(codec) = track.codec(ssrc).await {
            return codec.mime_type;
        }
    }
    "audio/opus".to_owned()
}
