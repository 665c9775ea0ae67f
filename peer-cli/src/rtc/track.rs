//! Sound on the wire: packets to RTP (RFC 3550, RFC 7587) and back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use rtc::media_stream::MediaStreamTrack;
use rtc::rtp;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use tokio::sync::{Notify, mpsc};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

use super::event::PeerEvent;
use super::formats::{Formats, capability};
use crate::entropy;
use crate::proto::dtmf::{Dialer, Fingers, Listener, Script};
use crate::proto::packet::{Codec, Packet};
use crate::proto::sdp::FormatKind;

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

/// What outlives a connection of the stream that is sent: digits still to be sent, and how many packets they have taken.
#[derive(Debug, Default)]
pub(super) struct Dialling {
    state: Mutex<Dialled>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Dialled {
    dialer: Dialer,
    /// Packets of events so far: the numbers of sound follow behind.
    packets: u16,
    /// Timestamp of the event under way, or of the last.
    timestamp: u32,
    /// Of the latest packet of sound: number, timestamp, and when it left.
    sound: Option<(u16, u32, Instant)>,
}

impl Dialled {
    /// The header of the next packet of an event, and its payload, if one is due.
    fn next(&mut self, now: Instant, codec: Codec, rate: u32) -> Option<(rtp::Header, [u8; 4])> {
        let event = self.dialer.poll_output(now, rate)?;
        let (sequence, timestamp, at) = self.sound.unwrap_or((u16::MAX, 0, now));
        if event.first {
            let since = now.saturating_duration_since(at).as_millis() as u64;
            let units = since * u64::from(codec.clock_rate()) / 1000;
            self.timestamp = timestamp.wrapping_add(units as u32);
        }
        self.packets = self.packets.wrapping_add(1);
        let header = rtp::Header {
            marker: event.first,
            sequence_number: sequence.wrapping_add(self.packets),
            timestamp: self.timestamp,
            ..Default::default()
        };
        Some((header, event.payload))
    }
}

impl Dialling {
    /// Digits to send.
    pub(super) fn dial(&self, script: Script) {
        if let Ok(mut state) = self.state.lock() {
            state.dialer.dial(Instant::now(), script);
        }
        self.wake.notify_one();
    }

    fn with<T: Default>(&self, work: impl FnOnce(&mut Dialled) -> T) -> T {
        self.state
            .lock()
            .map(|mut state| work(&mut state))
            .unwrap_or_default()
    }

    /// Until a packet of an event is due, or there is something new.
    async fn due(&self) {
        let at = self.with(|state| state.dialer.poll_timeout());
        tokio::select! {
            () = self.wake.notified() => {}
            () = sleep_until(at) => {}
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// The track that carries our sound.
pub(super) struct LocalTrack {
    track: Arc<TrackLocalStaticRTP>,
    origin: Origin,
    dialling: Arc<Dialling>,
}

impl LocalTrack {
    /// `codec` is what is most likely to be sent: reports count in its clock.
    pub(super) fn new(origin: Origin, codec: Codec, dialling: Arc<Dialling>) -> Self {
        let coding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(origin.ssrc),
                ..Default::default()
            },
            codec: capability(codec),
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
            dialling,
        }
    }

    pub(super) fn handle(&self) -> Arc<dyn TrackLocal> {
        Arc::clone(&self.track) as Arc<dyn TrackLocal>
    }

    /// Sends what comes out of `packets`, and digits, until the packets end or the connection does.
    pub(super) async fn run(
        &self,
        codec: Codec,
        formats: &Formats,
        packets: &mut mpsc::Receiver<Packet>,
    ) {
        let digits = formats.digits(codec);
        loop {
            let sent = tokio::select! {
                packet = packets.recv() => match packet {
                    Some(packet) => self.send(formats, packet).await,
                    None => return,
                },
                () = self.dialling.due(), if digits.is_some() => Ok(()),
            };
            let sent = match (sent, digits) {
                (Ok(()), Some((payload_type, rate))) => self.dial(codec, payload_type, rate).await,
                (sent, _) => sent,
            };
            if let Err(error) = sent {
                tracing::debug!(%error, "sending sound ended");
                return;
            }
        }
    }

    async fn send(&self, formats: &Formats, packet: Packet) -> Result<(), webrtc::error::Error> {
        // An echo may come in a codec that they do not take back.
        let Some(payload_type) = formats.sent_as(packet.codec) else {
            return Ok(());
        };
        let events = self.dialling.with(|state| {
            state.sound = Some((packet.sequence, packet.timestamp, Instant::now()));
            state.packets
        });
        let header = rtp::Header {
            marker: packet.marker,
            sequence_number: packet.sequence.wrapping_add(events),
            timestamp: packet.timestamp,
            payload_type,
            ..Default::default()
        };
        self.write(header, packet.payload).await
    }

    /// Sends the packets of events that are due.
    async fn dial(
        &self,
        codec: Codec,
        payload_type: u8,
        rate: u32,
    ) -> Result<(), webrtc::error::Error> {
        let next = || {
            self.dialling
                .with(|state| state.next(Instant::now(), codec, rate))
        };
        while let Some((header, payload)) = next() {
            let header = rtp::Header {
                payload_type,
                ..header
            };
            self.write(header, Bytes::copy_from_slice(&payload)).await?;
        }
        Ok(())
    }

    /// Puts the stream's random starting points in front.
    async fn write(&self, header: rtp::Header, payload: Bytes) -> Result<(), webrtc::error::Error> {
        let header = rtp::Header {
            version: 2,
            sequence_number: self.origin.sequence.wrapping_add(header.sequence_number),
            timestamp: self.origin.timestamp.wrapping_add(header.timestamp),
            ssrc: self.origin.ssrc,
            ..header
        };
        self.track.write_rtp(rtp::Packet { header, payload }).await
    }
}

/// Hands arriving sound on, and digits; when nobody takes them, the newest packets are dropped and counted.
pub(super) async fn receive(
    track: Arc<dyn TrackRemote>,
    formats: Formats,
    packets: mpsc::Sender<Packet>,
    events: mpsc::Sender<PeerEvent>,
    dropped: Arc<AtomicU64>,
) {
    let (mut listener, mut told) = (Listener::default(), None);
    let mut fingers = Fingers::default();
    while let Some(event) = track.poll().await {
        let TrackRemoteEvent::OnRtpPacket(rtp::Packet { header, payload }) = event else {
            continue;
        };
        // Padding only (RFC 3550 5.1): a probe, no sound.
        if payload.is_empty() {
            continue;
        }
        let codec = match formats.received(header.payload_type) {
            Some(FormatKind::Sound(codec)) => codec,
            Some(FormatKind::Digits) => {
                let (ssrc, timestamp) = (header.ssrc, header.timestamp);
                if let Some(digit) = listener.hear(ssrc, timestamp, header.marker, &payload)
                    && fingers.let_pass(Instant::now())
                {
                    let _ = events.send(PeerEvent::Digit(digit)).await;
                }
                continue;
            }
            None => continue,
        };
        if told.replace(codec) != Some(codec) {
            let codec = format!("audio/{}", codec.name());
            let _ = events.send(PeerEvent::Track { codec }).await;
        }
        let packet = Packet {
            sequence: header.sequence_number,
            timestamp: header.timestamp,
            ssrc: header.ssrc,
            marker: header.marker,
            codec,
            payload,
            arrival: Instant::now(),
        };
        if packets.try_send(packet).is_err() {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
