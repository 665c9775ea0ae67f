//! Hanging up, being hung up on, giving up.

use std::time::{Duration, Instant};

use super::examiner::OwnedFact;
use super::session::{Key, Phase, Session, SessionEvent};
use super::{Call, Outcome, words};
use crate::cli::HangUp;
use crate::event::{EndedBy, Event};
use crate::exit::{Exit, Failure};
use crate::proto::lobby;
use shared::{PeerEvent as Wire, PeerId, Role};

/// A plain room forgets: an offer is said again this often until answered.
pub(super) const REPEAT_OFFER: Duration = Duration::from_secs(2);

/// Messages may take this long to be acknowledged once we hang up.
const FLUSH: Duration = Duration::from_secs(2);
/// The same when somebody pressed Ctrl-C.
const FLUSH_INTERRUPTED: Duration = Duration::from_millis(200);
/// The goodbye on the control channel may take this long to be acknowledged.
const FLUSH_BYE: Duration = Duration::from_millis(250);
/// Sound may still be on its way after the goodbye that came through the server.
const STRAGGLERS: Duration = Duration::from_millis(300);
/// What is buffered is played out within this time.
const PLAY_OUT: Duration = Duration::from_millis(600);

impl Call {
    /// Ends the command: hangs up every call.
    pub(super) async fn end(&mut self, exit: Exit, reason: impl Into<String>) {
        if self.outcome.is_some() {
            return;
        }
        let outcome = Outcome::new(exit, reason);
        let reason = outcome.reason.clone();
        self.outcome = Some(outcome);
        let patience = match exit {
            Exit::Interrupted | Exit::Terminated => FLUSH_INTERRUPTED,
            _ => FLUSH,
        };
        let keys: Vec<Key> = self.sessions.keys().copied().collect();
        for key in keys {
            self.hang_up(key, &reason, patience).await;
        }
    }

    /// Somebody pressed Ctrl-C, or the system asks to end.
    pub(super) async fn interrupt(&mut self, exit: Exit) {
        self.end(exit, exit.meaning()).await;
    }

