//! Hanging up, being hung up on, giving up.

use std::time::{Duration, Instant};

use super::examiner::OwnedFact;
use super::session::{self, CLOSED, Key, Phase, Session, SessionEvent};
use super::{Call, Outcome};
use crate::event::{EndedBy, Event};
use crate::exit::Exit;
use crate::proto::lobby;
use shared::PeerEvent as Wire;

/// Messages may take this long to be acknowledged once we hang up.
pub(super) const FLUSH: Duration = Duration::from_secs(5);
/// The same when somebody pressed Ctrl-C.
const FLUSH_INTERRUPTED: Duration = Duration::from_millis(200);
/// The goodbye on the control channel may take this long to be acknowledged.
const FLUSH_BYE: Duration = Duration::from_millis(250);
/// Sound may still be on its way after the goodbye that came through the server.
const STRAGGLERS: Duration = Duration::from_millis(300);
/// What is buffered is played out within this time.
pub(super) const PLAY_OUT: Duration = Duration::from_millis(600);

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
    pub(super) async fn leave(&mut self, key: Key, now: Instant) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let Phase::Leaving { until, .. } = &session.phase else {
            return;
        };
        let out = *until <= now;
        session.flush_messages().await;
        let lost = session.outbox.len();
        if out && lost > 0 {
            let name = &session.party.name;
            let text = format!("{lost} messages to {name} were not acknowledged");
            self.emit.emit(Event::warning("messages-lost", text)).await;
        }
        if out || lost == 0 {
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
                until,
                draining,
                reason: known,
            } => {
                // The channels of a page that goes may close before its last words have come through the server.
                if known == CLOSED {
                    *known = reason;
                }
                if direct && !*draining {
                    *until = now;
                }
            }
            // They hang up on us while we hang up on them.
            Phase::Closing => self.finish_leaving(key).await,
            // On their channel it comes only when they are up.
            Phase::Connecting { .. } if direct => self.on_early_bye(key, reason).await,
            Phase::Connecting { .. } => self.on_declined(key, &reason).await,
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
        let counts = session.was_connected() && !session.refused;
        // Offers that have come to nothing yet do not keep a command alive.
        let over = !self.plan.keep
            && counts
            && self.occupied_count() == 0
            && self.outcome.is_none()
            && by != EndedBy::Lost;
        let stays = over && by == EndedBy::Remote && self.stays_for(&peer, reason).await;
        if session.held && !stays {
            self.lobby.handle(Instant::now(), lobby::Input::Ended(peer));
        }
        if self.sessions.is_empty() && !self.plain {
            // To nobody: for the server, which counts how calls come out.
            let mut word = session.outgoing(Wire::Bye(session.bye(reason)));
            word.to = None;
            self.send(word).await;
        }
        // Beside everything else; the command waits for it at its very end.
        self.closings.spawn(session::close(session));
        if over && !stays {
            let done = match by {
                EndedBy::Remote => "the other side hung up",
                _ => reason,
            };
            self.outcome = Some(Outcome::new(Exit::Done, done));
        }
    }

    async fn report_end(&mut self, session: &Session, by: EndedBy, reason: &str) {
        let peer = session.party.peer.as_str();
        let moment = session.link.rtc.stats().await;
        self.report_facts(session, &moment).await;
        let dropped = session.link.rtc.dropped_sound();
        if dropped > 0 {
            tracing::info!(dropped, "packets of sound came faster than they were taken");
        }
        for report in self.desk.checks(session.key) {
            let fact = OwnedFact::Sound {
                check: report.check,
                met: report.met,
                got: report.got,
            };
            self.examinee.report(peer, fact).await;
        }
        self.examinee.report(peer, OwnedFact::Ended).await;
        let summary = self.summary(session, &moment);
        self.emit
            .emit(Event::Ended {
                peer: peer.to_owned(),
                by,
                reason: Some(reason.to_owned()),
                summary,
            })
            .await;
    }
}

/// What the other side wrote as a reason, short and harmless.
pub(super) fn printable(reason: &str) -> String {
    const LONGEST: usize = 100;
    reason
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect()
}
