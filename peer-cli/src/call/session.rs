//! One call with one peer: its connection, its negotiation, its messages.

use std::time::Instant;

use shared::{Bye, Candidate, Outcome, Outgoing, PeerEvent as Wire, PeerId, SessionId};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::timing::Timing;
use crate::event::{Endpoint, EndpointType, Event, Path, Protocol};
use crate::proto::chat::{Control, Inbox, Numbered, Outbox};
use crate::proto::negotiation::{Input, Negotiation, Output};
use crate::proto::packet::Packet;
use crate::proto::sdp;
use crate::rtc::{Channel, ChannelEvent, Peer, PeerEvent, PeerOptions, PeerStreams, RtcError};

/// Names a session inside this process; never reused.
pub(super) type Key = u64;

/// Label and subprotocol of the channels between `peer.v1` peers.
pub(super) const CONTROL: &str = "control";
pub(super) const CHAT: &str = "chat";

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
    /// Our offer as it went out: repeated in a plain room until answered.
    pub(super) offer: Option<Wire>,
    /// Whose description we hold, to know a renegotiation from a new call.
    pub(super) remote: Option<sdp::Identity>,
    /// Sound was heard, or its absence was told.
    pub(super) heard: bool,
    /// The lobby counts this session.
    pub(super) held: bool,
    /// Nothing was heard for a while; given up at this time.
    pub(super) lost_at: Option<Instant>,
    /// Of the sound that arrives.
    pub(super) codec: Option<String>,
    /// Why we hang up.
    pub(super) reason: String,
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
            offer: None,
            remote: None,
            heard: false,
            held: false,
            lost_at: None,
            codec: None,
            reason: String::new(),
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
        (!self.heard && self.is_connected()).then(|| connected + super::progress::SILENCE)
    }

    /// DTLS is up.
    pub(super) fn set_transport_up(&mut self) {
        self.transport_up = true;
    }

    /// Starts our offer, with the channels that the other side understands.
    pub(super) async fn start(&mut self) -> Vec<Effect> {
        if let Err(error) = self.open_channels().await {
            return vec![Effect::Broken(error.to_string())];
        }
        self.negotiation.handle(Input::Start);
        self.work().await
    }

    async fn open_channels(&self) -> Result<(), RtcError> {
        if self.party.dialect == Dialect::PeerV1 {
            self.rtc.open_channel(CONTROL, shared::SUBPROTOCOL).await?;
            return self.rtc.open_channel(CHAT, shared::SUBPROTOCOL).await;
        }
        self.rtc.open_channel(CHAT, "").await
    }

    /// Feeds the negotiation and carries out what it decides.
    pub(super) async fn negotiate(&mut self, input: Input) -> Vec<Effect> {
        if let Input::Remote(Wire::Offer(description) | Wire::Answer(description)) = &input
            && !self.negotiation.is_stable()
        {
            self.remote = sdp::identity(&description.sdp);
            self.needs_channel = description.sdp.contains("m=application");
        }
        self.negotiation.handle(input);
        self.work().await
    }

    async fn work(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(output) = self.negotiation.poll_output() {
            match output {
                Output::MakeOffer => match self.rtc.offer().await {
                    Ok(sdp) => self.negotiation.handle(Input::Described(sdp)),
                    Err(error) => effects.push(Effect::Broken(error.to_string())),
                },
                Output::MakeAnswer(offer) => match self.rtc.answer(&offer).await {
                    Ok(sdp) => {
                        self.timing.described(Instant::now());
                        self.negotiation.handle(Input::Described(sdp));
                    }
                    Err(error) => {
                        self.negotiation.handle(Input::Refused);
                        effects.push(self.unusable("offer", &error));
                    }
                },
                Output::SetAnswer(answer) => match self.rtc.accept(&answer).await {
                    Ok(()) => {
                        self.timing.described(Instant::now());
                        self.negotiation.handle(Input::Accepted);
                    }
                    Err(error) => {
                        self.negotiation.handle(Input::Refused);
                        effects.push(self.complaint(&format!("answer: {error}")));
                    }
                },
                Output::AddCandidate(candidate) => self.add(candidate, &mut effects).await,
                Output::Send(event) => effects.push(self.frame(event)),
                Output::Complain(what) => effects.push(self.complaint(what)),
            }
        }
        effects
    }

    /// An offer that cannot be answered ends a session that has nothing else.
    fn unusable(&self, what: &str, error: &RtcError) -> Effect {
        if self.was_connected() {
            self.complaint(&format!("{what}: {error}"))
        } else {
            Effect::Broken(format!("{what}: {error}"))
        }
    }

    async fn add(&mut self, candidate: Candidate, effects: &mut Vec<Effect>) {
        if let Some(event) = self.candidate_event(&candidate, crate::event::Direction::Remote) {
            effects.push(Effect::Tell(event));
        }
        if let Err(error) = self.rtc.add_candidate(candidate).await {
            effects.push(self.complaint(&format!("candidate: {error}")));
        }
    }

    /// A candidate as an event; none for one that cannot be read.
    pub(super) fn candidate_event(
        &self,
        candidate: &Candidate,
        direction: crate::event::Direction,
    ) -> Option<Event> {
        let parts = sdp::candidate_parts(&candidate.candidate)?;
        let kind = match parts.kind {
            "host" => EndpointType::Host,
            "srflx" => EndpointType::Srflx,
            "prflx" => EndpointType::Prflx,
            "relay" => EndpointType::Relay,
            _ => return None,
        };
        let address = if parts.address.contains(':') {
            format!("[{}]:{}", parts.address, parts.port)
        } else {
            format!("{}:{}", parts.address, parts.port)
        };
        let protocol = if parts.protocol.eq_ignore_ascii_case("tcp") {
            Protocol::Tcp
        } else {
            Protocol::Udp
        };
        Some(Event::Candidate {
            peer: Some(self.party.peer.to_string()),
            direction,
            endpoint: Endpoint {
                kind,
                address,
                protocol,
            },
        })
    }

    fn frame(&mut self, event: Wire) -> Effect {
        if matches!(event, Wire::Offer(_)) {
            self.offer = Some(event.clone());
        }
        Effect::Frame(self.outgoing(event))
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

    fn complaint(&self, what: &str) -> Effect {
        Effect::Tell(super::words::malformed(self.party.peer.as_str(), what))
    }

    /// Takes what happened on a channel.
    pub(super) async fn channel(&mut self, event: ChannelEvent) -> Vec<Effect> {
        match event {
            ChannelEvent::Opened(channel) => self.opened(channel),
            ChannelEvent::Text(channel, text) => return self.text(&channel, text).await,
            ChannelEvent::Binary(channel, bytes) => {
                return vec![Effect::Binary {
                    label: channel.label().to_owned(),
                    bytes: bytes.to_vec(),
                }];
            }
            ChannelEvent::Closed(channel) => return self.channel_closed(&channel),
        }
        Vec::new()
    }

    fn opened(&mut self, channel: Channel) {
        if is_control(&channel) {
            self.control = Some(channel);
        } else if self.chat.is_none() || !channel.is_ours() {
            // A tutorial page listens on the channel that it opened itself.
            self.chat = Some(channel);
        }
    }

    async fn text(&mut self, channel: &Channel, text: String) -> Vec<Effect> {
        if is_control(channel) {
            return match Control::parse(&text) {
                Some(Control::Bye(bye)) => vec![Effect::Bye {
                    reason: bye.reason,
                    direct: true,
                }],
                Some(Control::Ack(seq)) => {
                    self.outbox.acknowledge(seq);
                    Vec::new()
                }
                None => Vec::new(),
            };
        }
        let label = channel.label().to_owned();
        if channel.protocol() != shared::SUBPROTOCOL {
            return vec![Effect::Message { label, text }];
        }
        let Some(message) = Numbered::parse(&text) else {
            return vec![self.complaint("a chat message without a number")];
        };
        let new = self.inbox.accept(message.seq);
        if let Some(control) = &self.control {
            let _ = control
                .send_text(&Control::Ack(message.seq).to_text())
                .await;
        }
        if new {
            vec![Effect::Message {
                label,
                text: message.text,
            }]
        } else {
            Vec::new()
        }
    }

    fn channel_closed(&mut self, channel: &Channel) -> Vec<Effect> {
        let is = |known: &Option<Channel>| known.as_ref().is_some_and(|known| known.is(channel));
        let last_of_tutorial = is(&self.chat) && self.party.dialect == Dialect::Tutorial;
        let control_gone = is(&self.control);
        if is(&self.chat) {
            self.chat = None;
        }
        if control_gone {
            self.control = None;
        }
        // A page that is closed says nothing else.
        if last_of_tutorial || control_gone {
            return vec![Effect::Bye {
                reason: "closed the connection".to_owned(),
                direct: true,
            }];
        }
        Vec::new()
    }

    /// Hands waiting messages to the channel, as many as it takes.
    pub(super) async fn flush_messages(&mut self) {
        if !self.was_connected() {
            return;
        }
        let Some(chat) = &self.chat else { return };
        let numbered = chat.protocol() == shared::SUBPROTOCOL;
        while let Some(message) = self.outbox.next() {
            let sent = if numbered {
                chat.send_text(&message.to_text()).await
            } else {
                chat.send_text(&message.text).await
            };
            if sent.is_err() {
                return;
            }
            self.outbox.mark_sent();
            if !numbered {
                self.outbox.assume_arrived();
            }
        }
    }

    /// Says goodbye on the control channel.
    pub(super) async fn say_bye(&self, bye: &Bye) {
        if let Some(control) = &self.control {
            let _ = control
                .send_text(&Control::Bye(bye.clone()).to_text())
                .await;
        }
    }

    /// Whether the other side will hear a goodbye on the control channel.
    pub(super) fn has_control(&self) -> bool {
        self.control.is_some()
    }

    /// The channels that must be empty before the connection is closed.
    pub(super) fn open_channels_to_flush(&self) -> Vec<Channel> {
        self.control.iter().chain(&self.chat).cloned().collect()
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

fn is_control(channel: &Channel) -> bool {
    channel.label() == CONTROL && channel.protocol() == shared::SUBPROTOCOL
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
