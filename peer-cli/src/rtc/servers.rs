//! STUN and TURN servers by URL (RFC 7064, RFC 7065), resolved beside everything else.

mod turn;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

pub use turn::{TurnServer, TurnTransport};

/// RFC 7064 and RFC 7065: the port when the URL names none.
const DEFAULT_PORT: u16 = 3478;

/// A name server that takes longer does not answer at all, as far as a call is concerned.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);

/// What a name server said is good for so long, within which one call is set up: a machine that waits for calls may start
/// before its network does, and servers move.
const KEPT: Duration = Duration::from_secs(60);
/// The same where it gave nothing.
const KEPT_FAILURE: Duration = Duration::from_secs(5);

type Resolution = Result<Vec<SocketAddr>, String>;

/// One look-up, and when it was over.
type Lookup = Arc<OnceCell<(Resolution, Instant)>>;

/// Where a server is; clones share one resolution of its name.
#[derive(Clone)]
pub(super) struct Place {
    host: String,
    port: u16,
    // Never held across an await: it is exchanged, and waited for afterwards.
    lookup: Arc<Mutex<Lookup>>,
}

impl Place {
    fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
            lookup: Arc::default(),
        }
    }

    /// Its addresses; whoever asks meanwhile shares one look-up, and for a while its result.
    pub(super) async fn resolve(&self) -> Resolution {
        let lookup = self.lookup(Instant::now());
        let (resolution, _) = lookup
            .get_or_init(|| async { (self.ask().await, Instant::now()) })
            .await;
        resolution.clone()
    }

    /// The look-up that is under way or still holds, else a new one.
    fn lookup(&self, now: Instant) -> Lookup {
        let mut lookup = self.lookup.lock().unwrap_or_else(PoisonError::into_inner);
        if lookup.get().is_some_and(|(said, at)| {
            let kept = if said.is_ok() { KEPT } else { KEPT_FAILURE };
            now.saturating_duration_since(*at) > kept
        }) {
            *lookup = Lookup::default();
        }
        Arc::clone(&lookup)
    }

    async fn ask(&self) -> Resolution {
        let lookup = tokio::net::lookup_host((self.host.as_str(), self.port));
        match tokio::time::timeout(RESOLVE_TIMEOUT, lookup).await {
            Ok(Ok(addresses)) => Ok(addresses.collect()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer from the name server".to_owned()),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.host.eq_ignore_ascii_case(&other.host) && self.port == other.port
    }

    fn warm(&self) {
        let place = self.clone();
        tokio::spawn(async move { place.resolve().await });
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// One STUN server.
#[derive(Clone)]
pub struct StunServer(Place);

impl StunServer {
    /// The addresses of the server, not looked up more often than needed.
    ///
    /// # Errors
    /// What the name server said.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, String> {
        self.0.resolve().await
    }

    /// Whether both name the same server.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.is_same(&other.0)
    }

    /// Its name or address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("stun:{}", self.0)
    }

    /// Starts looking the name up, so that a later call does not wait for it.
    pub fn warm(&self) {
        self.0.warm();
    }
}

impl FromStr for StunServer {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("\"{url}\" is not a STUN URL like stun:host:3478");
        let (scheme, rest) = url.split_once(':').ok_or_else(wrong)?;
        if !scheme.eq_ignore_ascii_case("stun") {
            return Err(wrong());
        }
        let (host, port) = host_and_port(rest).ok_or_else(wrong)?;
        Ok(Self(Place::new(host, port.unwrap_or(DEFAULT_PORT))))
    }
}

/// Characters of the longest name (RFC 1035 2.3.4).
const LONGEST_NAME: usize = 253;

/// Takes `host`, `host:port`, `[address]` or `[address]:port` apart. A server may offer any text as a URL: what no name
/// consists of must reach neither a proxy's request nor a resolver.
fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match rest.strip_prefix(':') {
            Some(text) => Some((host, Some(port(text)?))),
            None if rest.is_empty() => Some((host, None)),
            None => None,
        };
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, _)) if host.contains(':') => return None,
        Some((host, text)) => (host, Some(port(text)?)),
        None => (text, None),
    };
    let named = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_name = (1..=LONGEST_NAME).contains(&host.len()) && host.chars().all(named);
    is_name.then_some((host, port))
}

/// A port that can be sent to.
fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?.filter(|port| *port != 0)
}

impl fmt::Display for StunServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for StunServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StunServer({self})")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn urls_are_read_as_rfc_7064_writes_them() {
        for (url, shown) in [
            ("stun:stun.l.google.com:19302", "stun.l.google.com:19302"),
            ("STUN:example.org", "example.org:3478"),
            ("stun:192.0.2.1:80", "192.0.2.1:80"),
            ("stun:[2001:db8::1]:80", "[2001:db8::1]:80"),
            ("stun:[::1]", "[::1]:3478"),
        ] {
            assert_eq!(url.parse::<StunServer>().unwrap().to_string(), shown);
        }
        let long = format!("stun:{}", "a".repeat(LONGEST_NAME + 1));
        for url in [
            &long,
            "",
            "stun:",
            "stun://host",
            "http://host",
            "host:3478",
            "stun:host:port",
            "stun:host:99999",
            "stun:2001:db8::1",
            "stun:[::1",
            "stun:[::1]x",
            "stun:[host]:1",
            "stun:a?b",
            "turn:host",
            "stun:host:0",
            "stun:host:+80",
            "stun:host:",
            "stun:a b",
            "stun:a/b",
            "stun:u@a",
            "stun:a\r\nX-Header:1",
            "stun:\u{1b}[31m",
        ] {
            let error = url.parse::<StunServer>().unwrap_err();
            assert!(error.contains("stun:host:3478"), "{error}");
        }
    }

    #[tokio::test]
    async fn what_a_name_server_said_holds_for_a_while() {
        let server: StunServer = "stun:127.0.0.1:9".parse().unwrap();
        let addresses = server.resolve().await.unwrap();
        assert_eq!(addresses, [SocketAddr::from(([127, 0, 0, 1], 9))]);
        let now = Instant::now();
        let same = |place: &Place, later| {
            let (before, after) = (place.lookup(now), place.lookup(now + later));
            Arc::ptr_eq(&before, &after)
        };
        assert!(same(&server.0, KEPT / 2), "shared by the sockets of a call");
        assert!(!same(&server.0, KEPT * 2));
        let gone = Place::new("gone", 1);
        assert!(same(&gone, KEPT * 2), "nobody has answered yet");
        let failed = (Err("nobody".to_owned()), now);
        gone.lookup(now).set(failed).unwrap();
        assert_eq!(gone.resolve().await, Err("nobody".to_owned()));
        assert!(!same(&gone, KEPT_FAILURE * 2), "the network may be up now");
    }
}
