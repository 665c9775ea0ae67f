//! What a client is told of STUN and TURN (W3C `RTCIceServer`), with credentials made for it.

use std::net::{IpAddr, SocketAddr};

use shared::{IceServer, PeerId, Secret};

use super::credentials;

/// How a client has reached this server, which is how it reaches the relay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Name or address in the `Host` of its request, without the port.
    pub(crate) host: Option<String>,
    /// The local address of its connection.
    pub(crate) local: Option<IpAddr>,
    /// What somebody else gives it beside ours.
    pub(crate) promised: Vec<IceServer>,
}

/// Where the embedded relay is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) bound: SocketAddr,
    /// What the operator calls it; empty is the bound address.
    pub(super) ips: Vec<IpAddr>,
}

/// Makes the lists.
#[derive(Debug, Clone, Default)]
pub(crate) struct IceServers {
    secret: Option<Secret>,
    embedded: Option<Place>,
    /// URLs of relays elsewhere that share the secret.
    outside: Vec<String>,
}

impl IceServers {
    /// Without a secret there is nothing to offer.
    pub(super) fn new(
        secret: Option<Secret>,
        embedded: Option<Place>,
        outside: Vec<String>,
    ) -> Self {
        Self {
            secret,
            embedded,
            outside,
        }
    }

    /// For one client, at `unix` seconds since 1970.
    pub(crate) fn list(&self, unix: u64, id: &PeerId, reached: &Reached) -> Vec<IceServer> {
        let mut list = self.ours(unix, id, reached);
        list.extend_from_slice(&reached.promised);
        list
    }

    fn ours(&self, unix: u64, id: &PeerId, reached: &Reached) -> Vec<IceServer> {
        let Some(secret) = &self.secret else {
            return Vec::new();
        };
        let with_credentials = |urls: Vec<String>| {
            let credentials = credentials::issue(secret, unix, id.as_str());
            IceServer {
                urls,
                username: Some(credentials.username),
                credential: Some(credentials.password),
            }
        };
        let mut list = Vec::new();
        if let Some(place) = &self.embedded {
            let hosts = place.hosts(reached);
            list.push(IceServer {
                urls: hosts.iter().map(|h| format!("stun:{h}")).collect(),
                username: None,
                credential: None,
            });
            let udp = hosts.iter().map(|h| format!("turn:{h}"));
            let tcp = hosts.iter().map(|h| format!("turn:{h}?transport=tcp"));
            list.push(with_credentials(udp.chain(tcp).collect()));
        }
        if !self.outside.is_empty() {
            list.push(with_credentials(self.outside.clone()));
        }
        list
    }
}

impl Place {
    /// HOST:PORT of each way to it (RFC 7064, RFC 7065).
    fn hosts(&self, reached: &Reached) -> Vec<String> {
        let port = self.bound.port();
        let url = |ip: &IpAddr| SocketAddr::new(*ip, port).to_string();
        if !self.ips.is_empty() {
            return self.ips.iter().map(url).collect();
        }
        if !self.bound.ip().is_unspecified() {
            return vec![url(&self.bound.ip())];
        }
        // A name may be that of a machine that forwards to this one, where the own address means nothing to the client.
        let host = reached.host.as_deref().filter(|h| *h != "localhost");
        match (host, reached.local) {
            (Some(host), _) => vec![format!("{host}:{port}")],
            (None, Some(local)) => vec![url(&local)],
            (None, None) => vec![url(&self.bound.ip())],
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(bound: &str, ips: &[&str], host: Option<&str>, local: Option<&str>) -> Vec<String> {
        let place = Place {
            bound: bound.parse().unwrap(),
            ips: ips.iter().map(|ip| ip.parse().unwrap()).collect(),
        };
        place.hosts(&Reached {
            host: host.map(str::to_owned),
            local: local.map(|ip| ip.parse().unwrap()),
            promised: Vec::new(),
        })
    }

    #[test]
    fn the_relay_is_called_as_the_operator_says_or_as_it_was_reached() {
        let public = ["203.0.113.5", "2001:db8::5"];
        assert_eq!(
            of("0.0.0.0:1", &public, Some("x"), None),
            ["203.0.113.5:1", "[2001:db8::5]:1"]
        );
        assert_eq!(of("10.0.0.1:1", &[], Some("x"), None), ["10.0.0.1:1"]);
        assert_eq!(
            of("[::]:1", &[], Some("x.example"), Some("::1")),
            ["x.example:1"]
        );
        assert_eq!(of("[::]:1", &[], Some("[::1]"), Some("::1")), ["[::1]:1"]);
        assert_eq!(
            of("0.0.0.0:1", &[], Some("localhost"), Some("127.0.0.1")),
            ["127.0.0.1:1"]
        );
        assert_eq!(
            of("0.0.0.0:1", &[], None, Some("192.0.2.1")),
            ["192.0.2.1:1"]
        );
    }

    #[test]
    fn one_entry_without_and_one_with_credentials_and_one_for_elsewhere() {
        let id = PeerId::new("bob").unwrap();
        let place = Place {
            bound: "127.0.0.1:3478".parse().unwrap(),
            ips: Vec::new(),
        };
        let outside = vec!["turns:relay.example:5349".to_owned()];
        let servers = IceServers::new(Some(Secret::new("s")), Some(place), outside);
        let [stun, turn, other] = servers
            .list(1000, &id, &Reached::default())
            .try_into()
            .unwrap();
        assert_eq!(stun.urls, ["stun:127.0.0.1:3478"]);
        assert_eq!((stun.username, stun.credential), (None, None));
        assert_eq!(
            turn.urls,
            ["turn:127.0.0.1:3478", "turn:127.0.0.1:3478?transport=tcp"]
        );
        assert_eq!(turn.username.as_deref(), Some("87400:bob"));
        let password = credentials::password(&Secret::new("s"), "87400:bob");
        assert_eq!(turn.credential, Some(password));
        assert_eq!(other.urls, ["turns:relay.example:5349"]);
        assert_eq!(
            (other.username, other.credential),
            (turn.username, turn.credential)
        );
        assert!(
            IceServers::default()
                .list(0, &id, &Reached::default())
                .is_empty()
        );
    }
}
