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
use crate::proto::channels::Channels;
use crate::proto::dtmf::Script;
use crate::proto::packet::{Codec, Packet};
use crate::rtc::formats;
use crate::rtc::options::Sound;
use crate::rtc::track::{Dialling, LocalTrack, Origin};

/// Sound on its way, packets: five seconds at 20 ms.
const SOUND_QUEUE: usize = 256;

/// Where received sound goes, and where the stream that is sent starts.
#[derive(Clone, Debug)]
pub struct SoundPath {
    arriving: mpsc::Sender<Packet>,
    origin: Origin,
    dialling: Arc<Dialling>,
}

impl SoundPath {
    /// A new stream, and what arrives on it.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Packet>) {
        let (arriving, sound) = mpsc::channel(SOUND_QUEUE);
        let path = Self {
            arriving,
            origin: Origin::random(),
            dialling: Arc::default(),
        };
        (path, sound)
    }

    pub(super) fn arriving(&self) -> mpsc::Sender<Packet> {
        self.arriving.clone()
    }
}

/// The sending half.
pub(super) struct Sending {
    origin: Origin,
    dialling: Arc<Dialling>,
    track: Option<Arc<LocalTrack>>,
    pub(super) sender: Option<Arc<dyn RtpSender>>,
    stop: CancellationToken,
    /// Gives back where the packets come from.
    running: Option<JoinHandle<mpsc::Receiver<Packet>>>,
}

impl Sending {
    pub(super) fn new(path: &SoundPath) -> Self {
        Self {
            origin: path.origin,
            dialling: Arc::clone(&path.dialling),
            track: None,
            sender: None,
            stop: CancellationToken::new(),
            running: None,
        }
    }
}

impl Peer {
    /// The codec in which sound is sent: the first of ours that the other side takes. Nothing where none was negotiated.
    #[must_use]
    pub fn sends_in(&self) -> Option<Codec> {
        self.sending.track.as_ref()?;
        self.formats.choose(&self.codecs)
    }

    /// How many channels that sound may have.
    #[must_use]
    pub fn sends_channels(&self) -> Channels {
        self.sends_in()
            .map_or(Channels::Mono, |codec| self.formats.channels(codec))
    }

    /// Sends digits; false where the other side takes none (no `telephone-event`), or no sound is sent to it.
    #[must_use]
    pub fn dial(&self, script: Script) -> bool {
        let taken = self.sends_in().and_then(|codec| self.formats.digits(codec));
        if taken.is_some() {
            self.sending.dialling.dial(script);
        }
        taken.is_some()
    }

    /// Sends what comes out of `packets` as sound; nothing happens where none was negotiated.
    pub fn send_sound(&mut self, mut packets: mpsc::Receiver<Packet>) {
        let (codec, formats) = (self.sends_in(), self.formats.clone());
        let sending = &mut self.sending;
        let (Some(track), Some(codec)) = (sending.track.clone(), codec) else {
            return;
        };
        let stop = sending.stop.clone();
        sending.running = Some(tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = track.run(codec, &formats, &mut packets) => {}
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
        // What will be sent is only known with the answer.
        let track = self.new_track(self.codecs.first().copied().unwrap_or_default());
        let transceiver = self
            .connection
            .add_transceiver_from_track(track.handle(), Some(init))
            .await?;
        // A track brings only its own.
        let offered = formats::offered(&self.codecs);
        transceiver.set_codec_preferences(offered).await?;
        self.sending.sender = transceiver.sender().await?;
        self.sending.track = Some(Arc::new(track));
        Ok(())
    }

    fn new_track(&self, codec: Codec) -> LocalTrack {
        let dialling = Arc::clone(&self.sending.dialling);
        LocalTrack::new(self.sending.origin, codec, dialling)
    }

    /// The answer is there: what is sent goes under the codec that was agreed on, or the crate would know nothing about it.
    pub(super) async fn agree_on_sound(&mut self) -> Result<(), RtcError> {
        let Some(codec) = self.sends_in() else {
            return Ok(());
        };
        if let Some(sender) = &self.sending.sender
            && self.codecs.first() != Some(&codec)
        {
            let track = self.new_track(codec);
            sender.replace_track(track.handle()).await?;
        }
        Ok(())
    }

    /// Everything is agreed on: the crate lets pass what stands in both descriptions.
    pub(super) async fn let_pass(&self) -> Result<(), RtcError> {
        let passing = self.formats.passing(&self.codecs);
        if passing.is_empty() {
            return Ok(());
        }
        for transceiver in self.connection.get_transceivers().await {
            transceiver.set_codec_preferences(passing.clone()).await?;
        }
        Ok(())
    }

    pub(super) async fn answer_sound(&mut self) -> Result<(), RtcError> {
        if !self.sound.sends() || self.sending.track.is_some() {
            return Ok(());
        }
        let codec = self.formats.choose(&self.codecs).unwrap_or_default();
        let track = self.new_track(codec);
        self.sending.sender = Some(self.connection.add_track(track.handle()).await?);
        for transceiver in self.connection.get_transceivers().await {
            let accepted = formats::offered(&self.codecs);
            transceiver.set_codec_preferences(accepted).await?;
        }
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
