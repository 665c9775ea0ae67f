//! One call: its signaling, its connection, and its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use peer_cli::net::Dialer;
use peer_cli::proto::channels::Channels;
use peer_cli::proto::packet::Codec;
use peer_cli::proto::sending::Wanted;
use peer_cli::rtc::{
    ChannelEvent, ConnectionState, Peer, PeerEvent as RtcEvent, PeerOptions, PeerStreams,
    RelayPolicy, Sound, SoundPath,
};
use peer_cli::signal::{Entered, Signal, SignalEvent, websocket};
use shared::{
    App, Bye, Candidate, Description, Event, Hello, Outcome, Outgoing, PeerEvent, PeerId, Role,
    SdpType, Secret, SessionId,
};
use tokio::time::{Instant as TokioInstant, sleep_until};
use url::Url;

use crate::line::Line;

/// An offer that the other side had no time for is said again.
const AGAIN: Duration = Duration::from_secs(2);
/// Last words may take so long to leave.
const GOODBYE: Duration = Duration::from_secs(1);
/// Labels of the channels of a call (shared/PROTOCOL.md).
const CHANNELS: [&str; 2] = ["control", "chat"];

/// A call that is up.
pub(crate) struct Call {
    signal: Signal,
    peer: Peer,
    streams: PeerStreams,
    frames: Frames,
    pub(crate) line: Line,
    /// From the offer to a channel that is open.
    pub(crate) setup: Duration,
}

/// The frames of one session.
#[derive(Clone)]
struct Frames {
    to: PeerId,
    session: SessionId,
}

impl Frames {
    fn frame(&self, event: PeerEvent, generation: Option<u64>) -> Outgoing {
        Outgoing {
            to: Some(self.to.clone()),
            from: None,
            session: Some(self.session.clone()),
            generation,
            event,
        }
    }

    fn offer(&self, sdp: &str) -> Outgoing {
        let description = Description {
            kind: SdpType::Offer,
            sdp: sdp.to_owned(),
        };
        self.frame(PeerEvent::Offer(description), Some(1))
    }
}

/// Calls whoever waits in the room.
///
/// # Errors
/// When the server is not reached, nobody waits, or no connection comes up.
pub(crate) async fn connect(server: Url, packets: Arc<[Bytes]>) -> Result<Call> {
    let hello = Hello {
        version: shared::VERSION,
        name: None,
        role: Role::Call,
        app: App::Call,
        secret: Secret::new(peer_cli::entropy::hex::<16>()),
    };
    let mut signal = websocket::connect(server, hello, Dialer::default());
    let to = answerer(&mut signal).await?;
    let session = SessionId::new(peer_cli::entropy::hex::<8>())?;
    let begun = Instant::now();
    let (path, arriving) = SoundPath::new();
    let (mut peer, streams) = Peer::open(&options(), &path).await?;
    for label in CHANNELS {
        peer.open_channel(label, shared::SUBPROTOCOL).await?;
    }
    let (line, leaving) = Line::new(packets);
    let frames = Frames { to, session };
    let sdp = peer.offer().await?;
    signal.send(&frames.offer(&sdp)).await;
    let mut call = Call {
        signal,
        peer,
        streams,
        frames,
        line: line.clone(),
        setup: Duration::ZERO,
    };
    call.come_up(&sdp).await?;
    call.setup = begun.elapsed();
    call.peer.settle();
    call.peer.send_sound(leaving);
    tokio::spawn(line.listen(arriving));
    Ok(call)
}

/// Loopback alone, without a server of any kind.
fn options() -> PeerOptions {
    PeerOptions {
        bind: vec![],
        loopback: true,
        loopback_only: true,
        stun: vec![],
        turn: vec![],
        relay: RelayPolicy::Never,
        dialer: Dialer::default(),
        impairment: None,
        sound: Sound::Both,
        codecs: vec![Codec::Opus],
        channels: Channels::Mono,
        wanted: Wanted::default(),
    }
}

