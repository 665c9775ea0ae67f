//! Frames of other peers: which session they belong to, and what they mean for it.

use shared::{Event as WireEvent, Incoming, Outcome, PeerEvent as Wire, PeerId, SessionId};

use super::offers::{ANONYMOUS, anonymous};
use super::session::{Key, Session};
use super::{Call, MAX_ORPHANS, words};
use crate::exit::Failure;
use crate::proto::negotiation::Input;
use crate::proto::sdp;

impl Call {
    pub(super) async fn on_frame(&mut self, frame: Incoming) -> Result<(), Failure> {
        let event = match frame.event {
            WireEvent::Server(event) if !self.plain => return self.on_server(event).await,
            WireEvent::Server(_) => return Ok(()),
            WireEvent::Unknown(name) => {
                tracing::debug!(name, "an event of another protocol");
                return Ok(());
            }
            WireEvent::Peer(event) => event,
        };
        let addressed = frame.to.is_none() || frame.to == self.me;
        let own = frame.from.is_some() && frame.from == self.me;
        if !addressed || own {
            return Ok(());
        }
        let Some(from) = frame.from.or_else(|| self.plain.then(anonymous).flatten()) else {
            self.tell(words::malformed(
                "the room",
                "it does not say whom it is from",
            ))
            .await;
            return Ok(());
        };
        let number = frame.generation;
        self.on_peer_frame(from, frame.session, event, number).await
    }

    async fn on_peer_frame(
        &mut self,
        from: PeerId,
        session: Option<SessionId>,
        event: Wire,
        generation: Option<u64>,
    ) -> Result<(), Failure> {
        let remote = |event| Input::Remote { event, generation };
        let found = self.find(&from, session.as_ref(), &event);
        match (event, found) {
            (Wire::Offer(offer), found) => {
                self.on_offer(from, session, remote(Wire::Offer(offer)), found)
                    .await
            }
            (event @ Wire::Answer(_), Some(key)) => {
                let before = self.bind(key, from);
                self.negotiate(key, remote(event)).await?;
                self.unbind(key, before);
                Ok(())
            }
            (Wire::Answer(_), None) => {
                let text = "an answer to no offer of ours";
                self.tell(words::malformed(from.as_str(), text)).await;
                Ok(())
            }
            (event @ Wire::Candidate(_), Some(key)) => self.negotiate(key, remote(event)).await,
            (Wire::Candidate(candidate), None) => {
                if self.orphans.len() >= MAX_ORPHANS {
                    self.orphans.pop_front();
                }
                self.orphans.push_back((from, session, candidate));
                Ok(())
            }
            (Wire::Bye(bye), Some(key)) => {
                let connecting = self.sessions.get(&key).is_some_and(|s| !s.was_connected());
                let ours = self.sessions.get(&key).is_some_and(|s| s.party.ours);
                if connecting && ours && bye.outcome == Some(Outcome::Failed) {
                    self.try_again(key, &bye.reason).await;
                } else if self.is_lost(key) && bye.outcome == Some(Outcome::Failed) {
                    // They have given up what we still look for.
                    self.on_vanished(key).await;
                } else if connecting
                    && matches!(bye.outcome, Some(Outcome::Direct | Outcome::Relay))
                {
                    self.on_early_bye(key, bye.reason).await;
                } else {
                    self.on_bye(key, bye.reason, false).await;
                }
                Ok(())
            }
            (Wire::Busy, Some(key)) => self.on_busy(key, &from).await,
            (Wire::CandidatesEnd { .. }, Some(key)) => {
                if let Some(session) = self.sessions.get_mut(&key) {
                    session.evidence.remote_end();
                }
                Ok(())
            }
            (Wire::CandidatesEnd { .. } | Wire::Bye(_) | Wire::Busy, None) => Ok(()),
        }
    }

    /// The session that a frame belongs to.
    fn find(&self, from: &PeerId, session: Option<&SessionId>, event: &Wire) -> Option<Key> {
        let fits = |candidate: &&Session| {
            let party = &candidate.party;
            // A broadcast offer belongs to whoever answers first; its session names it.
            let same_peer = party.peer == *from || (!party.directed && party.ours);
            same_peer && (session.is_none() || session == party.id.as_ref())
        };
        let mut fitting = self.sessions.values().filter(fits);
        match event {
            // Without a session, the same connection is a renegotiation, another one a new call.
            Wire::Offer(offer) if session.is_none() => {
                let identity = sdp::identity(&offer.sdp);
                fitting.find(|session| {
                    session.link.remote.is_some() && session.link.remote == identity
                })
            }
            Wire::Offer(_) => fitting.find(|session| session.party.peer == *from),
            // An offer to everybody is refused by name only: others say goodbye in this room too.
            Wire::Bye(_) | Wire::Busy if session.is_none() => {
                fitting.rfind(|session| session.party.directed || session.was_connected())
            }
            _ => fitting.next_back(),
        }
        .map(|session| session.key)
    }

    /// A broadcast offer has found its peer; returns whom it was for before.
    fn bind(&mut self, key: Key, from: PeerId) -> Option<(PeerId, String)> {
        let directed = from.as_str() != ANONYMOUS;
        let name = self.name_of(&from);
        let open = |s: &&mut Session| !s.party.directed && s.negotiation.is_offering();
        let session = self.sessions.get_mut(&key).filter(open)?;
        session.party.directed = directed;
        let peer = std::mem::replace(&mut session.party.peer, from);
        let name = std::mem::replace(&mut session.party.name, name);
        Some((peer, name))
    }

    /// An answer that cannot be used does not close the offer to others.
    fn unbind(&mut self, key: Key, before: Option<(PeerId, String)>) {
        let (Some(session), Some((peer, name))) = (self.sessions.get_mut(&key), before) else {
            return;
        };
        if session.negotiation.is_offering() {
            // What the bad one has left in the connection is anybody's guess: no more of this offer.
            session.offer = None;
            session.party.directed = false;
            session.party.peer = peer;
            session.party.name = name;
        } else {
            self.repeat_offer_at = None;
        }
    }

    pub(super) async fn negotiate(&mut self, key: Key, input: Input) -> Result<(), Failure> {
        let Some(session) = self.sessions.get_mut(&key) else {
            return Ok(());
        };
        let effects = session.negotiate(input).await;
        self.apply(key, effects).await
    }
}
