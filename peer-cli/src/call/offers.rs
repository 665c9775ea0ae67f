//! Offers, ours and theirs: whom to call, whom to let in, who makes way.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use shared::{PeerEvent as Wire, PeerId, Role, SessionId};

use super::Call;
use super::returning::CALLED_AGAIN;
use super::session::{Dialect, Key, Party, Phase, Session};
use super::timing::Timing;
use crate::event::{EndedBy, Event};
use crate::exit::{Exit, Failure};
use crate::proto::lobby::{self, Glare, glare};
use crate::proto::negotiation::Input;

/// How we name a tutorial client that has no id.
pub(super) const ANONYMOUS: &str = "tutorial-client";

/// Calls that others have offered and that are not up yet; the oldest makes room for the newest.
const MAX_PENDING: usize = 16;

/// A plain room forgets: an offer is said again this often until answered.
pub(super) const REPEAT_OFFER: Duration = Duration::from_secs(2);

impl Call {
    /// Offers a call; to everybody in a plain room.
    pub(super) async fn offer(&mut self, peer: Option<PeerId>) -> Result<(), Failure> {
        let now = Instant::now();
        let directed = peer.is_some();
        let tutorial = peer
            .as_ref()
            .and_then(|peer| self.lobby.info(peer))
            .is_none_or(|info| info.is_tutorial());
        let Some(peer) = peer.or_else(anonymous) else {
            return Ok(());
        };
        if let Some(origin) = self.foreign_origin(&peer) {
            self.lobby.handle(now, lobby::Input::Passed(peer.clone()));
            return self.refuse(peer, None, &origin).await;
        }
        let party = Party {
            name: self.name_of(&peer),
            dialect: if tutorial {
                Dialect::Tutorial
            } else {
                Dialect::PeerV1
            },
            id: SessionId::new(crate::entropy::hex::<8>()).ok(),
            ours: true,
            directed,
            polite: self.is_polite(&peer, tutorial),
            peer: peer.clone(),
        };
        let signaling = match (self.plan.signaling_since, self.entered) {
            (Some(since), Some(entered)) => entered.saturating_duration_since(since),
            _ => Duration::ZERO,
        };
        if !directed {
            self.repeat_offer_at = Some(now + REPEAT_OFFER);
        }
        let Some(key) = self.open(party, Timing::new(signaling, now)).await? else {
            return Ok(());
        };
        self.hold(key, peer);
        let Some(session) = self.sessions.get_mut(&key) else {
            return Ok(());
        };
        let effects = session.start().await;
        self.apply(key, effects).await
    }

    /// From now on the lobby counts this session.
    pub(super) fn hold(&mut self, key: Key, peer: PeerId) {
        if let Some(session) = self.sessions.get_mut(&key).filter(|s| !s.held) {
            session.held = true;
            if !self.lobby.holds(&peer) {
                self.lobby
                    .handle(Instant::now(), lobby::Input::Started(peer));
            }
        }
    }

    /// Opens a session's connection.
    async fn open(&mut self, party: Party, timing: Timing) -> Result<Option<Key>, Failure> {
        self.last_key += 1;
        let key = self.last_key;
        let until = timing.started() + self.plan.session.connect_limit();
        let events = &self.session_tx;
        let mut options = self.plan.rtc.clone();
        if let Some((_, seed)) = &mut options.impairment {
            // A second call has luck of its own, or it would fail as the first one did.
            *seed = seed.wrapping_add(key << u32::BITS);
        }
        let session = Session::open(key, party, timing, until, &options, events)
            .await
            .map_err(|error| {
                Failure::new(Exit::NoPath, format!("cannot open a connection: {error}"))
            })?;
        self.sessions.insert(key, session);
        Ok(Some(key))
    }

    pub(super) async fn on_offer(
        &mut self,
        from: PeerId,
        session: Option<SessionId>,
        offer: Input,
        found: Option<Key>,
    ) -> Result<(), Failure> {
        if let Some(key) = found {
            return self.negotiate(key, offer).await;
        }
        if self.outcome.is_some() {
            return Ok(());
        }
        if !self.throttle.allows(Instant::now(), &from) {
            // A flood. Not even an answer: the server would close us for too many frames.
            tracing::info!(%from, "an offer too many was ignored");
            return Ok(());
        }
        if let Some(origin) = self.foreign_origin(&from) {
            return self.refuse(from, session, &origin).await;
        }
        if !self.lobby.is_wanted(&from) || self.is_kept_for_another(&from) {
            self.reply(from, session, Wire::Busy).await;
            return Ok(());
        }
        // Ours that cross it, and an older call with the same peer.
        let crossing: Vec<Key> = self
            .sessions
            .values()
            .filter(|s| {
                // Pages without an id look alike: one that is in a call is not thrown out by another.
                let same =
                    s.party.peer == from && !(from.as_str() == ANONYMOUS && s.was_connected());
                same || (s.party.ours && !s.party.directed && !s.was_connected())
            })
            .map(|s| s.key)
            .collect();
        for key in crossing {
            if !self.make_way(key, &from).await {
                return Ok(());
            }
        }
        if self.is_full() {
            self.reply(from, session, Wire::Busy).await;
            return Ok(());
        }
        self.evict_pending().await;
        self.accept(from, session, offer).await
    }

