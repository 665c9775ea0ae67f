//! One peer connection: descriptions, candidates, channels, sound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use shared::Candidate;
use tokio::sync::mpsc;
use webrtc::peer_connection::{
    PeerConnection, RTCIceCandidate, RTCIceCandidateInit, RTCSessionDescription, StatsSelector,
};
use webrtc::rtp_transceiver::RtpSender;

use super::channel::{Channel, ChannelEvent};
use super::event::PeerEvent;
use super::options::{PeerOptions, RelayPolicy, Sound};
use super::pace::Pace;
use super::relay::Relays;
use super::stats::{self, Stats};
use super::track::LocalTrack;
use super::{RtcError, build, worker};
use crate::proto::packet::Packet;

/// Events on their way; a connection makes a few dozen.
const EVENT_QUEUE: usize = 1024;
/// Messages on their way: the senders' tasks wait when it is full.
const CHANNEL_QUEUE: usize = 64;
/// Sound on its way, packets: five seconds at 20 ms.
const SOUND_QUEUE: usize = 256;

/// What comes out of a connection.
#[derive(Debug)]
pub struct PeerStreams {
    /// States and candidates.
    pub events: mpsc::Receiver<PeerEvent>,
    /// Channels and messages.
    pub channels: mpsc::Receiver<ChannelEvent>,
    /// Received sound.
    pub sound: mpsc::Receiver<Packet>,
}

/// One peer connection.
pub struct Peer {
    connection: Arc<dyn PeerConnection>,
    channels: mpsc::Sender<ChannelEvent>,
    track: Option<Arc<LocalTrack>>,
    sender: Option<Arc<dyn RtpSender>>,
    sound: Sound,
    pace: Pace,
    relays: Relays,
    dropped: Arc<AtomicU64>,
}

impl Peer {
    /// Binds the sockets and starts the driver.
    ///
    /// # Errors
    /// When no address can be bound.
    pub async fn open(options: &PeerOptions) -> Result<(Self, PeerStreams), RtcError> {
        let (events_tx, events) = mpsc::channel(EVENT_QUEUE);
        let (channels_tx, channels) = mpsc::channel(CHANNEL_QUEUE);
        let (sound_tx, sound) = mpsc::channel(SOUND_QUEUE);
        let (built, no_mdns) = build::build(options).await?;
        if let Some(why) = no_mdns {
            let _ = events_tx.try_send(PeerEvent::NoMdns(why));
        }
        let dropped = Arc::new(AtomicU64::new(0));
        tokio::spawn(worker::run(worker::Worker {
            callbacks: built.callbacks,
            created: built.created,
            reports: built.reports,
            relays: built.relays.clone(),
            relay_only: options.relay == RelayPolicy::Only,
            driver_ended: built.driver_ended,
            stun: options.stun.clone(),
            events: events_tx,
            channels: channels_tx.clone(),
            sound: sound_tx,
            dropped: Arc::clone(&dropped),
        }));
        let peer = Self {
            connection: built.connection,
            channels: channels_tx,
            track: None,
            sender: None,
            sound: options.sound,
            pace: built.pace,
            relays: built.relays,
            dropped,
        };
        let streams = PeerStreams {
            events,
            channels,
            sound,
        };
        Ok((peer, streams))
    }

    /// Makes an offer and starts gathering. Open the channels first, so that it names them.
    ///
    /// # Errors
    /// When the crate refuses; the text says why.
    pub async fn offer(&mut self) -> Result<String, RtcError> {
        self.offer_sound().await?;
        let offer = self.connection.create_offer(None).await?;
        let sdp = offer.sdp.clone();
        self.connection.set_local_description(offer).await?;
        Ok(sdp)
    }

    /// Takes an offer of the other side and answers it.
    ///
    /// # Errors
    /// When the offer cannot be read or shares nothing with us.
    pub async fn answer(&mut self, offer: &str) -> Result<String, RtcError> {
        let offer = RTCSessionDescription::offer(offer.to_owned())?;
        self.answer_sound().await?;
        self.connection.set_remote_description(offer).await?;
        if self.sound == Sound::Send {
            self.narrow(RTCRtpTransceiverDirection::Sendonly).await?;
        }
        let answer = self.connection.create_answer(None).await?;
        let sdp = answer.sdp.clone();
        self.connection.set_local_description(answer).await?;
        Ok(sdp)
    }

