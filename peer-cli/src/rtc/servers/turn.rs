//! A TURN server: its URL (RFC 7065) and the credentials for it (RFC 8489 9.2).

use std::fmt;
use std::net::SocketAddr;

use shared::Secret;

use super::{DEFAULT_PORT, Place, host_and_port};

/// RFC 7065: the port of `turns:` when the URL names none.
const DEFAULT_TLS_PORT: u16 = 5349;

/// How a TURN server is reached; what it relays is UDP in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TurnTransport {
    /// `turn:host`
    Udp,
    /// `turn:host?transport=tcp`
    Tcp,
    /// `turns:host`: TLS over TCP.
    Tls,
}

/// One TURN server and who we are there.
#[derive(Clone)]
pub struct TurnServer {
    place: Place,
    transport: TurnTransport,
    username: String,
    password: Secret,
}

impl TurnServer {
    /// Reads a URL.
    ///
    /// # Errors
    /// The URL and what one looks like.
    pub fn new(url: &str, username: &str, password: Secret) -> Result<Self, String> {
        let (place, transport) = parse(url).ok_or_else(|| {
            // Some tools write the user and password into the URL: not to be repeated.
            let shown = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
            format!(
                "\"{shown}\" is not a TURN URL like turn:host:3478, turn:host?transport=tcp or turns:host:5349"
            )
        })?;
        Ok(Self {
            place,
            transport,
            username: username.to_owned(),
            password,
        })
    }

    /// How it is reached.
    #[must_use]
    pub fn transport(&self) -> TurnTransport {
        self.transport
    }

    /// Its name or address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.place.host
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.place.port
    }

    /// Who we are there; may be empty.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password that goes with the name.
    #[must_use]
    pub fn password(&self) -> &Secret {
        &self.password
    }

    /// Whether both name the same way to the same server, whoever asks.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.place.is_same(&other.place) && self.transport == other.transport
    }

    /// The addresses of the server, not looked up more often than needed.
    ///
    /// # Errors
    /// What the name server said.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, String> {
        self.place.resolve().await
    }

    /// Starts looking the name up, so that a later call does not wait for it.
    pub fn warm(&self) {
        self.place.warm();
    }

    /// The URL in its shortest form, without credentials.
    #[must_use]
    pub fn url(&self) -> String {
        match self.transport {
            TurnTransport::Udp => format!("turn:{}", self.place),
            TurnTransport::Tcp => format!("turn:{}?transport=tcp", self.place),
            TurnTransport::Tls => format!("turns:{}", self.place),
        }
    }
}

fn parse(url: &str) -> Option<(Place, TurnTransport)> {
    let (scheme, rest) = url.split_once(':')?;
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query.strip_prefix("transport=")?)),
        None => (rest, None),
    };
    let tls = scheme.eq_ignore_ascii_case("turns");
    if !tls && !scheme.eq_ignore_ascii_case("turn") {
        return None;
    }
    let transport = match (tls, query) {
        (false, None | Some("udp")) => TurnTransport::Udp,
        (false, Some("tcp")) => TurnTransport::Tcp,
        // TURN over DTLS (turns: with udp) is spoken by hardly any server.
        (true, None | Some("tcp")) => TurnTransport::Tls,
        _ => return None,
    };
    let (host, port) = host_and_port(rest)?;
    let default = if tls { DEFAULT_TLS_PORT } else { DEFAULT_PORT };
    Some((Place::new(host, port.unwrap_or(default)), transport))
}

impl fmt::Display for TurnServer {
    /// As people are told: `turn.example:3478 over tcp`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.transport {
            TurnTransport::Udp => self.place.fmt(f),
            TurnTransport::Tcp => write!(f, "{} over tcp", self.place),
            TurnTransport::Tls => write!(f, "{} over tls", self.place),
        }
    }
}

impl fmt::Debug for TurnServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TurnServer({}, user {:?})", self.url(), self.username)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn server(url: &str) -> Result<TurnServer, String> {
        TurnServer::new(url, "u", Secret::new("p"))
    }

    #[test]
    fn urls_are_read_as_rfc_7065_writes_them() {
        for (url, short, shown) in [
            (
                "turn:example.org",
                "turn:example.org:3478",
                "example.org:3478",
            ),
            (
                "TURN:192.0.2.1:80?transport=udp",
                "turn:192.0.2.1:80",
                "192.0.2.1:80",
            ),
            (
                "turn:h?transport=tcp",
                "turn:h:3478?transport=tcp",
                "h:3478 over tcp",
            ),
            ("turns:h", "turns:h:5349", "h:5349 over tls"),
            (
                "turns:[2001:db8::1]:443?transport=tcp",
                "turns:[2001:db8::1]:443",
                "[2001:db8::1]:443 over tls",
            ),
        ] {
            let server = server(url).unwrap();
            assert_eq!(
                (server.url().as_str(), server.to_string().as_str()),
                (short, shown)
            );
        }
    }

    #[test]
    fn what_is_none_is_refused_and_no_password_repeated() {
        for url in [
            "",
            "turn:",
            "turn://host",
            "stun:host",
            "turn:host?transport=sctp",
            "turns:host?transport=udp",
            "turn:host?x=y",
            "turn:user:secret@host",
            "turn:host:0",
            "turns:host\r\nProxy-Authorization: x:1",
        ] {
            let error = server(url).unwrap_err();
            assert!(error.contains("turn:host:3478"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(
            !format!(
                "{:?}",
                TurnServer::new("turn:h", "u", Secret::new("hush")).unwrap()
            )
            .contains("hush")
        );
    }
}