    /// Ends or drops a session that a new offer of its peer replaces; false if the offer loses.
    async fn make_way(&mut self, key: Key, from: &PeerId) -> bool {
        let Some(session) = self.sessions.get(&key) else {
            return true;
        };
        if session.negotiation.is_offering() && !session.negotiation.is_agreed() {
            let them = (from.as_str() != ANONYMOUS).then_some(from);
            let yields = self.me.as_ref().map_or(Glare::Yield, |me| glare(me, them));
            tracing::info!(?yields, peer = %from, "both sides offered");
            if yields == Glare::Insist {
                return false;
            }
        }
        let by = EndedBy::Remote;
        self.finish(key, by, CALLED_AGAIN).await;
        true
    }

    async fn accept(
        &mut self,
        from: PeerId,
        session: Option<SessionId>,
        offer: Input,
    ) -> Result<(), Failure> {
        let tutorial = self.lobby.info(&from).is_none_or(|info| info.is_tutorial());
        let party = Party {
            name: self.name_of(&from),
            dialect: if tutorial {
                Dialect::Tutorial
            } else {
                Dialect::PeerV1
            },
            id: session.clone(),
            ours: false,
            directed: from.as_str() != ANONYMOUS,
            polite: self.is_polite(&from, tutorial),
            peer: from.clone(),
        };
        let timing = Timing::new(Duration::ZERO, Instant::now());
        let key = match self.open(party, timing).await {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(()),
            // A stranger's offer ends no command and none of its calls.
            Err(failure) => {
                self.tell(Event::warning("cannot-open", failure.reason))
                    .await;
                self.reply(from, session, Wire::Busy).await;
                return Ok(());
            }
        };
        if self.plan.role == Role::Call {
            // Being called is as good as calling: nobody else is called meanwhile.
            self.hold(key, from.clone());
        }
        let early: VecDeque<_> = {
            let of_this = |(peer, id, _): &(PeerId, Option<SessionId>, _)| {
                *peer == from && (id.is_none() || *id == session)
            };
            let (mine, others) = std::mem::take(&mut self.orphans)
                .into_iter()
                .partition(of_this);
            self.orphans = others;
            mine
        };
        self.negotiate(key, offer).await?;
        for (_, _, candidate) in early {
            let event = Wire::Candidate(candidate);
            let generation = None;
            self.negotiate(key, Input::Remote { event, generation })
                .await?;
        }
        Ok(())
    }

    /// Answers an offer that gets no session. Who has no id gets nothing: the whole room would hear.
    pub(super) async fn reply(&self, to: PeerId, session: Option<SessionId>, event: Wire) {
        if to.as_str() == ANONYMOUS {
            return;
        }
        self.send(shared::Outgoing {
            to: Some(to),
            from: None,
            session,
            generation: None,
            event,
        })
        .await;
    }

    /// Whether we make way when offers cross within a call. A page knows no id of its own, so it is
    /// never the one to make way; in a plain room only our own kind has one.
    fn is_polite(&self, them: &PeerId, tutorial: bool) -> bool {
        let is_page = tutorial && (!self.plain || them.as_str() == ANONYMOUS);
        let them = (!is_page).then_some(them);
        let me = self.me.as_ref();
        me.is_none_or(|me| glare(me, them) == Glare::Yield)
    }

    /// Makes room among the calls that are not up yet: whoever has offered most loses its oldest.
    async fn evict_pending(&mut self) {
        let pending: Vec<(Key, PeerId)> = self
            .sessions
            .values()
            .filter(|s| !s.party.ours && matches!(s.phase, Phase::Connecting { .. }))
            .map(|s| (s.key, s.party.peer.clone()))
            .collect();
        if pending.len() < MAX_PENDING {
            return;
        }
        let offers = |peer: &PeerId| pending.iter().filter(|(_, other)| other == peer).count();
        // The first of equals: the oldest.
        let Some((key, _)) = pending.iter().rev().max_by_key(|(_, peer)| offers(peer)) else {
            return;
        };
        if let Some(session) = self.sessions.get(key) {
            let frame = session.outgoing(Wire::Busy);
            self.send(frame).await;
        }
        self.finish(*key, EndedBy::Local, "too many calls at once")
            .await;
    }
}

pub(super) fn anonymous() -> Option<PeerId> {
    PeerId::new(ANONYMOUS).ok()
}
