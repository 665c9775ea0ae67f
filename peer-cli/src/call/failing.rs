//! Calls that come to nothing: declined, busy, no path, vanished.

use std::time::Instant;

use shared::{PeerEvent as Wire, PeerId, Role};

use super::ending::printable;
use super::session::{Dialect, Key, Phase};
use super::{Call, Outcome, words};
use crate::event::{EndedBy, Event};
use crate::exit::{Exit, Failure};
use crate::proto::lobby;

impl Call {
    pub(super) async fn on_declined(&mut self, key: Key, reason: &str) {
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

    /// Somebody left the room; that never ends a call that is up. A page that says no goodbye is
    /// watched from now on.
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
        for session in self.sessions.values_mut().filter(|s| s.party.peer == *id) {
            if session.party.dialect == Dialect::Tutorial && session.is_connected() {
                session.left = Some((Instant::now(), 0));
            }
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

    pub(super) async fn on_vanished(&mut self, key: Key) {
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
