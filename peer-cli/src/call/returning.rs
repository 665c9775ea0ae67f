//! A page that was closed may have been loaded anew: then it calls again, and the command goes on with it.

use std::time::{Duration, Instant};

use shared::PeerId;

use super::{Call, Outcome};
use crate::cli::HangUp;
use crate::event::Event;
use crate::exit::Exit;
use crate::proto::lobby;

/// How a page says goodbye that is closed or loaded anew (PROTOCOL.md, "Ending").
const PAGE_LEFT: &str = "the page was closed";
/// Why a call ends that its own peer replaces by another one.
pub(super) const CALLED_AGAIN: &str = "called again";
/// Loading a page takes a fraction of this.
const TIME_TO_RETURN: Duration = Duration::from_secs(2);

/// Whom the command waits for, with no call left.
#[derive(Debug)]
pub(super) struct Returning {
    peer: PeerId,
    until: Instant,
}

impl Call {
    /// The last call ended, by the other side for this reason; whether the command stays for it to be taken up again.
    pub(super) async fn stays_for(&mut self, peer: &PeerId, reason: &str) -> bool {
        if ![PAGE_LEFT, CALLED_AGAIN].contains(&reason) || self.ends_with_input() {
            return false;
        }
        self.returning = Some(Returning {
            peer: peer.clone(),
            until: Instant::now() + TIME_TO_RETURN,
        });
        if reason == PAGE_LEFT {
            let text = "perhaps the page is only loaded anew: waiting 2s for it";
            self.emit.emit(Event::warning("page-closed", text)).await;
        }
        true
    }

    /// Standard input ends calls, and has ended.
    pub(super) fn ends_with_input(&self) -> bool {
        self.input_ended && self.plan.session.hang_up == HangUp::InputEnds
    }

    /// Whether somebody else is waited for.
    pub(super) fn is_kept_for_another(&self, peer: &PeerId) -> bool {
        self.returning.as_ref().is_some_and(|one| one.peer != *peer)
    }

    /// It is back, or somebody is as good as that.
    pub(super) fn is_back(&mut self) {
        self.returning = None;
    }

    /// When the waiting is over, unless it calls at this moment.
    pub(super) fn returns_until(&self) -> Option<Instant> {
        let one = self.returning.as_ref()?;
        let calls = self.sessions.values().any(|s| s.party.peer == one.peer);
        (!calls && self.outcome.is_none()).then_some(one.until)
    }

    /// It did not come back.
    pub(super) fn stop_waiting(&mut self, now: Instant) {
        if self.returns_until().is_none_or(|until| until > now) {
            return;
        }
        if let Some(Returning { peer, .. }) = self.returning.take() {
            self.outcome = Some(Outcome::new(Exit::Done, "the other side hung up"));
            self.lobby.handle(now, lobby::Input::Ended(peer));
        }
    }
}
