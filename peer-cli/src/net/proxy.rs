//! Which proxy the environment names for a host. PURE

use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::DialError;

/// What the environment says about proxies.
///
/// As curl does it: `HTTPS_PROXY` for what is encrypted, `http_proxy` for what is not (its capital
/// form can be set by whoever calls a CGI script, and is not read), `ALL_PROXY` where those are not
/// set, `NO_PROXY` for who is reached without. Small letters win over capital ones. This machine
/// itself is never reached through a proxy.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    https: Option<Named>,
    http: Option<Named>,
    none: Vec<Rule>,
}

/// A variable and what it holds, which may be a password.
type Named = (&'static str, String);

/// An HTTP proxy.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// User and password.
    pub(super) credentials: Option<(String, String)>,
}

impl Proxies {
    /// Reads the environment through `variable`.
    #[must_use]
    pub fn new(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&'static str]| {
            let set = |name: &&'static str| Some((*name, variable(name)?));
            // Set and empty means none, also where a later one is set.
            names
                .iter()
                .find_map(set)
                .filter(|(_, value)| !value.is_empty())
        };
        let none = first(&["no_proxy", "NO_PROXY"])
            .map(|(_, list)| list)
            .unwrap_or_default();
        Self {
            https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            http: first(&["http_proxy", "all_proxy", "ALL_PROXY"]),
            none: none.split([',', ' ']).filter_map(Rule::read).collect(),
        }
    }

    /// The proxy on the way to a host, if any.
    pub(super) fn towards(
        &self,
        secure: bool,
        host: &str,
        port: u16,
    ) -> Result<Option<Proxy>, DialError> {
        let named = if secure { &self.https } else { &self.http };
        let Some((variable, value)) = named else {
            return Ok(None);
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if is_here(host) || self.none.iter().any(|rule| rule.covers(host, port)) {
            return Ok(None);
        }
        Proxy::read(value)
            .map(Some)
            .map_err(|reason| DialError::BadProxy {
                variable,
                reason: reason.to_owned(),
            })
    }
}

impl Proxy {
    /// Reads a URL, or just `host:port`; errors never repeat it.
    fn read(text: &str) -> Result<Self, &'static str> {
        let with_scheme = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let url = Url::parse(&with_scheme).map_err(|_| "it cannot be read")?;
        let tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err("only http:// and https:// proxies are spoken to"),
        };
        let host = match url.host() {
            Some(Host::Ipv6(ip)) => ip.to_string(),
            Some(host) => host.to_string(),
            None => return Err("it has no host"),
        };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let credentials = (!url.username().is_empty() || url.password().is_some()).then(|| {
            (
                decoded(url.username()),
                decoded(url.password().unwrap_or_default()),
            )
        });
        Ok(Self {
            tls,
            host,
            port: url.port_or_known_default().ok_or("it has no port")?,
            credentials,
        })
    }
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || name == "localhost"
        || name.ends_with(".localhost")
}

/// One word of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Everybody,
    /// An address block (RFC 4632), or one address.
    Block(IpAddr, u32),
    /// A name and all below it, perhaps on one port only.
    Name(String, Option<u16>),
}

impl Rule {
    fn read(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase();
        if word == "*" {
            return Some(Self::Everybody);
        }
        let bare = word.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Some(Self::Block(ip, bits(ip)));
        }
        if let Some((ip, length)) = word.split_once('/') {
            let (ip, length) = (ip.parse::<IpAddr>().ok()?, length.parse().ok()?);
            return (length <= bits(ip)).then_some(Self::Block(ip, length));
        }
        let (name, port) = match word.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok()?)),
            None => (word.as_str(), None),
        };
        let name = name.trim_start_matches("*.").trim_matches('.');
        (!name.is_empty()).then(|| Self::Name(name.to_owned(), port))
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        match self {
            Self::Everybody => true,
            Self::Block(network, length) => host
                .parse()
                .is_ok_and(|ip: IpAddr| is_within(ip, *network, *length)),
            Self::Name(name, only) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                let below = host.strip_suffix(name.as_str());
                let named = below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
                named && only.is_none_or(|only| only == port)
            }
        }
    }
}

fn bits(ip: IpAddr) -> u32 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn is_within(ip: IpAddr, network: IpAddr, length: u32) -> bool {
    let (ip, network, bits) = match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            (u128::from(ip.to_bits()), u128::from(network.to_bits()), 32)
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => (ip.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let host = bits - length;
    // A shift by all 128 bits is none at all.
    (ip ^ network).checked_shr(host).unwrap_or(0) == 0
}

#[cfg(test)]
#[path = "proxy/tests.rs"]
mod tests;
