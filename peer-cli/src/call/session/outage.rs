//! A session whose path is lost: watched, looked for, and moved to a second connection.

use std::time::{Duration, Instant};

use super::{Dialect, Link, LinkId, Session};
use crate::proto::recovery::{self, Recovery};
use crate::rtc::PeerOptions;

/// After a path is back messages flow within this time, or the connection is rebuilt for them; and
/// once more after that time.
const FLOWS_WITHIN: Duration = Duration::from_secs(1);
const STUCK_AGAIN: Duration = Duration::from_secs(3);

impl Session {
    /// From now on the path is watched.
    pub(in crate::call) fn watch(&mut self, limit: Duration, signaling: bool) {
        let options = recovery::Options {
            limit,
            can_rebuild: self.party.dialect == Dialect::PeerV1,
            leads: self.party.ours,
            seed: self.key,
        };
        self.recovery = Some(Recovery::new(options, signaling));
    }

    /// Something that bears on the path; what follows from it is done when the time is looked at.
    pub(in crate::call) fn recover(&mut self, input: recovery::Input) {
        if let Some(recovery) = &mut self.recovery {
            recovery.handle(Instant::now(), input);
        }
    }

    /// Whether the path is lost.
    pub(in crate::call) fn is_lost(&self) -> bool {
        self.recovery.as_ref().is_some_and(Recovery::is_lost)
    }

    /// The path is back. SCTP may not notice for a while: its timer has doubled all the time.
    pub(in crate::call) fn look_for_stuck(&mut self, now: Instant) {
        if self.party.dialect == Dialect::PeerV1 && !self.outbox.is_empty() {
            self.flows_by = Some((now + FLOWS_WITHIN, self.outbox.arrived()));
        }
    }

    /// When that is to be looked at.
    pub(in crate::call) fn stuck_at(&self) -> Option<Instant> {
        self.flows_by.map(|(at, _)| at)
    }

    /// Whether messages do not flow although the path is back; asked for once, it is so again only
    /// after a while.
    pub(in crate::call) fn is_stuck(&mut self, now: Instant) -> bool {
        let Some((_, before)) = self.flows_by.filter(|(at, _)| *at <= now) else {
            return false;
        };
        let stuck = !self.is_lost() && !self.outbox.is_empty() && self.outbox.arrived() == before;
        self.flows_by = stuck.then(|| (now + STUCK_AGAIN, before));
        stuck
    }

    /// The connection of this name, if it is still one of ours.
    pub(in crate::call) fn link_of(&mut self, id: LinkId) -> Option<&mut Link> {
        if self.link.id == id {
            return Some(&mut self.link);
        }
        self.spare.as_mut().filter(|spare| spare.id == id)
    }

    /// Forgets the second connection.
    pub(in crate::call) fn drop_spare(&mut self) {
        if let Some(spare) = self.spare.take() {
            spare.retire(false);
        }
    }

    /// What later connections are made with.
    pub(in crate::call) fn set_options(&mut self, options: &PeerOptions) {
        self.maker.options.clone_from(options);
    }

    /// The second connection takes over: sound goes on there, and so do messages.
    pub(in crate::call) async fn promote(&mut self) {
        let Some(spare) = self.spare.take() else {
            return;
        };
        let mut old = std::mem::replace(&mut self.link, spare);
        if let Some(sound) = old.rtc.take_sound().await {
            self.link.rtc.send_sound(sound);
        }
        self.link.rtc.settle();
        old.retire(true);
        self.outbox.rewind();
        self.flush_messages().await;
    }
}
