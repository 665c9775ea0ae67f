//! STUN and TURN servers by URL (RFC 7064, RFC 7065), resolved beside everything else.

mod turn;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

pub use turn::{TurnServer, TurnTransport};

/// RFC 7064 and RFC 7065: the port when the URL names none.
const DEFAULT_PORT: u16 = 3478;

/// A name server that takes longer does not answer at all, as far as a call is concerned.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);

type Resolution = Result<Vec<SocketAddr>, String>;

/// Where a server is; clones share one resolution of its name.
#[derive(Clone)]
pub(super) struct Place {
    host: String,
    port: u16,
    addresses: Arc<OnceCell<Resolution>>,
}

impl Place {
    fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
            addresses: Arc::new(OnceCell::new()),
        }
    }

    /// Its addresses; looked up once for the process.
    pub(super) async fn resolve(&self) -> Resolution {
        self.addresses
            .get_or_init(|| async {
                let lookup = tokio::net::lookup_host((self.host.as_str(), self.port));
                match tokio::time::timeout(RESOLVE_TIMEOUT, lookup).await {
                    Ok(Ok(addresses)) => Ok(addresses.collect()),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_) => Err("no answer from the name server".to_owned()),
                }
            })
            .await
            .clone()
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
    /// The addresses of the server; looked up once for the process.
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

/// Takes `host`, `host:port`, `[address]` or `[address]:port` apart.
fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    if text.contains(['/', '?', '@', '#', ' ']) {
        return None;
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None if rest.is_empty() => Some((host, None)),
            None => None,
        };
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, _)) if host.contains(':') => return None,
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (text, None),
    };
    (!host.is_empty()).then_some((host, port))
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
        for url in [
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
        ] {
            let error = url.parse::<StunServer>().unwrap_err();
            assert!(error.contains("stun:host:3478"), "{error}");
        }
    }
}
