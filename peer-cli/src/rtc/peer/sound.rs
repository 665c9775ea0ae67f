//! The sound of a connection, which outlives it: a connection that replaces another goes on with the
//! same stream, both ways.

use std::sync::Arc;

use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use webrtc::rtp_transceiver::RtpSender;

use super::{Peer, RtcError};
use crate::proto::packet::Packet;
use crate::rtc::options::Sound;
use crate::rtc::track::{LocalTrack, Origin};

/// Sound on its way, packets: five seconds at 20 ms.
const SOUND_QUEUE: usize = 256;

/// Where received sound goes, and where the stream that is sent starts.
#[derive(Clone, Debug)]
pub struct SoundPath {
    arriving: mpsc::Sender<Packet>,
    origin: Origin,
}

impl SoundPath {
    /// A new stream, and what arrives on it.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Packet>) {
        let (arriving, sound) = mpsc::channel(SOUND_QUEUE);
        let origin = Origin::random();
        (Self { arriving, origin }, sound)
    }

    pub(super) fn arriving(&self) -> mpsc::Sender<Packet> {
        self.arriving.clone()
    }
}

/// The sending half.
pub(super) struct Sending {
    origin: Origin,
    track: Option<Arc<LocalTrack>>,
    sender: Option<Arc<dyn RtpSender>>,
    stop: CancellationToken,
    /// Gives back where the packets come from.
    running: Option<JoinHandle<mpsc::Receiver<Packet>>>,
}

impl Sending {
    pub(super) fn new(path: &SoundPath) -> Self {
        Self {
            origin: path.origin,
            track: None,
            sender: None,
            stop: CancellationToken::new(),
            running: None,
        }
    }
}

impl Peer {
    /// Sends what comes out of `packets` as sound; nothing happens where none was negotiated.
    pub fn send_sound(&mut self, mut packets: mpsc::Receiver<Packet>) {
        let sending = &mut self.sending;
        let (Some(track), Some(sender)) = (sending.track.clone(), sending.sender.clone()) else {
            return;
        };
        let stop = sending.stop.clone();
        sending.running = Some(tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = track.run(sender, &mut packets) => {}
            }
            packets
        }));
    }

    /// Stops sending, and gives back what there is to send for another connection to go on with.
    pub async fn take_sound(&mut self) -> Option<mpsc::Receiver<Packet>> {
        self.sending.stop.cancel();
        let mut packets = self.sending.running.take()?.await.ok()?;
        // What has waited for a path is too old to be heard.
        while packets.try_recv().is_ok() {}
        Some(packets)
    }

    pub(super) async fn offer_sound(&mut self) -> Result<(), RtcError> {
        if self.sound == Sound::None || !self.connection.get_transceivers().await.is_empty() {
            return Ok(());
        }
        let init = RTCRtpTransceiverInit {
            direction: self.sound.direction(),
            streams: vec![],
            send_encodings: vec![],
        };
        if !self.sound.sends() {
            self.connection
                .add_transceiver_from_kind(RtpCodecKind::Audio, Some(init))
                .await?;
            return Ok(());
        }
        let track = LocalTrack::new(self.sending.origin);
        let transceiver = self
            .connection
            .add_transceiver_from_track(track.handle(), Some(init))
            .await?;
        self.sending.sender = transceiver.sender().await?;
        self.sending.track = Some(Arc::new(track));
        Ok(())
    }

    pub(super) async fn answer_sound(&mut self) -> Result<(), RtcError> {
        if !self.sound.sends() || self.sending.track.is_some() {
            return Ok(());
        }
        let track = LocalTrack::new(self.sending.origin);
        self.sending.sender = Some(self.connection.add_track(track.handle()).await?);
        self.sending.track = Some(Arc::new(track));
        Ok(())
    }

    pub(super) async fn narrow(
        &self,
        direction: RTCRtpTransceiverDirection,
    ) -> Result<(), RtcError> {
        for transceiver in self.connection.get_transceivers().await {
            transceiver.set_direction(direction).await?;
        }
        Ok(())
    }
}
