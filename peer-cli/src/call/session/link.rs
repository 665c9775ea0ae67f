//! One connection of a session. A session has one, and sometimes a second that shall replace it.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{CHAT, CONTROL, Dialect, Key, SessionEvent};
use crate::proto::sdp;
use crate::rtc::{Channel, Peer, PeerOptions, PeerStreams, RtcError, SoundPath};

/// Names a connection inside its session; never reused.
pub(in crate::call) type LinkId = u32;

/// The other side may still send on a connection that was replaced.
const AFTERLIFE: Duration = Duration::from_secs(2);

/// A connection, its channels, and whose descriptions it has.
pub(in crate::call) struct Link {
    pub(in crate::call) id: LinkId,
    pub(in crate::call) rtc: Peer,
    pub(super) control: Option<Channel>,
    pub(super) chat: Option<Channel>,
    /// ICE and DTLS are up.
    pub(in crate::call) transport_up: bool,
    /// The crate's driver has ended: no restart can help.
    pub(in crate::call) broken: bool,
    pub(super) needs_channel: bool,
    /// Whose description we hold, to know a renegotiation from another connection.
    pub(in crate::call) remote: Option<sdp::Identity>,
    pub(super) remote_ufrag: Option<String>,
    local_ufrag: Option<String>,
    streams: JoinHandle<()>,
}

/// What a connection is made with.
pub(super) struct Maker {
    pub(super) key: Key,
    pub(super) options: PeerOptions,
    pub(super) sound: SoundPath,
    pub(super) events: mpsc::Sender<(Key, SessionEvent)>,
    last: LinkId,
}

impl Maker {
    pub(super) fn new(
        key: Key,
        options: PeerOptions,
        sound: SoundPath,
        events: mpsc::Sender<(Key, SessionEvent)>,
    ) -> Self {
        Self {
            key,
            options,
            sound,
            events,
            last: 0,
        }
    }

    /// Opens a connection and joins its streams to the call's queue.
    pub(super) async fn open(&mut self) -> Result<Link, RtcError> {
        self.last += 1;
        let id = self.last;
        let mut options = self.options.clone();
        if let Some((_, seed)) = &mut options.impairment {
            // Another connection has luck of its own, or it would fail as the first one did.
            *seed = seed.wrapping_add(u64::from(id));
        }
        let (rtc, streams) = Peer::open(&options, &self.sound).await?;
        let forwarding = forward(self.key, id, streams, self.events.clone());
        Ok(Link {
            id,
            rtc,
            control: None,
            chat: None,
            transport_up: false,
            broken: false,
            needs_channel: true,
            remote: None,
            remote_ufrag: None,
            local_ufrag: None,
            streams: tokio::spawn(forwarding),
        })
    }
}

impl Link {
    /// Whether DTLS and, where there is any, a channel are up.
    pub(in crate::call) fn is_up(&self) -> bool {
        self.transport_up && (!self.needs_channel || self.chat.is_some() || self.control.is_some())
    }

    /// Opens the channels that the other side understands.
    pub(super) async fn open_channels(&self, dialect: Dialect) -> Result<(), RtcError> {
        if dialect == Dialect::PeerV1 {
            self.rtc.open_channel(CONTROL, shared::SUBPROTOCOL).await?;
            return self.rtc.open_channel(CHAT, shared::SUBPROTOCOL).await;
        }
        self.rtc.open_channel(CHAT, "").await
    }

    pub(super) async fn offer(&mut self) -> Result<String, RtcError> {
        let offer = self.rtc.offer().await?;
        self.set_local(&offer);
        Ok(offer)
    }

    pub(super) async fn answer(&mut self, offer: &str) -> Result<String, RtcError> {
        let answer = self.rtc.answer(offer).await?;
        self.set_local(&answer);
        self.set_remote(offer);
        Ok(answer)
    }

    pub(super) async fn accept(&mut self, answer: &str) -> Result<(), RtcError> {
        self.rtc.accept(answer).await?;
        self.set_remote(answer);
        Ok(())
    }

    pub(super) async fn accept_restart(
        &mut self,
        offer: &str,
        answer: &str,
    ) -> Result<(), RtcError> {
        self.rtc.accept_restart(answer).await?;
        self.set_local(offer);
        self.set_remote(answer);
        Ok(())
    }

    /// The generation of the candidates that are found now.
    pub(in crate::call) fn local_ufrag(&self) -> Option<String> {
        self.local_ufrag.clone()
    }

    fn set_local(&mut self, sdp: &str) {
        self.local_ufrag = sdp::ufrag(sdp).map(str::to_owned);
    }

    fn set_remote(&mut self, sdp: &str) {
        self.remote = sdp::identity(sdp);
        self.remote_ufrag = sdp::ufrag(sdp).map(str::to_owned);
        self.needs_channel = sdp.contains("m=application");
    }

    /// Closes it beside everything else, a little later where the other side may still use it.
    pub(in crate::call) fn retire(self, replaced: bool) {
        self.streams.abort();
        tokio::spawn(async move {
            if replaced {
                tokio::time::sleep(AFTERLIFE).await;
            }
            self.rtc.close().await;
        });
    }

    /// Closes it.
    pub(in crate::call) async fn close(self) {
        self.streams.abort();
        self.rtc.close().await;
    }
}

async fn forward(
    key: Key,
    id: LinkId,
    streams: PeerStreams,
    to: mpsc::Sender<(Key, SessionEvent)>,
) {
    let PeerStreams {
        events: mut states,
        mut channels,
    } = streams;
    loop {
        // What the connection says first, where both wait: a channel opens after it, and may say goodbye at once.
        let event = tokio::select! {
            biased;
            Some(event) = states.recv() => SessionEvent::Peer(id, event),
            Some(event) = channels.recv() => SessionEvent::Channel(id, event),
            else => return,
        };
        if to.send((key, event)).await.is_err() {
            return;
        }
    }
}
