//! One loop that feeds the machines and carries out what they decide.
//!
//! It owns every session, the room, the sound desk and the way to the printer; everything else
//! reaches it through a queue. Each room beside this file holds one kind of thing to do: `inputs`
//! what is waited for, `room` presence, `servers` STUN and TURN, `frames` and `offers` what peers
//! say, `origins` who may listen, `progress` what connections do, `hearing` sound and messages,
//! `timers` what is due, `ending` hanging up, `farewell` goodbyes that come too early, `failing` what comes to nothing,
//! `nowhere` why there is no path, `recovery` paths that are lost, `returning` pages that are loaded anew, `report` statistics.

mod console;
mod digits;
mod emitter;
mod ending;
mod examiner;
mod failing;
mod farewell;
mod frames;
mod hearing;
mod inputs;
mod nowhere;
mod offers;
mod origins;
mod plan;
mod progress;
mod recovery;
mod report;
mod returning;
mod room;
mod servers;
mod session;
mod sound;
mod timers;
mod timing;
mod words;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use shared::{Candidate, PeerId, SessionId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use console::{Console, Meter};
pub use emitter::Emitter;
pub use examiner::{Examinee, Examiner};
pub use plan::{Lines, Outcome, Plan};
pub use sound::Control;

use crate::checks::Verdict;
use crate::event::Event;
use crate::exit::{Exit, Failure};
use crate::proto::lobby::{self, Lobby};
use crate::proto::throttle::Throttle;
use crate::rtc::watch_addresses;
use crate::signal::Signal;
use inputs::Input;
use returning::Returning;
use servers::Offered;
use session::{Effect, Key, Session, SessionEvent};
use sound::{SoundDesk, SoundEvent};
use words::Limiter;

/// Events of connections on their way; their tasks wait when it is full.
const SESSION_QUEUE: usize = 256;
/// Events of the sound path on their way.
const SOUND_QUEUE: usize = 64;
/// Candidates that came before their offer.
const MAX_ORPHANS: usize = 128;
/// How long the last frames may take to leave.
const GOODBYE: Duration = Duration::from_millis(500);

/// The calls of one command.
pub struct Call {
    plan: Plan,
    signal: Option<Signal>,
    emit: Emitter,
    examinee: Examinee,
    stop: watch::Receiver<Option<Exit>>,
    input: Option<mpsc::Receiver<String>>,
    console: Option<Console>,
    lobby: Lobby,
    me: Option<PeerId>,
    plain: bool,
    /// The signaling server is reached.
    signaling: bool,
    /// Of this machine, as last heard.
    addresses: Vec<IpAddr>,
    moves: mpsc::Receiver<Vec<IpAddr>>,
    /// When signaling was first reached, and how long that took.
    entered: Option<Instant>,
    unreachable: Option<Failure>,
    sessions: BTreeMap<Key, Session>,
    /// Connections that are being closed: relays want to be told.
    closings: JoinSet<()>,
    last_key: Key,
    desk: SoundDesk,
    session_tx: mpsc::Sender<(Key, SessionEvent)>,
    session_rx: mpsc::Receiver<(Key, SessionEvent)>,
    sound_rx: mpsc::Receiver<SoundEvent>,
    /// Candidates without a session yet: from whom, of which session.
    orphans: VecDeque<(PeerId, Option<SessionId>, Candidate)>,
    /// Lines typed before anybody was there.
    unsaid: Vec<String>,
    input_ended: bool,
    next_stats: Option<Instant>,
    repeat_offer_at: Option<Instant>,
    malformed: Limiter,
    /// STUN and TURN servers of the signaling server.
    offered: Offered,
    /// Offers of others.
    throttle: Throttle,
    /// Set once the command is to end; sessions may still be saying goodbye.
    outcome: Option<Outcome>,
    had_call: bool,
    no_path: Option<String>,
    /// Who was busy, in words.
    busy: Option<String>,
    /// A call to offer once more, to this peer or to the whole plain room.
    again: Option<Option<PeerId>>,
    /// Connections that could not be used.
    attempts: u32,
    /// A page that may come back.
    returning: Option<Returning>,
}

impl Call {
    /// Opens the sound and takes its place; nothing is sent before [`Self::run`].
    ///
    /// # Errors
    /// When a named device or file cannot be opened.
    pub async fn new(plan: Plan, lines: Lines) -> Result<Self, Failure> {
        let (session_tx, session_rx) = mpsc::channel(SESSION_QUEUE);
        let (sound_tx, sound_rx) = mpsc::channel(SOUND_QUEUE);
        let mut desk = open_desk(&plan, sound_tx, &lines.emit).await?;
        if let Some(console) = &lines.console {
            desk.show(console.meter.levels.clone());
        }
        let lobby = Lobby::new(lobby::Options {
            role: plan.role,
            to: plan.to.clone(),
            capacity: plan.peers,
        });
        Ok(Self {
            signal: Some(lines.signal),
            emit: lines.emit,
            examinee: lines.examinee,
            stop: lines.stop,
            input: lines.input,
            console: lines.console,
            lobby,
            me: None,
            plain: false,
            signaling: false,
            addresses: Vec::new(),
            moves: watch_addresses(),
            entered: None,
            unreachable: None,
            sessions: BTreeMap::new(),
            closings: JoinSet::new(),
            last_key: 0,
            desk,
            session_tx,
            session_rx,
            sound_rx,
            orphans: VecDeque::new(),
            unsaid: Vec::new(),
            input_ended: false,
            next_stats: None,
            repeat_offer_at: None,
            malformed: Limiter::default(),
            offered: Offered::default(),
            throttle: Throttle::default(),
            outcome: None,
            had_call: false,
            no_path: None,
            busy: None,
            again: None,
            attempts: 0,
            returning: None,
            plan,
        })
    }

