//! Statistics: for `--stats`, for the thresholds, for the summary at the end.

use std::time::{Duration, Instant};

use super::Call;
use super::examiner::OwnedFact;
use super::session::{Key, Session};
use crate::event::{EndedBy, EndpointType, Event, Path, Summary};
use crate::rtc::{SelectedPair, Stats};
use crate::stats;

/// How often the thresholds are looked at when no `--stats` says otherwise.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// And while a page has left the room that may be gone.
const LOOK_CLOSELY: Duration = Duration::from_millis(250);

/// A page that left and is silent for longer is gone: it answers a check of ours every 2 s.
const GONE_AFTER: Duration = Duration::from_millis(2500);

/// Whether a relay is in the path. A check through their relay may come before we hear of it: then its address passes
/// for a peer-reflexive one.
pub(super) fn path_of(pair: &SelectedPair, session: &Session) -> Path {
    let theirs = |address: &str| {
        address
            .parse()
            .is_ok_and(|address| session.evidence.theirs.is_relayed(address))
    };
    let relayed = [&pair.local, &pair.remote]
        .iter()
        .any(|end| end.kind == EndpointType::Relay);
    if relayed || theirs(&pair.remote.address) {
        Path::Relay
    } else {
        Path::Direct
    }
}

impl Call {
    /// Takes statistics when they are due.
    pub(super) async fn take_stats(&mut self, now: Instant) {
        if self.connected_count() == 0 {
            self.next_stats = None;
            return;
        }
        let leaves = self.sessions.values().any(|s| s.left.is_some());
        let usual = if leaves { LOOK_CLOSELY } else { LOOK_EVERY };
        let every = self.plan.stats_every.unwrap_or(usual);
        match self.next_stats {
            None => self.next_stats = Some(now + every),
            Some(due) if due <= now => {
                self.next_stats = Some(due.max(now) + every);
                let keys: Vec<Key> = self.sessions.keys().copied().collect();
                for key in keys {
                    self.look_at(key).await;
                }
            }
            Some(_) => {}
        }
    }

    async fn look_at(&mut self, key: Key) {
        let Some(session) = self.sessions.get(&key).filter(|s| s.is_connected()) else {
            return;
        };
        let moment = session.link.rtc.stats().await;
        let path = moment.pair.as_ref().map(|pair| path_of(pair, session));
        self.report_facts(session, &moment).await;
        if self.is_gone(key, moment.packets_received) {
            self.finish(key, EndedBy::Remote, "left the room").await;
            return;
        }
        let Some(session) = self.sessions.get(&key) else {
            return;
        };
        if self.plan.stats_every.is_some() {
            let mut objects = moment.objects;
            let playout = stats::playout(&objects, &self.desk.output());
            objects.extend(playout);
            let (played, sent) = (self.desk.stats(key), self.desk.sent(key));
            let event = Event::Stats {
                peer: session.party.peer.to_string(),
                stats: stats::merge(objects, played.as_ref(), sent.as_ref()),
            };
            self.emit.emit(event).await;
        }
        if let (Some(path), Some(session)) = (path, self.sessions.get_mut(&key))
            && session.path != Some(path)
        {
            session.path = Some(path);
            let peer = session.party.peer.to_string();
            self.examinee.report(&peer, OwnedFact::Path(path)).await;
        }
    }

    /// Whether a page that left the room has stopped sending, too.
    fn is_gone(&mut self, key: Key, packets: u64) -> bool {
        let left = self.sessions.get_mut(&key).and_then(|s| s.left.as_mut());
        let Some((since, before)) = left else {
            return false;
        };
        if *before != packets {
            (*since, *before) = (Instant::now(), packets);
        }
        since.elapsed() >= GONE_AFTER
    }

    /// Tells the examiner what a look at a call has shown.
    pub(super) async fn report_facts(&self, session: &Session, moment: &Stats) {
        let peer = session.party.peer.as_str();
        if let Some(rtt) = moment.pair.as_ref().and_then(|pair| pair.rtt) {
            self.examinee.report(peer, OwnedFact::Rtt(rtt)).await;
        }
        if let Some(loss) = stats::loss(moment) {
            self.examinee.report(peer, OwnedFact::Loss(loss)).await;
        }
    }

    /// A call in a few numbers.
    pub(super) fn summary(&self, session: &Session, moment: &Stats) -> Summary {
        let played = self.desk.stats(session.key);
        Summary {
            duration: session
                .timing
                .connected_at()
                .map(|at| at.elapsed())
                .unwrap_or_default(),
            path: session.path,
            rtt: moment.pair.as_ref().and_then(|pair| pair.rtt),
            loss: stats::loss(moment),
            jitter: moment
                .inbound
                .map(|inbound| Duration::from_secs_f64(inbound.jitter.max(0.0))),
            concealed: played.as_ref().and_then(stats::concealed),
            setup_ms: session.timing.setup(),
        }
    }
}
