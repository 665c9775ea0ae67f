//! One call with one peer: its connection, its negotiation, its messages.

mod channels;
mod describe;
mod evidence;

use std::time::{Duration, Instant};

use shared::{Bye, Outcome, Outgoing, PeerEvent as Wire, PeerId, SessionId};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use evidence::Evidence;

use super::timing::Timing;
use crate::event::{Event, Path};
use crate::proto::chat::{Inbox, Outbox};
use crate::proto::negotiation::Negotiation;
use crate::proto::packet::Packet;
use crate::proto::sdp;
use crate::rtc::{Channel, ChannelEvent, Peer, PeerEvent, PeerOptions, PeerStreams, RtcError};

/// Names a session inside this process; never reused.
pub(super) type Key = u64;

/// Label and subprotocol of the channels between `peer.v1` peers.
pub(super) const CONTROL: &str = "control";
pub(super) const CHAT: &str = "chat";

/// How long a call may be silent before that is said.
const SILENCE: Duration = Duration::from_secs(5);

/// Something that happened on a session's connection.
#[derive(Debug)]
pub(super) enum SessionEvent {
    Peer(PeerEvent),
    Channel(ChannelEvent),
    /// Hanging up is done: the last words have left, or their time is over.
    Closed,
}

/// What the other side understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The peer protocol.
    PeerV1,
    /// Offer, answer, candidate and its own data channel.
    Tutorial,
}

/// Where a session stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// Finding a path; given up at this time.
    Connecting { until: Instant },
    /// In the call.
    Connected,
    /// We hang up: messages and sound still leave until then.
    Leaving { until: Instant, reason: String },
    /// They hung up: what is on its way still arrives until then, and is played.
    Draining {
        until: Instant,
        reason: String,
        draining: bool,
    },
    /// The last words are said.
    Closing,
}

/// Whom a session is with, and how it came about.
pub(super) struct Party {
    pub(super) peer: PeerId,
    /// Shown to people.
    pub(super) name: String,
    pub(super) dialect: Dialect,
    /// Named on the wire; a tutorial client names none.
    pub(super) id: Option<SessionId>,
    /// We offered.
    pub(super) ours: bool,
    /// Whether frames name the receiver: not before a broadcast offer is answered.
    pub(super) directed: bool,
}

/// One call with one peer.
pub(super) struct Session {
    pub(super) key: Key,
    pub(super) party: Party,
    pub(super) phase: Phase,
    pub(super) timing: Timing,
    pub(super) negotiation: Negotiation,
    pub(super) rtc: Peer,
    pub(super) sound: Option<mpsc::Receiver<Packet>>,
    pub(super) outbox: Outbox,
    pub(super) path: Option<Path>,
    /// For when there is no path.
    pub(super) evidence: Evidence,
    /// Our offer as it went out: repeated in a plain room until answered.
    pub(super) offer: Option<Wire>,
    /// Whose description we hold, to know a renegotiation from a new call.
    pub(super) remote: Option<sdp::Identity>,
    /// Sound was heard, or its absence was told.
    pub(super) heard: bool,
    /// The other side took somebody else after all.
    pub(super) refused: bool,
    /// The lobby counts this session.
    pub(super) held: bool,
    /// Nothing was heard for a while; given up at this time.
    pub(super) lost_at: Option<Instant>,
    /// A page that left the room: since when it has sent nothing, and how many packets that was.
    pub(super) left: Option<(Instant, u64)>,
    /// Of the sound that arrives.
    pub(super) codec: Option<String>,
    /// Why we hang up.
    pub(super) reason: String,
    /// Messages wait until then for the channel that a tutorial page makes itself.
    pub(super) held_back: Option<Instant>,
    /// Something to send ended; hang up once the messages are out.
    pub(super) finish: bool,
    inbox: Inbox,
    control: Option<Channel>,
    chat: Option<Channel>,
    transport_up: bool,
    needs_channel: bool,
    streams: JoinHandle<()>,
}

/// What working on a session brought about.
#[derive(Debug)]
pub(super) enum Effect {
    /// Send this frame.
    Frame(Outgoing),
    /// Tell this.
    Tell(Event),
    /// A message came.
    Message { label: String, text: String },
    /// Bytes came.
    Binary { label: String, bytes: Vec<u8> },
    /// The other side said goodbye; `direct` on the control channel.
    Bye { reason: String, direct: bool },
    /// The connection cannot be used: their description, or the driver, failed.
    Broken(String),
}

impl Session {
    /// Opens a connection and joins its streams to the call's queue.
    pub(super) async fn open(
        key: Key,
        party: Party,
        timing: Timing,
        until: Instant,
        options: &PeerOptions,
        events: &mpsc::Sender<(Key, SessionEvent)>,
    ) -> Result<Self, RtcError> {
        let (rtc, streams) = Peer::open(options).await?;
        let PeerStreams {
            events: states,
            channels,
            sound,
        } = streams;
        let streams = tokio::spawn(forward(key, states, channels, events.clone()));
        Ok(Self {
            key,
            party,
            phase: Phase::Connecting { until },
            timing,
            negotiation: Negotiation::new(),
            rtc,
            sound: Some(sound),
            outbox: Outbox::default(),
            path: None,
            evidence: Evidence::new(timing.started()),
            offer: None,
            remote: None,
            heard: false,
            refused: false,
            held: false,
            lost_at: None,
            left: None,
            codec: None,
            reason: String::new(),
            held_back: None,
            finish: false,
            inbox: Inbox::default(),
            control: None,
            chat: None,
            transport_up: false,
            needs_channel: true,
            streams,
        })
    }

    /// Whether sound and messages flow.
    pub(super) fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Connected)
    }

    /// Whether this session was ever up.
    pub(super) fn was_connected(&self) -> bool {
        self.timing.connected_at().is_some()
    }

    /// Whether DTLS and, where there is any, a channel are up.
    pub(super) fn is_up(&self) -> bool {
        self.transport_up && (!self.needs_channel || self.chat.is_some() || self.control.is_some())
    }

    /// When it is time to say that nothing has been heard.
    pub(super) fn silence_due(&self) -> Option<Instant> {
        let connected = self.timing.connected_at()?;
        (!self.heard && self.is_connected()).then(|| connected + SILENCE)
    }

    /// DTLS is up.
    pub(super) fn set_transport_up(&mut self) {
        self.transport_up = true;
    }

    /// A frame of this session.
    pub(super) fn outgoing(&self, event: Wire) -> Outgoing {
        Outgoing {
            to: self.party.directed.then(|| self.party.peer.clone()),
            from: None,
            session: self.party.id.clone(),
            event,
        }
    }

    /// The words for the other side at the end.
    pub(super) fn bye(&self, reason: &str) -> Bye {
        Bye {
            reason: reason.to_owned(),
            outcome: Some(match self.path {
                Some(Path::Direct) => Outcome::Direct,
                Some(Path::Relay) => Outcome::Relay,
                None => Outcome::Failed,
            }),
            setup_ms: self
                .timing
                .setup()
                .map(|setup| (setup.total.as_secs_f64() * 1e4).round() / 10.0),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.streams.abort();
    }
}

async fn forward(
    key: Key,
    mut states: mpsc::Receiver<PeerEvent>,
    mut channels: mpsc::Receiver<ChannelEvent>,
    to: mpsc::Sender<(Key, SessionEvent)>,
) {
    loop {
        let event = tokio::select! {
            Some(event) = states.recv() => SessionEvent::Peer(event),
            Some(event) = channels.recv() => SessionEvent::Channel(event),
            else => return,
        };
        if to.send((key, event)).await.is_err() {
            return;
        }
    }
}
