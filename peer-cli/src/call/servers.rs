//! STUN and TURN servers: those of the command line, and those that the signaling server offers.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use shared::IceServer;

use super::Call;
use crate::exit::{Exit, Failure};
use crate::rtc::{RelayPolicy, StunServer, TurnServer};

/// Each costs a request from every address of this machine.
const MAX_STUN: usize = 8;
/// What one signaling server may offer; each is an allocation.
const MAX_TURN: usize = 8;
/// Credentials are asked for anew at the earliest after this long, however short-lived they are.
const SOONEST: Duration = Duration::from_secs(1);

/// And at the latest after this long, whatever a server writes as their expiry.
const LATEST: Duration = Duration::from_secs(24 * 3600);

/// Asked once more after this long without an answer.
const UNANSWERED: Duration = Duration::from_secs(60);

/// What the signaling server offers, and until when.
#[derive(Debug, Default)]
pub(super) struct Offered {
    /// Those of the command line, which come first.
    own: Option<Vec<TurnServer>>,
    /// When to ask anew.
    due: Option<Instant>,
    /// They were asked for and have not come yet.
    asked: bool,
}

impl Offered {
    /// When [`Call::ask_for_servers`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Until the answer comes; without one, once more after a while.
    fn ask(&mut self, now: Instant) {
        self.due = Some(now + UNANSWERED);
        self.asked = true;
    }

    /// Whether this list was asked for. Each costs look-ups, which a server could make as many as it likes.
    fn take_answer(&mut self) -> bool {
        std::mem::take(&mut self.asked)
    }
}

impl Call {
    /// The answer to [`Self::ask_for_servers`], and nothing else.
    pub(super) async fn use_fresh_servers(&mut self, servers: &[IceServer]) {
        if self.offered.take_answer() {
            self.use_servers(servers).await;
        }
    }

    /// Takes what the server offers in place of what it offered before.
    pub(super) async fn use_servers(&mut self, servers: &[IceServer]) {
        if self.plan.stun_wanted {
            self.use_stun(servers);
        }
        if self.plan.rtc.relay == RelayPolicy::Never {
            return;
        }
        let rtc = &mut self.plan.rtc;
        let own = self.offered.own.get_or_insert_with(|| rtc.turn.clone());
        rtc.turn.clone_from(own);
        for server in servers.iter().flat_map(relays).take(MAX_TURN) {
            if !rtc.turn.iter().any(|known| known.is_same(&server)) {
                server.warm();
                rtc.turn.push(server);
            }
        }
        self.offered.due = servers
            .iter()
            .filter_map(lifetime)
            .min()
            .map(|lifetime| Instant::now() + (lifetime / 2).clamp(SOONEST, LATEST));
        for session in self.sessions.values() {
            if let Err(error) = session.link.rtc.use_relays(&self.plan.rtc).await {
                tracing::debug!(%error, "a connection keeps its old relays");
            }
        }
    }

    fn use_stun(&mut self, servers: &[IceServer]) {
        let urls = servers.iter().flat_map(|server| &server.urls);
        // What cannot be read is none of ours.
        for server in urls.filter_map(|url| url.parse::<StunServer>().ok()) {
            let known = self.plan.rtc.stun.iter().any(|s| s.is_same(&server));
            if !known && self.plan.rtc.stun.len() < MAX_STUN {
                self.plan.rtc.stun.push(server);
            }
        }
    }

    /// Asks for fresh credentials before the old ones expire.
    pub(super) async fn ask_for_servers(&mut self, now: Instant) {
        if self.offered.due.is_none_or(|due| due > now) {
            return;
        }
        self.offered.ask(now);
        if let Some(signal) = self.signal.as_ref().filter(|_| !self.plain) {
            signal.ask_for_ice_servers().await;
        }
    }

    /// Asks for fresh credentials now, where those that we have expire some time: a path is looked for. What is looked for
    /// this time does not wait for them, and what is looked for next has them.
    pub(super) async fn refresh_servers(&mut self, now: Instant) {
        if self.offered.due.is_some() {
            self.offered.due = Some(now);
            self.ask_for_servers(now).await;
        }
    }

    /// Where only a relay will do, there must be one.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn check_relays(&self) -> Result<(), Failure> {
        let rtc = &self.plan.rtc;
        if rtc.relay == RelayPolicy::Only && rtc.turn.is_empty() {
            let reason = "--relay-only, but no relay is known";
            return Err(Failure::new(Exit::NoPath, reason)
                .hint("name one with --turn, or start \"signaling\" with --relay"));
        }
        Ok(())
    }
}

/// The relays of one entry, with the credentials that belong to it.
fn relays(entry: &IceServer) -> impl Iterator<Item = TurnServer> {
    let username = entry.username.as_deref().unwrap_or_default();
    let password = entry
        .credential
        .clone()
        .unwrap_or_else(|| shared::Secret::new(""));
    entry
        .urls
        .iter()
        .filter_map(move |url| TurnServer::new(url, username, password.clone()).ok())
}

/// How long short-lived credentials still hold: their name begins with the second at which they expire.
fn lifetime(entry: &IceServer) -> Option<Duration> {
    let expiry: u64 = entry.username.as_deref()?.split(':').next()?.parse().ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Duration::from_secs(expiry).checked_sub(now)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entry(urls: &[&str], username: Option<&str>) -> IceServer {
        IceServer {
            urls: urls.iter().map(ToString::to_string).collect(),
            username: username.map(str::to_owned),
            credential: username.map(|_| shared::Secret::new("p")),
        }
    }

    #[test]
    fn relays_are_picked_out_and_nonsense_passed_over() {
        let urls = ["stun:a", "turn:b", "turn:c?transport=tcp", "turn:", "x"];
        let urls: Vec<String> = relays(&entry(&urls, Some("u"))).map(|s| s.url()).collect();
        assert_eq!(urls, ["turn:b:3478", "turn:c:3478?transport=tcp"]);
    }

    #[test]
    fn each_request_is_answered_once_and_nothing_else_is_an_answer() {
        let (mut offered, now) = (Offered::default(), Instant::now());
        assert!(!offered.take_answer());
        offered.ask(now);
        assert_eq!(offered.due(), Some(now + UNANSWERED));
        assert!(offered.take_answer() && !offered.take_answer());
    }

    #[test]
    fn the_name_tells_when_it_expires() {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let of = |name: &str| lifetime(&entry(&[], Some(name)));
        let left = of(&format!("{}:id", now + 1000)).unwrap().as_secs();
        assert!((990..=1000).contains(&left), "{left}");
        assert_eq!(of(&format!("{}:id", now - 1000)), None);
        assert_eq!(of("alice"), None);
        assert_eq!(lifetime(&entry(&["stun:a"], None)), None);
    }
}
