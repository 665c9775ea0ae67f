//! What is due by time alone.

use std::time::Instant;

use shared::Role;

use super::ending::{FLUSH, PLAY_OUT};
use super::offers::REPEAT_OFFER;
use super::session::{Key, Phase, Session};
use super::{Call, words};
use crate::event::EndedBy;
use crate::exit::{Exit, Failure};
use crate::proto::lobby;

impl Call {
    /// When something is due that no input brings.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        let sessions = self.sessions.values().filter_map(|s| self.session_wake(s));
        sessions
            .chain(self.lobby.poll_timeout())
            .chain(self.overall_limit())
            .chain(self.next_stats)
            .chain(self.repeat_offer_at)
            .chain(self.returns_until())
            .chain(self.offered.due().filter(|_| self.outcome.is_none()))
            .min()
    }

    fn session_wake(&self, session: &Session) -> Option<Instant> {
        match &session.phase {
            // Nothing is waited for once the command ends.
            Phase::Connecting { .. } if self.outcome.is_some() => Some(Instant::now()),
            Phase::Connecting { until } => {
                let hopeless = self.hopeless_at(session);
                Some(hopeless.map_or(*until, |at| at.min(*until)))
            }
            Phase::Connected => {
                let ends = session
                    .timing
                    .connected_at()
                    .zip(self.plan.session.duration)
                    .map(|(at, duration)| at + duration);
                let silence = session.silence_due().filter(|_| self.listens());
                let held = session.held_back();
                let path = session.recovery.as_ref().and_then(|r| r.poll_timeout());
                [ends, path, session.stuck_at(), silence, held]
                    .into_iter()
                    .flatten()
                    .min()
            }
            Phase::Leaving { until, .. } => Some(session.held_back().unwrap_or(*until).min(*until)),
            Phase::Draining { until, .. } => Some(*until),
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
        if let Some(peer) = self.again.take()
            && self.outcome.is_none()
        {
            self.offer(peer).await?;
        }
        if self.repeat_offer_at.is_some_and(|due| due <= now) {
            self.repeat_offer(now).await?;
        }
        self.stop_waiting(now);
        if self.outcome.is_some() {
            self.drop_pending("the other side has hung up").await;
        }
        // Before the sessions, which run out at about the same time: this one knows why.
        if self.overall_limit().is_some_and(|due| due <= now) {
            self.nobody_came().await?;
        }
        let keys: Vec<Key> = self.sessions.keys().copied().collect();
        for key in keys {
            self.early_bye_on_time(key, now).await?;
            self.session_on_time(key, now).await;
            self.find_path(key, now).await?;
        }
        self.warn_of_silence(now).await;
        self.ask_for_servers(now).await;
        self.take_stats(now).await;
        Ok(())
    }

    async fn session_on_time(&mut self, key: Key, now: Instant) {
        let hopeless = self.sessions.get(&key).and_then(|s| self.hopeless_at(s));
        if hopeless.is_some_and(|due| due <= now) {
            return self.no_path(key).await;
        }
        let ends = self.ends_with_input();
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let due = |until: &Instant| *until <= now;
        match &mut session.phase {
            Phase::Connecting { until } if due(until) => {
                if session.negotiation.is_agreed() {
                    return self.no_path(key).await;
                }
                let limit = words::seconds(self.plan.session.connect_limit());
                let reason = format!("{} did not answer within {limit}", session.party.name);
                self.give_up(key, Exit::NobodyAnswered, reason).await;
            }
            Phase::Connected => {
                session.flush_messages().await;
                let connected = session.timing.connected_at().unwrap_or(now);
                let over = self
                    .plan
                    .session
                    .duration
                    .is_some_and(|d| now >= connected + d);
                if over {
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

    async fn repeat_offer(&mut self, now: Instant) -> Result<(), Failure> {
        self.repeat_offer_at = None;
        let open = |session: &&Session| {
            session.party.ours && !session.party.directed && session.negotiation.is_offering()
        };
        let Some(session) = self.sessions.values().find(open) else {
            return Ok(());
        };
        if let Some(offer) = &session.offer {
            let frame = offer.clone();
            self.send(frame).await;
            self.repeat_offer_at = Some(now + REPEAT_OFFER);
            return Ok(());
        }
        // A bad answer has spoiled the connection: a new one takes its place.
        let spoiled = session.key;
        self.offer(None).await?;
        self.finish(spoiled, EndedBy::Local, "unusable").await;
        Ok(())
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
        let stable = self.sessions.values().find(|s| s.negotiation.is_agreed());
        let (exit, reason) = match (stable, self.no_path.take()) {
            (Some(session), _) => (Exit::NoPath, self.why_no_path(session)),
            (None, Some(no_path)) => (Exit::NoPath, no_path),
            (None, None) if self.plan.role == Role::Answer => (
                Exit::NobodyAnswered,
                format!("nobody called in {} within {limit}", self.room_name()),
            ),
            (None, None) => (
                Exit::NobodyAnswered,
                self.busy.take().unwrap_or_else(|| {
                    format!("nobody answered in {} within {limit}", self.room_name())
                }),
            ),
        };
        self.end(exit, reason).await;
        Ok(())
    }
}
