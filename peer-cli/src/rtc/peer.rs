//! One peer connection: descriptions, candidates, channels; its sound in `sound`, new ICE
//! credentials in `restart`.

mod restart;
mod sound;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rtc::rtp_transceiver::RTCRtpTransceiverDirection;
use shared::Candidate;
use tokio::sync::mpsc;
use webrtc::peer_connection::{
    PeerConnection, RTCIceCandidate, RTCIceCandidateInit, RTCSessionDescription, StatsSelector,
};

use super::channel::{Channel, ChannelEvent};
use super::eager::Eager;
use super::early::Early;
use super::event::PeerEvent;
use super::feedback::Feedback;
use super::formats::Formats;
use super::options::{PeerOptions, RelayPolicy, Sound};
use super::pace::Pace;
use super::relay::Relays;
use super::stats::{self, Stats};
use super::tally::{Tally, Tried};
use super::{RtcError, build, worker};
use crate::proto::packet::Codec;
use crate::proto::sdp;
use sound::Sending;
pub use sound::SoundPath;

/// Events on their way; a connection makes a few dozen.
const EVENT_QUEUE: usize = 1024;
/// Messages on their way: the senders' tasks wait when it is full.
const CHANNEL_QUEUE: usize = 64;

/// Who begins the DTLS handshake (RFC 4145 4).
const ACTIVE: &str = "active";
const PASSIVE: &str = "passive";

/// What comes out of a connection.
#[derive(Debug)]
pub struct PeerStreams {
    /// States and candidates.
    pub events: mpsc::Receiver<PeerEvent>,
    /// Channels and messages.
    pub channels: mpsc::Receiver<ChannelEvent>,
}

/// One peer connection.
pub struct Peer {
    connection: Arc<dyn PeerConnection>,
    channels: mpsc::Sender<ChannelEvent>,
    sending: Sending,
    sound: Sound,
    /// An offer with new ICE credentials that is out; set once it is answered.
    restart: Option<RTCSessionDescription>,
    /// Our side of the handshake, `active` or `passive`; it stays what it was (RFC 8842 5.2).
    role: Option<&'static str>,
    pace: Pace,
    tally: Tally,
    eager: Eager,
    early: Early,
    relays: Relays,
    feedback: Feedback,
    formats: Formats,
    codecs: Vec<Codec>,
    dropped: Arc<AtomicU64>,
}

impl Peer {
    /// Binds the sockets and starts the driver; sound comes and goes by `path`.
    ///
    /// # Errors
    /// When no address can be bound.
    pub async fn open(
        options: &PeerOptions,
        path: &SoundPath,
    ) -> Result<(Self, PeerStreams), RtcError> {
        let (events_tx, events) = mpsc::channel(EVENT_QUEUE);
        let (channels_tx, channels) = mpsc::channel(CHANNEL_QUEUE);
        let (built, no_mdns) = build::build(options).await?;
        if let Some(why) = no_mdns {
            let _ = events_tx.try_send(PeerEvent::NoMdns(why));
        }
        let dropped = Arc::new(AtomicU64::new(0));
        let formats = Formats::new(options.channels);
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
            sound: path.arriving(),
            formats: formats.clone(),
            dropped: Arc::clone(&dropped),
        }));
        let peer = Self {
            connection: built.connection,
            channels: channels_tx,
            sending: Sending::new(path),
            sound: options.sound,
            restart: None,
            role: None,
            pace: built.pace,
            tally: built.tally,
            eager: built.eager,
            early: built.early,
            relays: built.relays,
            feedback: built.feedback,
            formats,
            codecs: options.codecs.clone(),
            dropped,
        };
        Ok((peer, PeerStreams { events, channels }))
    }

    /// Makes an offer and starts gathering. Open the channels first, so that it names them.
    ///
    /// # Errors
    /// When the crate refuses; the text says why.
    pub async fn offer(&mut self) -> Result<String, RtcError> {
        self.offer_sound().await?;
        let offer = self.connection.create_offer(None).await?;
        let sdp = self.formats.offer(&offer.sdp, &self.codecs);
        self.connection.set_local_description(offer).await?;
        Ok(sdp)
    }

    /// Takes an offer of the other side and answers it.
    ///
    /// # Errors
    /// When the offer cannot be read or shares nothing with us.
    pub async fn answer(&mut self, offer: &str) -> Result<String, RtcError> {
        self.formats.describe_theirs(offer);
        self.eager.offered(offer, Instant::now());
        let offer = RTCSessionDescription::offer(offer.to_owned())?;
        self.answer_sound().await?;
        self.connection.set_remote_description(offer).await?;
        self.early.release();
        if self.sound == Sound::Send {
            self.narrow(RTCRtpTransceiverDirection::Sendonly).await?;
        }
        let answer = self.connection.create_answer(None).await?;
        let sdp = self.formats.answer(&answer.sdp);
        self.connection.set_local_description(answer).await?;
        self.let_pass().await?;
        // The crate would begin another handshake in each answer.
        let role = *self.role.get_or_insert(ACTIVE);
        Ok(sdp::with_setup(&sdp, role))
    }

    /// Takes the answer to our offer.
    ///
    /// # Errors
    /// When the answer cannot be read or does not fit the offer.
    pub async fn accept(&mut self, answer: &str) -> Result<(), RtcError> {
        let theirs = sdp::setup(answer);
        let role = if theirs == Some(PASSIVE) {
            ACTIVE
        } else {
            PASSIVE
        };
        self.formats.describe_theirs(answer);
        self.eager.described(answer);
        let answer = RTCSessionDescription::answer(answer.to_owned())?;
        self.agree_on_sound().await?;
        self.connection.set_remote_description(answer).await?;
        self.early.release();
        self.let_pass().await?;
        self.role.get_or_insert(role);
        Ok(())
    }

    /// Takes a candidate of the other side; the remote description must be set already.
    ///
    /// # Errors
    /// When the candidate cannot be read.
    pub async fn add_candidate(&self, candidate: Candidate) -> Result<(), RtcError> {
        self.eager.know(&candidate.candidate);
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

    /// The pairs of addresses that have been checked, what came nearest to working first.
    #[must_use]
    pub fn tried(&self) -> Vec<Tried> {
        self.tally.table()
    }

    /// W3C webrtc-stats objects of this moment.
    pub async fn stats(&self) -> Stats {
        let report = self
            .connection
            .get_stats(Instant::now(), StatsSelector::None)
            .await;
        let mut stats = stats::read(&report, &self.remote_candidates().await, &self.relays);
        self.feedback.add_to(&mut stats.objects);
        stats
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
}

#[cfg(test)]
mod tests;