    /// Takes the answer to our offer.
    ///
    /// # Errors
    /// When the answer cannot be read or does not fit the offer.
    pub async fn accept(&self, answer: &str) -> Result<(), RtcError> {
        let answer = RTCSessionDescription::answer(answer.to_owned())?;
        Ok(self.connection.set_remote_description(answer).await?)
    }

    /// Takes a candidate of the other side; the remote description must be set already.
    ///
    /// # Errors
    /// When the candidate cannot be read.
    pub async fn add_candidate(&self, candidate: Candidate) -> Result<(), RtcError> {
        let candidate = RTCIceCandidateInit {
            candidate: candidate.candidate,
            sdp_mid: candidate.sdp_mid,
            sdp_mline_index: candidate.sdp_m_line_index,
            username_fragment: candidate.username_fragment,
            url: None,
        };
        Ok(self.connection.add_ice_candidate(candidate).await?)
    }

    /// Opens an ordered, reliable data channel.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn open_channel(&self, label: &str, protocol: &str) -> Result<(), RtcError> {
        let init = webrtc::data_channel::RTCDataChannelInit {
            protocol: protocol.to_owned(),
            ..Default::default()
        };
        let channel = self
            .connection
            .create_data_channel(label, Some(init))
            .await?;
        let channel = Channel::new(channel, label, protocol, true);
        tokio::spawn(channel.drain(self.channels.clone()));
        Ok(())
    }

    /// Sends what comes out of `packets` as sound; nothing happens where none was negotiated.
    pub fn send_sound(&self, packets: mpsc::Receiver<Packet>) {
        if let (Some(track), Some(sender)) = (&self.track, &self.sender) {
            let (track, sender) = (Arc::clone(track), Arc::clone(sender));
            tokio::spawn(async move { track.run(sender, packets).await });
        }
    }

    /// The handshake is over: the driver may sleep longer.
    pub fn settle(&self) {
        self.pace.connected();
    }

    /// Other relays, and new credentials for the same ones: from the next ICE restart on.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn use_relays(&self, options: &PeerOptions) -> Result<(), RtcError> {
        self.relays.renew(options);
        let configuration = build::configuration(options, &self.relays);
        Ok(self.connection.set_configuration(configuration).await?)
    }

    /// W3C webrtc-stats objects of this moment.
    pub async fn stats(&self) -> Stats {
        let report = self
            .connection
            .get_stats(Instant::now(), StatsSelector::None)
            .await;
        stats::read(&report, &self.remote_candidates().await, &self.relays)
    }

    /// All that the agent knows, also those that no description named.
    async fn remote_candidates(&self) -> Vec<RTCIceCandidate> {
        let Some(sctp) = self.connection.sctp().await else {
            return Vec::new();
        };
        let ice = sctp.transport().ice_transport();
        ice.get_remote_candidates().await.unwrap_or_default()
    }

    /// Packets of sound that arrived while nobody took them.
    #[must_use]
    pub fn dropped_sound(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Closes everything; the other side notices at once if a channel is open.
    pub async fn close(&self) {
        self.pace.connecting();
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "closing a connection");
        }
    }

    async fn offer_sound(&mut self) -> Result<(), RtcError> {
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
        let track = LocalTrack::new();
        let transceiver = self
            .connection
            .add_transceiver_from_track(track.handle(), Some(init))
            .await?;
        self.sender = transceiver.sender().await?;
        self.track = Some(Arc::new(track));
        Ok(())
    }

    async fn answer_sound(&mut self) -> Result<(), RtcError> {
        if !self.sound.sends() || self.track.is_some() {
            return Ok(());
        }
        let track = LocalTrack::new();
        self.sender = Some(self.connection.add_track(track.handle()).await?);
        self.track = Some(Arc::new(track));
        Ok(())
    }

    async fn narrow(&self, direction: RTCRtpTransceiverDirection) -> Result<(), RtcError> {
        for transceiver in self.connection.get_transceivers().await {
            transceiver.set_direction(direction).await?;
        }
        Ok(())
    }
}
