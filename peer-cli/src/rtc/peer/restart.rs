//! New ICE credentials for a connection (RFC 8445 9, RFC 8829 4.1.18).
//!
//! The crate forgets the path in use as soon as such an offer is set locally. So ours is only made
//! and sent; it is set together with its answer. Until then the path may come back by itself, and
//! an offer that has to make way leaves nothing behind that would need a rollback.

use rtc::peer_connection::configuration::RTCOfferOptions;
use webrtc::peer_connection::RTCSessionDescription;

use super::{Peer, RtcError};
use crate::proto::sdp;

impl Peer {
    /// Makes an offer with new ICE credentials. Nothing changes before [`Self::accept_restart`].
    ///
    /// # Errors
    /// When the connection is closed, or was never described.
    pub async fn offer_restart(&mut self) -> Result<String, RtcError> {
        let options = RTCOfferOptions { ice_restart: true };
        let offer = self.connection.create_offer(Some(options)).await?;
        // The candidates in it are those of the sockets that the restart closes.
        let sdp = sdp::without_candidates(&offer.sdp);
        let sdp = self.formats.offer(&sdp, &self.codecs);
        self.restart = Some(offer);
        Ok(sdp)
    }

    /// Takes the answer to the offer of [`Self::offer_restart`]: leaves the old path, binds anew and
    /// starts gathering.
    ///
    /// # Errors
    /// When no such offer is out, or the answer does not fit it.
    pub async fn accept_restart(&mut self, answer: &str) -> Result<(), RtcError> {
        self.eager.described(answer);
        let answer = RTCSessionDescription::answer(answer.to_owned())?;
        let Some(offer) = self.restart.take() else {
            return Err(RtcError::NoRestart);
        };
        self.pace.connecting();
        self.connection.set_local_description(offer).await?;
        self.connection.set_remote_description(answer).await?;
        self.let_pass().await
    }

    /// The offer of [`Self::offer_restart`] makes way.
    pub fn forget_restart(&mut self) {
        self.restart = None;
    }

    /// The first offer makes way to one of the other side.
    ///
    /// # Errors
    /// When none is out.
    pub async fn rollback(&mut self) -> Result<(), RtcError> {
        let rollback = RTCSessionDescription::rollback(None)?;
        Ok(self.connection.set_local_description(rollback).await?)
    }
}
