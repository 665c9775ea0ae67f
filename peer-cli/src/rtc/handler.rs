//! The crate's callbacks: they run on its driver loop, so they only forward.

use std::sync::Arc;

use async_trait::async_trait;
use shared::Candidate as CandidateInit;
use tokio::sync::mpsc;
use webrtc::data_channel::DataChannel;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnectionEventHandler, RTCIceConnectionState, RTCIceGatheringState,
    RTCPeerConnectionIceEvent, RTCPeerConnectionState,
};

use super::event::{ConnectionState, IceState, PeerEvent};

/// What a callback brings, before the connection's own task has worked on it.
pub(super) enum Callback {
    Event(PeerEvent),
    /// The crate has named all its host candidates.
    GatheringComplete,
    DataChannel(Arc<dyn DataChannel>),
    Track(Arc<dyn TrackRemote>),
}

/// Forwards each callback into a bounded channel; on overflow the callback is lost and logged.
pub(super) struct Handler(pub(super) mpsc::Sender<Callback>);

impl Handler {
    fn forward(&self, callback: Callback) {
        if self.0.try_send(callback).is_err() {
            tracing::warn!("a connection event was lost: its queue is full or closed");
        }
    }

    fn event(&self, event: PeerEvent) {
        self.forward(Callback::Event(event));
    }
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        match event.candidate.to_json() {
            Ok(init) => self.event(PeerEvent::Candidate(CandidateInit {
                candidate: init.candidate,
                sdp_mid: init.sdp_mid,
                sdp_m_line_index: init.sdp_mline_index,
                username_fragment: init.username_fragment,
            })),
            Err(error) => tracing::warn!(%error, "a local candidate could not be written"),
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        tracing::debug!(%state, "ice");
        let state = match state {
            RTCIceConnectionState::Checking => IceState::Checking,
            RTCIceConnectionState::Connected | RTCIceConnectionState::Completed => {
                IceState::Connected
            }
            RTCIceConnectionState::Disconnected => IceState::Disconnected,
            RTCIceConnectionState::Failed => IceState::Failed,
            _ => return,
        };
        self.event(PeerEvent::Ice(state));
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.forward(Callback::GatheringComplete);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        tracing::debug!(%state, "connection");
        let state = match state {
            RTCPeerConnectionState::Connected => ConnectionState::Connected,
            RTCPeerConnectionState::Disconnected => ConnectionState::Disconnected,
            RTCPeerConnectionState::Failed => ConnectionState::Failed,
            RTCPeerConnectionState::Closed => ConnectionState::Closed,
            _ => return,
        };
        self.event(PeerEvent::Connection(state));
    }

    async fn on_data_channel(&self, data_channel: Arc<dyn DataChannel>) {
        self.forward(Callback::DataChannel(data_channel));
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        self.forward(Callback::Track(track));
    }
}