async fn answerer(signal: &mut Signal) -> Result<PeerId> {
    loop {
        match signal.next().await.context("signaling has ended")? {
            SignalEvent::Entered(Entered::PeerV1(welcome)) => {
                let waits = |peer: &&shared::PeerInfo| peer.role == Some(Role::Answer);
                let found = welcome.peers.iter().find(waits);
                return Ok(found.context("nobody waits in the room")?.id.clone());
            }
            SignalEvent::Entered(Entered::Plain) => bail!("the server speaks no peer.v1"),
            SignalEvent::Unreachable(failure) | SignalEvent::Refused(failure) => {
                return Err(failure.into());
            }
            _ => {}
        }
    }
}

impl Call {
    /// Carries frames and candidates until DTLS and a channel are up.
    async fn come_up(&mut self, sdp: &str) -> Result<()> {
        let (mut transport, mut channel, mut answered) = (false, false, false);
        let mut again = TokioInstant::now() + AGAIN;
        while !(transport && channel) {
            tokio::select! {
                event = self.signal.next() => {
                    answered |= self.on_signal(event.context("signaling has ended")?).await?;
                }
                Some(event) = self.streams.events.recv() => match event {
                    RtcEvent::Candidate(found) => self.send(PeerEvent::Candidate(found)).await,
                    RtcEvent::CandidatesEnd => {
                        let username_fragment = None;
                        self.send(PeerEvent::CandidatesEnd { username_fragment }).await;
                    }
                    RtcEvent::Connection(ConnectionState::Connected) => transport = true,
                    RtcEvent::Connection(ConnectionState::Failed) | RtcEvent::DriverEnded => {
                        bail!("the connection failed")
                    }
                    _ => {}
                },
                Some(event) = self.streams.channels.recv() => {
                    channel |= matches!(event, ChannelEvent::Opened(_));
                }
                () = sleep_until(again), if !answered => {
                    again = TokioInstant::now() + AGAIN;
                    self.signal.send(&self.frames.offer(sdp)).await;
                }
            }
        }
        Ok(())
    }

    /// True for the answer.
    async fn on_signal(&mut self, event: SignalEvent) -> Result<bool> {
        let frame = match event {
            SignalEvent::Frame(frame) => frame,
            SignalEvent::Refused(failure) => return Err(failure.into()),
            _ => return Ok(false),
        };
        let Event::Peer(event) = frame.event else {
            return Ok(false);
        };
        match event {
            PeerEvent::Answer(answer) => {
                self.peer.accept(&answer.sdp).await?;
                return Ok(true);
            }
            PeerEvent::Candidate(candidate) => self.add(candidate).await,
            PeerEvent::Busy => bail!("the other side is busy"),
            PeerEvent::Bye(bye) => bail!("the other side said goodbye: {}", bye.reason),
            _ => {}
        }
        Ok(false)
    }

    async fn add(&self, candidate: Candidate) {
        // One that cannot be used is one path less; whether any is left shows in time.
        let _ = self.peer.add_candidate(candidate).await;
    }

    async fn send(&self, event: PeerEvent) {
        self.signal.send(&self.frames.frame(event, None)).await;
    }

    /// Waits until the call is lost, and says why; for ever as long as it is not.
    pub(crate) async fn lost(&mut self) -> String {
        loop {
            tokio::select! {
                event = self.signal.next() => match event {
                    Some(event) => if let Err(error) = self.on_signal(event).await {
                        return error.to_string();
                    },
                    None => return "signaling has ended".to_owned(),
                },
                Some(event) = self.streams.events.recv() => match event {
                    RtcEvent::Connection(ConnectionState::Disconnected | ConnectionState::Failed)
                    | RtcEvent::DriverEnded => return "the connection is lost".to_owned(),
                    _ => {}
                },
                Some(_) = self.streams.channels.recv() => {}
            }
        }
    }

    /// Says goodbye and closes.
    pub(crate) async fn hang_up(self) {
        let bye = Bye {
            reason: "duration is over".to_owned(),
            outcome: Some(Outcome::Direct),
            setup_ms: Some(self.setup.as_secs_f64() * 1e3),
        };
        self.send(PeerEvent::Bye(bye)).await;
        self.peer.close().await;
        self.signal.close(GOODBYE).await;
    }
}
