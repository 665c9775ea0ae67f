//! STUN servers by URL (RFC 7064), resolved beside everything else.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

/// RFC 7064: the port when the URL names none.
const DEFAULT_PORT: u16 = 3478;

/// A name server that takes longer does not answer at all, as far as a call is concerned.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);

type Resolution = Result<Vec<SocketAddr>, String>;

/// One STUN server; clones share one resolution of its name.
#[derive(Clone)]
pub struct StunServer {
    host: String,
    port: u16,
    addresses: Arc<OnceCell<Resolution>>,
}

impl StunServer {
    /// The addresses of the server; looked up once for the process.
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

    /// Whether both name the same server.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.host.eq_ignore_ascii_case(&other.host) && self.port == other.port
    }

    /// Starts looking the name up, so that a later call does not wait for it.
    pub fn warm(&self) {
        let server = self.clone();
        tokio::spawn(async move { server.resolve().await });
    }
}

impl FromStr for StunServer {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("\"{url}\" is not a STUN URL like stun:host:3478");
        let (scheme, rest) = url.split_once(':').ok_or_else(wrong)?;
        if !scheme.eq_ignore_ascii_case("stun") || rest.contains(['/', '?', '@', '#', ' ']) {
            return Err(wrong());
        }
        let (host, port) = split_host_port(rest).ok_or_else(wrong)?;
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            addresses: Arc::new(OnceCell::new()),
        })
    }
}

fn split_host_port(text: &str) -> Option<(&str, u16)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, port.parse().ok()?)),
            None if rest.is_empty() => Some((host, DEFAULT_PORT)),
            None => None,
        };
    }
    match text.rsplit_once(':') {
        Some((host, _)) if host.contains(':') => None,
        Some((host, port)) => Some((host, port.parse().ok()?)),
        None => Some((text, DEFAULT_PORT)),
    }
}

impl fmt::Display for StunServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
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
            "stun:a?b",
            "turn:host",
        ] {
            let error = url.parse::<StunServer>().unwrap_err();
            assert!(error.contains("stun:host:3478"), "{error}");
        }
    }
}
