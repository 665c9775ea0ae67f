//! Calls that come to nothing: declined, busy, no path, vanished.

use std::time::Instant;

use shared::{PeerEvent as Wire, PeerId, Role};

use super::ending::printable;
use super::session::{Dialect, Key, Phase};
use super::{Call, Outcome, words};
use crate::event::{EndedBy, Event};
use crate::exit::{Exit, Failure};
use crate::proto::lobby;
use crate::proto::recovery::{Cause, Input as Recover};

/// Connections tried with peers that answered; each takes seconds on a network this bad.
const MAX_ATTEMPTS: u32 = 4;

/// A callee that is up may still say for this long that it took somebody else.
const SECOND_THOUGHTS: std::time::Duration = std::time::Duration::from_secs(3);

impl Call {
    pub(super) async fn on_declined(&mut self, key: Key, reason: &str) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        let (ours, name) = (session.party.ours, session.party.name.clone());
        // They know that there is no path; why, can be told from here as well.
        let no_path = !ours && session.negotiation.is_agreed() && reason.starts_with("no path");
        if no_path {
            let reason = self.why_no_path(session);
            self.no_path = Some(reason.clone());
            self.emit.emit(Event::warning("no-path", reason)).await;
        }
        self.finish(key, EndedBy::Remote, reason).await;
        if ours && self.sessions.is_empty() {
            let text = format!("{name} declined: {}", printable(reason));
            self.end(Exit::NobodyAnswered, text).await;
        }
    }

    /// The callee holds as many calls as it wants.
    pub(super) async fn on_busy(&mut self, key: Key, from: &PeerId) -> Result<(), Failure> {
        let Some(session) = self.sessions.get(&key) else {
            return Ok(());
        };
        let recent = session
            .timing
            .connected_at()
            .is_none_or(|at| at.elapsed() < SECOND_THOUGHTS);
        // Two callers may both be up for a moment before one of them is told that it came second.
        if session.was_connected() && !(session.party.ours && recent) {
            return Ok(());
        }
        let directed = session.party.directed;
        let (peer, name) = (session.party.peer.clone(), self.name_of(from));
        let text = format!("\"{name}\" is busy");
        // In a plain room another one may still answer: that is told once, and waited for.
        if directed || self.busy.is_none() {
            self.emit.emit(Event::warning("busy", text.clone())).await;
        }
        self.busy = Some(text);
        if !directed {
            return Ok(());
        }
        let Some(session) = self.sessions.get(&key) else {
            return Ok(());
        };
        let ours = session.party.ours;
        if let Some(session) = self.sessions.get_mut(&key) {
            session.refused = true;
        }
        self.finish(key, EndedBy::Remote, "busy").await;
        if ours {
            self.lobby.handle(Instant::now(), lobby::Input::Busy(peer));
        }
        self.follow_lobby().await
    }

    /// Somebody left the room; that never ends a call that is up. A page that says no goodbye is
    /// watched from now on.
    pub(super) async fn on_left(&mut self, id: &PeerId) -> Result<(), Failure> {
        let pending: Vec<Key> = self
            .sessions
            .values()
            .filter(|s| s.party.peer == *id && matches!(s.phase, Phase::Connecting { .. }))
            // It has said goodbye, and is waited for.
            .filter(|s| s.early_bye.is_none())
            .map(|s| s.key)
            .collect();
        for key in pending {
            self.finish(key, EndedBy::Remote, "left").await;
        }
        for session in self.sessions.values_mut().filter(|s| s.party.peer == *id) {
            if session.party.dialect == Dialect::Tutorial && session.is_connected() {
                session.left = Some((Instant::now(), 0));
            }
        }
        Ok(())
    }

    /// No pair works, or the one that did works no longer.
    pub(super) async fn on_failed(&mut self, key: Key) -> Result<(), Failure> {
        let Some(session) = self.sessions.get_mut(&key) else {
            return Ok(());
        };
        match session.phase {
            Phase::Connecting { .. } => self.no_path(key).await,
            Phase::Connected if session.is_lost() => session.recover(Recover::Failed),
            Phase::Connected => session.recover(Recover::Lost(Cause::Failed)),
            _ => self.finish(key, EndedBy::Remote, "closed").await,
        }
        Ok(())
    }

    pub(super) async fn on_vanished(&mut self, key: Key) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        let reason = format!("{} vanished", session.party.name);
        self.say_given_up(key, &reason).await;
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
        tracing::info!(why, peer = %session.party.peer, "a connection cannot be used");
        if session.party.ours {
            self.try_again(key, why).await;
            return Ok(());
        }
        let event = words::malformed(session.party.peer.as_str(), why);
        self.tell(event).await;
        self.say_unusable(key).await;
        Ok(())
    }

    /// The crate's driver has ended by itself, as it does when a handshake loses too many packets.
    pub(super) async fn on_driver_ended(&mut self, key: Key) -> Result<(), Failure> {
        let Some(session) = self.sessions.get_mut(&key) else {
            return Ok(());
        };
        if session.is_connected() {
            session.recover(Recover::Lost(Cause::Broken));
            return Ok(());
        }
        if session.was_connected() || session.party.ours {
            return self.on_broken(key, "the handshake failed").await;
        }
        self.say_unusable(key).await;
        Ok(())
    }

    /// Drops a call that others offered, and lets them know that a new one may do better.
    async fn say_unusable(&mut self, key: Key) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        if session.party.directed {
            let frame = session.outgoing(Wire::Bye(session.bye("unusable")));
            self.send(frame).await;
        }
        self.finish(key, EndedBy::Local, "unusable").await;
        // In a plain room our own offer may have made way for this one.
        let alone = self.sessions.is_empty() && !self.had_call && self.outcome.is_none();
        if self.plain && self.plan.role == Role::Call && alone {
            self.again = Some(None);
        }
    }

    /// Offers the same peer a new connection in place of one that cannot be used.
    pub(super) async fn try_again(&mut self, key: Key, why: &str) {
        self.attempts += 1;
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let (name, directed) = (session.party.name.clone(), session.party.directed);
        let peer = session.party.peer.clone();
        if self.attempts >= MAX_ATTEMPTS {
            let reason = format!("no connection with {name}: {}", printable(why));
            self.give_up(key, Exit::NoPath, reason).await;
            return;
        }
        // The lobby still counts it: nobody else is called meanwhile.
        session.held = false;
        self.finish(key, EndedBy::Local, why).await;
        self.again = Some(directed.then_some(peer));
    }

    /// Ends a call that never came up; an answerer goes on waiting.
    pub(super) async fn give_up(&mut self, key: Key, exit: Exit, reason: String) {
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
}