    /// Starts hanging up one call; it ends once its messages have left.
    pub(super) async fn hang_up(&mut self, key: Key, reason: &str, patience: Duration) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        match session.phase {
            Phase::Connected => {
                session.phase = Phase::Leaving {
                    until: Instant::now() + patience,
                    reason: reason.to_owned(),
                };
                self.leave(key, Instant::now()).await;
            }
            Phase::Connecting { .. } => {
                let frame = session.outgoing(Wire::Bye(session.bye(reason)));
                if session.party.directed {
                    self.send(frame).await;
                }
                self.finish(key, EndedBy::Local, reason).await;
            }
            Phase::Leaving { .. } | Phase::Draining { .. } | Phase::Closing => {}
        }
    }

    /// Says goodbye once all messages are acknowledged, or their time is over.
    async fn leave(&mut self, key: Key, now: Instant) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let Phase::Leaving { until, .. } = &session.phase else {
            return;
        };
        let out = *until <= now;
        session.flush_messages().await;
        if out || session.outbox.is_empty() {
            self.say_goodbye(key).await;
        }
    }

    /// Says the last words of a call whose messages have left.
    async fn say_goodbye(&mut self, key: Key) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let Phase::Leaving { reason, .. } = &session.phase else {
            return;
        };
        let bye = session.bye(reason);
        session.reason.clone_from(reason);
        session.phase = Phase::Closing;
        session.say_bye(&bye).await;
        let frame = session.outgoing(Wire::Bye(bye));
        let channels = session.open_channels_to_flush();
        let events = self.session_tx.clone();
        tokio::spawn(async move {
            let flushed = async {
                for channel in &channels {
                    channel.flush().await;
                }
            };
            let _ = tokio::time::timeout(FLUSH_BYE, flushed).await;
            let _ = events.send((key, SessionEvent::Closed)).await;
        });
        self.desk.stop_sending(key);
        self.send(frame).await;
    }

    /// The last words have left.
    pub(super) async fn finish_leaving(&mut self, key: Key) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        let reason = session.reason.clone();
        self.finish(key, EndedBy::Local, &reason).await;
    }

    /// The other side said goodbye.
    pub(super) async fn on_bye(&mut self, key: Key, reason: String, direct: bool) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let now = Instant::now();
        match &mut session.phase {
            Phase::Connected | Phase::Leaving { .. } => {
                // Both goodbyes overtake sound that is still on its way; that of the server most.
                let wait = if direct || !session.has_control() {
                    Duration::ZERO
                } else {
                    STRAGGLERS
                };
                session.phase = Phase::Draining {
                    until: now + wait,
                    reason,
                    draining: false,
                };
            }
            Phase::Draining {
                until, draining, ..
            } if direct && !*draining => *until = now,
            // They hang up on us while we hang up on them.
            Phase::Closing => self.finish_leaving(key).await,
            Phase::Draining { .. } => {}
            Phase::Connecting { .. } => self.on_declined(key, &reason).await,
        }
    }

    async fn on_declined(&mut self, key: Key, reason: &str) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        let (ours, name) = (session.party.ours, session.party.name.clone());
        self.finish(key, EndedBy::Remote, reason).await;
        if ours && self.sessions.is_empty() {
            let text = format!("{name} declined: {}", printable(reason));
            self.end(Exit::NobodyAnswered, text).await;
        }
    }

    /// Everything that arrived has been played.
    pub(super) async fn on_drained(&mut self, key: Key) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        if let Phase::Draining { reason, .. } = &session.phase {
            let reason = reason.clone();
            self.finish(key, EndedBy::Remote, &reason).await;
        }
    }

    /// The callee holds as many calls as it wants.
    pub(super) async fn on_busy(&mut self, key: Key) -> Result<(), Failure> {
        let Some(session) = self.sessions.get(&key) else {
            return Ok(());
        };
        if session.was_connected() {
            return Ok(());
        }
        let (peer, name) = (session.party.peer.clone(), session.party.name.clone());
        let text = format!("\"{name}\" is busy");
        self.emit.emit(Event::warning("busy", text)).await;
        let ours = session.party.ours;
        self.finish(key, EndedBy::Remote, "busy").await;
        if ours {
            self.lobby.handle(Instant::now(), lobby::Input::Busy(peer));
        }
        self.follow_lobby().await
    }

    /// Somebody left the room; that never ends a call that is up.
    pub(super) async fn on_left(&mut self, id: &PeerId) -> Result<(), Failure> {
        let pending: Vec<Key> = self
            .sessions
            .values()
            .filter(|s| s.party.peer == *id && matches!(s.phase, Phase::Connecting { .. }))
            .map(|s| s.key)
            .collect();
        for key in pending {
            self.finish(key, EndedBy::Remote, "left").await;
        }
        Ok(())
    }

    /// No pair works, or the one that did works no longer.
    pub(super) async fn on_failed(&mut self, key: Key) -> Result<(), Failure> {
        let Some(session) = self.sessions.get(&key) else {
            return Ok(());
        };
        let name = session.party.name.clone();
        match session.phase {
            Phase::Connecting { .. } => {
                let reason = format!("no path to {name}");
                self.give_up(key, Exit::NoPath, reason).await;
            }
            Phase::Connected => self.on_vanished(key).await,
            _ => self.finish(key, EndedBy::Remote, "closed").await,
        }
        Ok(())
    }

    async fn on_vanished(&mut self, key: Key) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        let reason = format!("{} vanished", session.party.name);
        self.finish(key, EndedBy::Lost, &reason).await;
        if !self.plan.keep && self.sessions.is_empty() && self.outcome.is_none() {
            self.outcome = Some(Outcome::new(Exit::Vanished, reason));
        }
    }

    /// The connection cannot be used.
    pub(super) async fn on_broken(&mut self, key: Key, why: &str) -> Result<(), Failure> {
        let Some(session) = self.sessions.get(&key) else {
            return Ok(());
        };
        if session.was_connected() {
            self.on_vanished(key).await;
            return Ok(());
        }
        if session.party.ours {
            return Err(Failure::new(Exit::Internal, why));
        }
        let event = words::malformed(session.party.peer.as_str(), why);
        self.tell(event).await;
        self.finish(key, EndedBy::Local, "unusable").await;
        Ok(())
    }

    /// Ends a call that never came up; an answerer goes on waiting.
    async fn give_up(&mut self, key: Key, exit: Exit, reason: String) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        if session.party.directed {
            let frame = session.outgoing(Wire::Bye(session.bye(&reason)));
            self.send(frame).await;
        }
        self.finish(key, EndedBy::Lost, &reason).await;
        if self.plan.role == Role::Call && !self.had_call && self.sessions.is_empty() {
            self.end(exit, reason).await;
        } else {
            self.no_path = Some(reason.clone());
            self.emit.emit(Event::warning("no-path", reason)).await;
        }
    }

    /// Removes a session and tells how it went.
    pub(super) async fn finish(&mut self, key: Key, by: EndedBy, reason: &str) {
        let Some(session) = self.sessions.remove(&key) else {
            return;
        };
        let peer = session.party.peer.clone();
        if session.was_connected() {
            self.report_end(&session, by, &printable(reason)).await;
        }
        self.desk.remove(key);
        if session.held {
            self.lobby.handle(Instant::now(), lobby::Input::Ended(peer));
        }
        let was_connected = session.was_connected();
        close(session);
        let over = !self.plan.keep && was_connected && self.sessions.is_empty();
        if over && self.outcome.is_none() && by != EndedBy::Lost {
            let done = match by {
                EndedBy::Remote => "the other side hung up",
                _ => reason,
            };
            self.outcome = Some(Outcome::new(Exit::Done, done));
        }
    }

    async fn report_end(&mut self, session: &Session, by: EndedBy, reason: &str) {
        let peer = session.party.peer.as_str();
        self.take_facts(session).await;
        for report in self.desk.checks(session.key) {
            let fact = OwnedFact::Sound {
                check: report.check,
                met: report.met,
                got: report.got,
            };
            self.examinee.report(peer, fact).await;
        }
        self.examinee.report(peer, OwnedFact::Ended).await;
        let summary = self.summary(session).await;
        self.emit
            .emit(Event::Ended {
                peer: peer.to_owned(),
                by,
                reason: Some(reason.to_owned()),
                summary,
            })
            .await;
    }

    /// When something is due that no input brings.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        let sessions = self.sessions.values().filter_map(|s| self.session_wake(s));
        sessions
            .chain(self.lobby.poll_timeout())
            .chain(self.overall_limit())
            .chain(self.next_stats)
            .chain(self.repeat_offer_at)
            .min()
    }

    fn session_wake(&self, session: &Session) -> Option<Instant> {
        match &session.phase {
            Phase::Connecting { until } => Some(*until),
            Phase::Connected => {
                let ends = session
                    .timing
                    .connected_at()
                    .zip(self.plan.session.duration)
                    .map(|(at, duration)| at + duration);
                let silence = session.silence_due().filter(|_| self.listens());
                [ends, session.lost_at, silence].into_iter().flatten().min()
            }
            Phase::Leaving { until, .. } | Phase::Draining { until, .. } => Some(*until),
            Phase::Closing => None,
        }
    }

    /// When the command gives up waiting for its first call.
    fn overall_limit(&self) -> Option<Instant> {
        if self.had_call || self.outcome.is_some() {
            return None;
        }
        let limit = match self.plan.role {
            Role::Answer if self.entered.is_some() => self.plan.session.wait_limit()?,
            _ => self.plan.session.connect_limit(),
        };
        Some(self.emit.start() + limit)
    }

    /// Does what is due.
    pub(super) async fn on_time(&mut self, now: Instant) -> Result<(), Failure> {
        if self.lobby.poll_timeout().is_some_and(|due| due <= now) {
            self.lobby.handle(now, lobby::Input::Timeout);
        }
        self.follow_lobby().await?;
        if self.repeat_offer_at.is_some_and(|due| due <= now) {
            self.repeat_offer(now).await;
        }
        let keys: Vec<Key> = self.sessions.keys().copied().collect();
        for key in keys {
            self.session_on_time(key, now).await;
        }
        self.warn_of_silence(now).await;
        self.take_stats(now).await;
        if self.overall_limit().is_some_and(|due| due <= now) {
            return self.nobody_came().await;
        }
        Ok(())
    }

    async fn session_on_time(&mut self, key: Key, now: Instant) {
        let ends = self.input_ended && self.plan.session.hang_up == HangUp::InputEnds;
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let due = |until: &Instant| *until <= now;
        match &mut session.phase {
            Phase::Connecting { until } if due(until) => {
                let (exit, reason) = if session.negotiation.is_stable() {
                    (Exit::NoPath, format!("no path to {}", session.party.name))
                } else {
                    let limit = words::seconds(self.plan.session.connect_limit());
                    let name = &session.party.name;
                    (
                        Exit::NobodyAnswered,
                        format!("{name} did not answer within {limit}"),
                    )
                };
                self.give_up(key, exit, reason).await;
            }
            Phase::Connected => {
                session.flush_messages().await;
                let connected = session.timing.connected_at().unwrap_or(now);
                let over = self
                    .plan
                    .session
                    .duration
                    .is_some_and(|d| now >= connected + d);
                if session.lost_at.is_some_and(|due| due <= now) {
                    self.on_vanished(key).await;
                } else if over {
                    self.hang_up(key, "duration is over", FLUSH).await;
                } else if session.finish || ends {
                    self.hang_up(key, "end of input", FLUSH).await;
                }
            }
            Phase::Leaving { .. } => self.leave(key, now).await,
            Phase::Draining {
                until,
                draining,
                reason,
            } if due(until) => {
                if *draining {
                    let reason = reason.clone();
                    self.finish(key, EndedBy::Remote, &reason).await;
                } else {
                    *draining = true;
                    *until = now + PLAY_OUT;
                    self.desk.drain(key);
                }
            }
            _ => {}
        }
    }

    async fn repeat_offer(&mut self, now: Instant) {
        self.repeat_offer_at = None;
        let open = |session: &&Session| {
            session.party.ours && !session.party.directed && session.negotiation.is_offering()
        };
        let Some(session) = self.sessions.values().find(open) else {
            return;
        };
        if let Some(offer) = &session.offer {
            let frame = session.outgoing(offer.clone());
            self.send(frame).await;
        }
        self.repeat_offer_at = Some(now + REPEAT_OFFER);
    }

    async fn nobody_came(&mut self) -> Result<(), Failure> {
        if self.entered.is_none() {
            return Err(self.unreachable.take().unwrap_or_else(|| {
                Failure::new(
                    Exit::Signaling,
                    "the signaling server did not answer in time",
                )
            }));
        }
        let limit = words::seconds(self.plan.session.connect_limit());
        let stable = self.sessions.values().find(|s| s.negotiation.is_stable());
        let (exit, reason) = match (stable, self.no_path.take()) {
            (Some(session), _) => (Exit::NoPath, format!("no path to {}", session.party.name)),
            (None, Some(no_path)) => (Exit::NoPath, no_path),
            (None, None) if self.plan.role == Role::Answer => (
                Exit::NobodyAnswered,
                format!("nobody called in {} within {limit}", self.room_name()),
            ),
            (None, None) => (
                Exit::NobodyAnswered,
                format!("nobody answered in {} within {limit}", self.room_name()),
            ),
        };
        self.end(exit, reason).await;
        Ok(())
    }
}

/// Closes a connection beside everything else.
fn close(session: Session) {
    tokio::spawn(async move { session.rtc.close().await });
}

/// What the other side wrote as a reason, short and harmless.
fn printable(reason: &str) -> String {
    const LONGEST: usize = 100;
    reason
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect()
}
