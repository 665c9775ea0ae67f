//! One call with one peer: its connections, its negotiation, its messages.

mod channels;
mod describe;
mod evidence;
mod link;
mod outage;

use std::time::{Duration, Instant};

use shared::{Bye, Outcome, Outgoing, PeerEvent as Wire, PeerId, SessionId};
use tokio::sync::mpsc;

pub(super) use evidence::Evidence;

use super::timing::Timing;
use crate::event::{Event, Path};
use crate::proto::channels::Channels;
use crate::proto::chat::{Inbox, Outbox};
use crate::proto::dtmf::Waiting;
use crate::proto::negotiation::{Negotiation, Purpose};
use crate::proto::packet::{Codec, Packet};
use crate::proto::recovery::Recovery;
use crate::rtc::{ChannelEvent, PeerEvent, PeerOptions, RtcError, SoundPath};
use link::Maker;
pub(super) use link::{Link, LinkId};

/// Names a session inside this process; never reused.
pub(super) type Key = u64;

/// Label and subprotocol of the channels between `peer.v1` peers.
pub(super) const CONTROL: &str = "control";
pub(super) const CHAT: &str = "chat";

/// The reason of who said none and closed the channels.
pub(super) const CLOSED: &str = "closed the connection";

/// How long a call may be silent before that is said.
const SILENCE: Duration = Duration::from_secs(5);

/// Something that happened on one of a session's connections.
#[derive(Debug)]
pub(super) enum SessionEvent {
    Peer(LinkId, PeerEvent),
    Channel(LinkId, ChannelEvent),
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
    /// We make way when offers cross; fixed at the first one.
    pub(super) polite: bool,
}

/// One call with one peer.
pub(super) struct Session {
    pub(super) key: Key,
    pub(super) party: Party,
    pub(super) phase: Phase,
    pub(super) timing: Timing,
    pub(super) negotiation: Negotiation,
    pub(super) link: Link,
    /// A connection that shall replace it.
    pub(super) spare: Option<Link>,
    /// What to do about a lost path, once there was one.
    pub(super) recovery: Option<Recovery>,
    pub(super) sound: Option<mpsc::Receiver<Packet>>,
    pub(super) outbox: Outbox,
    pub(super) path: Option<Path>,
    /// For when there is no path.
    pub(super) evidence: Evidence,
    /// Our offer as it went out: repeated in a plain room until answered.
    pub(super) offer: Option<Outgoing>,
    /// Sound was heard, or its absence was told.
    pub(super) heard: bool,
    /// The other side took somebody else after all.
    pub(super) refused: bool,
    /// The lobby counts this session.
    pub(super) held: bool,
    /// A page that left the room: since when it has sent nothing, and how many packets that was.
    pub(super) left: Option<(Instant, u64)>,
    /// Of the sound that arrives.
    pub(super) codec: Option<String>,
    /// Of the sound that leaves.
    pub(super) sends: Option<(Codec, Channels)>,
    /// Why we hang up.
    pub(super) reason: String,
    /// Why they hung up before we were connected.
    pub(super) early_bye: Option<String>,
    /// Messages wait until then for the channel that a tutorial page makes itself.
    pub(super) held_back: Option<Instant>,
    /// Of the other side's keys.
    pub(super) digits: Waiting,
    /// Something to send ended; hang up once the messages are out.
    pub(super) finish: bool,
    inbox: Inbox,
    maker: Maker,
    /// What our offer that is out is for, and how it was sent.
    offering: Option<(Purpose, String)>,
    /// Connections that the other side made us open, and since when they are counted.
    spares_opened: (Instant, u32),
    /// The path is back: messages should flow by then, of which so many had arrived.
    flows_by: Option<(Instant, u64)>,
}

/// What working on a session brought about.
#[derive(Debug)]
pub(super) enum Effect {
    /// Send this frame.
    Frame(Outgoing),
    /// Tell this.
    Tell(Event),
    /// A message came.
    Message {
        label: String,
        text: String,
        echo: bool,
    },
    /// Bytes came.
    Binary { label: String, bytes: Vec<u8> },
    /// The other side said goodbye; `direct` on the control channel.
    Bye { reason: String, direct: bool },
    /// The connection cannot be used: their description, or the driver, failed.
    Broken(String),
    /// The second connection is up.
    Promote,
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
        let (path, sound) = SoundPath::new();
        let mut maker = Maker::new(key, options.clone(), path, events.clone());
        let link = maker.open().await?;
        Ok(Self {
            key,
            phase: Phase::Connecting { until },
            timing,
            negotiation: Negotiation::new(party.polite),
            party,
            link,
            spare: None,
            recovery: None,
            sound: Some(sound),
            outbox: Outbox::default(),
            path: None,
            evidence: Evidence::new(timing.started()),
            offer: None,
            heard: false,
            refused: false,
            held: false,
            left: None,
            codec: None,
            sends: None,
            reason: String::new(),
            early_bye: None,
            held_back: None,
            digits: Waiting::default(),
            finish: false,
            inbox: Inbox::default(),
            maker,
            offering: None,
            spares_opened: (Instant::now(), 0),
            flows_by: None,
        })
    }

    /// Whether what was needed for the call is there now. Who has hung up may have closed the channels again, or what opens them
    /// is lost.
    pub(super) fn can_begin(&self) -> bool {
        let link = &self.link;
        let is_up = link.is_up() || self.early_bye.is_some() && link.transport_up;
        is_up && matches!(self.phase, Phase::Connecting { .. })
    }

    /// Whether sound and messages flow.
    pub(super) fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Connected)
    }

    /// Whether this session was ever up.
    pub(super) fn was_connected(&self) -> bool {
        self.timing.connected_at().is_some()
    }

    /// Whether one side has said its last words; what is on its way still arrives, and is played.
    pub(super) fn has_said_goodbye(&self) -> bool {
        matches!(self.phase, Phase::Draining { .. } | Phase::Closing)
    }

    /// When it is time to say that nothing has been heard.
    pub(super) fn silence_due(&self) -> Option<Instant> {
        let connected = self.timing.connected_at()?;
        (!self.heard && self.is_connected()).then(|| connected + SILENCE)
    }

    /// A frame of this session.
    pub(super) fn outgoing(&self, event: Wire) -> Outgoing {
        Outgoing {
            to: self.party.directed.then(|| self.party.peer.clone()),
            from: None,
            session: self.party.id.clone(),
            generation: None,
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

/// Closes a session's connections.
pub(super) async fn close(session: Session) {
    let Session { link, spare, .. } = session;
    for link in spare.into_iter().chain([link]) {
        link.close().await;
    }
}