    /// Runs until everything is said.
    ///
    /// # Errors
    /// When it could not be done; the calls that were up have been hung up.
    pub async fn run(mut self) -> Result<Outcome, Failure> {
        let mut failed = None;
        while self.outcome.is_none() || !self.sessions.is_empty() {
            let input = self.next().await;
            if let Some(console) = &self.console {
                console.meter.set_calls(self.connected_count());
            }
            let done = match self.handle(input).await {
                Ok(()) => self.on_time(Instant::now()).await,
                failed => failed,
            };
            if let Err(failure) = done {
                if failed.is_some() {
                    break;
                }
                self.end(failure.exit, failure.reason.clone()).await;
                failed = Some(failure);
            }
        }
        if let Some(signal) = self.signal.take() {
            signal.close(GOODBYE).await;
        }
        let closed = self.desk.close();
        let closings = std::mem::take(&mut self.closings);
        let _ = tokio::time::timeout(GOODBYE, closings.join_all()).await;
        match failed {
            Some(failure) => Err(failure),
            None => closed.map(|()| {
                self.outcome
                    .unwrap_or_else(|| Outcome::new(Exit::Done, "done"))
            }),
        }
    }

    async fn handle(&mut self, input: Input) -> Result<(), Failure> {
        match input {
            Input::Signal(event) => return self.on_signal(event).await,
            Input::Session(key, event) => return self.on_session(key, event).await,
            Input::Sound((key, event)) => return self.on_sound(key, event).await,
            Input::Line(line) => self.on_line(line).await,
            Input::Control(control) => self.on_control(control),
            Input::Addresses(addresses) => self.on_addresses(addresses).await,
            Input::Verdict(Verdict::Met) => self.end(Exit::Done, "every expectation is met").await,
            Input::Verdict(Verdict::TimeUp) => {
                self.end(Exit::Expectation, "an expectation was not met in time")
                    .await;
            }
            Input::Stop(exit) => self.interrupt(exit).await,
            Input::PrinterGone => {
                self.end(Exit::Done, "nobody reads the output any more")
                    .await
            }
            Input::Timer => {}
        }
        Ok(())
    }

    /// Carries out what came of working on a session.
    async fn apply(&mut self, key: Key, effects: Vec<Effect>) -> Result<(), Failure> {
        for effect in effects {
            match effect {
                Effect::Frame(frame) => self.send(frame).await,
                Effect::Tell(event) => self.tell(event).await,
                Effect::Message { label, text, echo } => {
                    self.on_message(key, label, text, echo).await;
                }
                Effect::Binary { label, bytes } => self.on_binary(key, label, bytes).await,
                Effect::Bye { reason, direct } => self.on_bye(key, reason, direct).await,
                Effect::Broken(why) => self.on_broken(key, &why).await?,
                Effect::Promote => self.promote(key).await,
            }
        }
        Ok(())
    }

    /// Sends a frame; in a plain room it says itself whom it is from.
    async fn send(&self, mut frame: shared::Outgoing) {
        if self.plain {
            frame.from.clone_from(&self.me);
        }
        // What is lost of it is said again once there is a server.
        let is_negotiation = matches!(
            frame.event,
            shared::PeerEvent::Offer(_)
                | shared::PeerEvent::Answer(_)
                | shared::PeerEvent::Candidate(_)
                | shared::PeerEvent::CandidatesEnd { .. }
        );
        if is_negotiation && !self.signaling {
            return;
        }
        if let Some(signal) = &self.signal {
            signal.send(&frame).await;
        }
    }

    /// Tells an event; complaints about what others send come at most once a second.
    async fn tell(&mut self, event: Event) {
        let is_complaint =
            matches!(&event, Event::Warning { code, .. } if *code == words::MALFORMED);
        if !is_complaint || self.malformed.allows(Instant::now()) {
            self.emit.emit(event).await;
        }
    }

    /// Calls that are up or being hung up.
    fn occupied_count(&self) -> usize {
        self.sessions.values().filter(|s| s.was_connected()).count()
    }

    /// Whether all places of `--peers` are taken. Who stays for more calls takes the next one while the last sound of the one before
    /// is still being played.
    fn is_full(&self) -> bool {
        let taken = |s: &&Session| s.was_connected() && !(self.plan.keep && s.has_said_goodbye());
        self.sessions.values().filter(taken).count() >= self.plan.peers
    }

    fn connected_count(&self) -> usize {
        self.sessions.values().filter(|s| s.is_connected()).count()
    }
}

async fn open_desk(
    plan: &Plan,
    events: mpsc::Sender<SoundEvent>,
    emit: &Emitter,
) -> Result<SoundDesk, Failure> {
    let sound = plan.sound.clone();
    let runtime = tokio::runtime::Handle::current();
    // A sound system may take its time to answer.
    let opened = tokio::task::spawn_blocking(move || SoundDesk::open(sound, events, &runtime));
    let (desk, warnings) = opened
        .await
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))??;
    for warning in warnings {
        emit.emit(warning).await;
    }
    Ok(desk)
}
