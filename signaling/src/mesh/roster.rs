//! Who claims to be a member, and where; of several claims to one id the highest counts, everywhere.

use std::collections::HashMap;

use shared::PeerId;

use super::packet::Claimed;
use crate::elsewhere::{Member, ServerId};

/// Of two with the same number that of the higher server counts.
type Rank = (u64, ServerId);

#[derive(Default)]
pub(super) struct Roster(HashMap<PeerId, Vec<Claim>>);

struct Claim {
    rank: Rank,
    member: Member,
}

/// What a claim that came or went has changed about who holds an id.
pub(super) struct Change {
    pub(super) before: Option<ServerId>,
    /// The server and the member that count now, if that is another claim than before.
    pub(super) after: Option<(ServerId, Member)>,
}

impl Roster {
    fn best(&self, id: &PeerId) -> Option<&Claim> {
        self.0.get(id)?.iter().max_by(|a, b| a.rank.cmp(&b.rank))
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn claims(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Where that id is, and by which claim.
    pub(super) fn holder(&self, id: &PeerId) -> Option<(&ServerId, u64)> {
        self.best(id).map(|claim| (&claim.rank.1, claim.rank.0))
    }

    /// The one claim of this server to this id; `None` is that it has none. What changes, if anything does.
    pub(super) fn set(
        &mut self,
        server: &ServerId,
        id: &PeerId,
        claimed: Option<Claimed>,
    ) -> Option<Change> {
        let before = self.best(id).map(|claim| claim.rank.clone());
        let claims = self.0.entry(id.clone()).or_default();
        claims.retain(|claim| claim.rank.1 != *server);
        claims.extend(claimed.map(|Claimed { claim, member }| Claim {
            rank: (claim, server.clone()),
            member,
        }));
        if claims.is_empty() {
            self.0.remove(id);
        }
        let after = self.best(id);
        if after.map(|claim| &claim.rank) == before.as_ref() {
            return None;
        }
        Some(Change {
            after: after.map(|claim| (claim.rank.1.clone(), claim.member.clone())),
            before: before.map(|(_, server)| server),
        })
    }

    /// Everybody of this server, whether its claim counts or not.
    pub(super) fn of(&self, server: &ServerId) -> Vec<Claimed> {
        let all = self.0.values().flatten();
        all.filter(|claim| claim.rank.1 == *server)
            .map(|claim| Claimed {
                claim: claim.rank.0,
                member: claim.member.clone(),
            })
            .collect()
    }
}
