//! Goodbyes that come before the call is up here: the way through the server may be the shorter one.

use std::time::{Duration, Instant};

use super::Call;
use super::ending::printable;
use super::session::{Key, Phase, Session};
use crate::exit::{Exit, Failure};

/// They were up, and hung up before we were: what we lack, a packet or the word of a task, comes within this time or not at all.
const NEARLY_UP: Duration = Duration::from_secs(2);

impl Call {
    /// They were in the call and have hung up, and we are still connecting: their word, by way of the server, was faster than the
    /// last packet of the handshake. The call comes up and ends like any other.
    pub(super) async fn on_early_bye(&mut self, key: Key, reason: String) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let agreed = session.negotiation.is_agreed();
        let Phase::Connecting { until } = &mut session.phase else {
            return;
        };
        if !agreed {
            self.on_declined(key, &reason).await;
        } else if session.early_bye.is_none() {
            *until = (*until).min(Instant::now() + NEARLY_UP);
            session.early_bye = Some(reason);
        }
    }

    /// What was waited for has not come: the call begins without it where it can.
    pub(super) async fn early_bye_on_time(
        &mut self,
        key: Key,
        now: Instant,
    ) -> Result<(), Failure> {
        let is_due = |session: &Session| match session.phase {
            Phase::Connecting { until } => session.early_bye.is_some() && until <= now,
            _ => false,
        };
        if self.sessions.get(&key).is_some_and(is_due) {
            self.check_up(key).await?;
        }
        if self.sessions.get(&key).is_some_and(is_due) {
            self.never_up(key).await;
        }
        Ok(())
    }

    async fn never_up(&mut self, key: Key) {
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        let why = printable(session.early_bye.as_deref().unwrap_or_default());
        let name = &session.party.name;
        let reason = format!("{name} hung up before the call was up here: {why}");
        self.give_up(key, Exit::NoPath, reason).await;
    }
}
