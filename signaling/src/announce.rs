//! Where a server listens, and the URLs under which it can be reached, for people and for scripts.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

use anyhow::anyhow;
use tokio::net::{TcpListener, TcpSocket};

use crate::log::Format;

/// Clients that may wait to be accepted, if the system lets so many (`net.core.somaxconn`). One that finds no place comes again
/// after a second (RFC 6298 section 2.1), and thousands come at once when a server is back.
const BACKLOG: u32 = 4096;

/// Binds the address that this option asks for, inside of a runtime, or says what is in the way and how to get around it.
///
/// # Errors
/// When the system refuses.
pub fn listen(option: &str, addr: SocketAddr) -> anyhow::Result<TcpListener> {
    bind(addr).map_err(|why| cannot_listen(option, addr, &why))
}

fn bind(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // Else a server that comes back finds its own old connections in the way; elsewhere the option means something worse.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

fn cannot_listen(option: &str, addr: SocketAddr, why: &io::Error) -> anyhow::Error {
    let advice = match why.kind() {
        io::ErrorKind::AddrInUse => "is another server running? try another port, or port 0",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: try a higher one",
        io::ErrorKind::AddrNotAvailable if addr.is_ipv6() => {
            "this machine has no such address: try [::]"
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address: try 0.0.0.0",
        _ => "try another address",
    };
    anyhow!(
        "cannot listen on {option} {addr}: {} ({advice})",
        why.kind()
    )
}

/// What there is to tell.
#[derive(Debug, Clone)]
pub struct Site {
    /// Where it listens.
    pub bound: SocketAddr,
    /// What else listens.
    pub others: Others,
    /// Whether there is a page to open.
    pub page: bool,
    /// With TLS: the names and addresses of its certificate.
    pub secure: Option<Vec<String>>,
}

impl Site {
    /// Every URL to use: with TLS by the names that clients will check.
    fn urls(&self) -> Vec<String> {
        let Some(names) = &self.secure else {
            return urls(self.bound);
        };
        let port = self.bound.port();
        let port = if port == 443 {
            String::new()
        } else {
            format!(":{port}")
        };
        let url = |name: &String| match name.parse() {
            Ok(IpAddr::V6(ip)) => format!("wss://[{ip}]{port}/socket"),
            _ => format!("wss://{name}{port}/socket"),
        };
        if names.is_empty() {
            let plain = urls(self.bound).into_iter();
            return plain.map(|url| url.replacen("ws:", "wss:", 1)).collect();
        }
        names.iter().map(url).collect()
    }
}

/// One URL for each address of this machine that the bound address stands for.
pub fn urls(bound: SocketAddr) -> Vec<String> {
    let interfaces = if bound.ip().is_unspecified() {
        // Without a list the wildcard itself still says the port.
        if_addrs::get_if_addrs().map(|all| all.iter().map(if_addrs::Interface::ip).collect())
    } else {
        Ok(Vec::new())
    };
    expand(bound, &interfaces.unwrap_or_default())
}

/// The same on a given list of interface addresses.
fn expand(bound: SocketAddr, interfaces: &[IpAddr]) -> Vec<String> {
    let url = |ip| format!("ws://{}/socket", SocketAddr::new(ip, bound.port()));
    if !bound.ip().is_unspecified() {
        return vec![url(bound.ip())];
    }
    let reached = |ip: &&IpAddr| match ip {
        IpAddr::V4(_) => true,
        // A link-local address means nothing without naming a link, which a URL cannot do.
        IpAddr::V6(ip) => bound.is_ipv6() && !ip.is_unicast_link_local(),
    };
    let mut ips: Vec<IpAddr> = interfaces.iter().filter(reached).copied().collect();
    ips.sort_by_key(|ip| (!ip.is_loopback(), *ip));
    ips.dedup();
    if ips.is_empty() {
        ips.push(bound.ip());
    }
    ips.into_iter().map(url).collect()
}

/// What else listens, and where.
#[derive(Debug, Clone, Copy, Default)]
pub struct Others {
    /// STUN and TURN.
    pub relay: Option<SocketAddr>,
    /// `/metrics`, apart from clients.
    pub metrics: Option<SocketAddr>,
}

/// For people.
fn tell_people(out: &mut impl Write, site: &Site) -> io::Result<()> {
    let (urls, others) = (site.urls(), site.others);
    for url in &urls {
        writeln!(out, "listening on {url}")?;
    }
    for url in urls.iter().filter(|_| site.page) {
        let address = url.trim_start_matches("ws").trim_end_matches("socket");
        writeln!(out, "open http{address} in a browser")?;
    }
    if let Some(relay) = others.relay {
        writeln!(out, "relay on udp and tcp {relay}")?;
    }
    if let Some(metrics) = others.metrics {
        writeln!(out, "metrics on http://{metrics}/metrics")?;
    }
    out.flush()
}

/// For scripts: one JSON object on one line.
pub fn tell_scripts(out: &mut impl Write, site: &Site) -> io::Result<()> {
    let others = site.others;
    write!(out, r#"{{"event":"listening","addr":"{}""#, site.bound)?;
    if let Some(relay) = others.relay {
        write!(out, r#","relay":"{relay}""#)?;
    }
    if let Some(metrics) = others.metrics {
        write!(out, r#","metrics":"{metrics}""#)?;
    }
    writeln!(out, "}}")?;
    out.flush()
}

/// Tells where it listens, as a line of the log or to people.
pub fn tell(format: Format, site: &Site) {
    match format {
        Format::Json => {
            let relay = site.others.relay.map(tracing::field::display);
            let metrics = site.others.metrics.map(tracing::field::display);
            tracing::info!(addr = %site.bound, relay, metrics, "listening");
        }
        // Nobody reads it any more: no reason not to serve.
        Format::Text => drop(tell_people(&mut io::stderr().lock(), site)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn ips() -> Vec<IpAddr> {
        [
            "192.0.2.7",
            "127.0.0.1",
            "2001:db8::7",
            "::1",
            "fe80::1",
            "192.0.2.7",
        ]
        .map(|ip| ip.parse().unwrap())
        .to_vec()
    }

    fn of(bound: &str) -> Vec<String> {
        expand(bound.parse().unwrap(), &ips())
    }

    #[test]
    fn a_definite_address_is_one_url() {
        assert_eq!(of("127.0.0.1:8080"), ["ws://127.0.0.1:8080/socket"]);
        assert_eq!(of("[::1]:1"), ["ws://[::1]:1/socket"]);
    }

    #[test]
    fn a_wildcard_is_every_address_loopback_first() {
        assert_eq!(
            of("0.0.0.0:80"),
            ["ws://127.0.0.1:80/socket", "ws://192.0.2.7:80/socket"]
        );
        assert_eq!(
            of("[::]:80"),
            [
                "ws://127.0.0.1:80/socket",
                "ws://[::1]:80/socket",
                "ws://192.0.2.7:80/socket",
                "ws://[2001:db8::7]:80/socket"
            ]
        );
        let nothing_known = expand("0.0.0.0:80".parse().unwrap(), &[]);
        assert_eq!(nothing_known, ["ws://0.0.0.0:80/socket"]);
    }

    fn site(bound: &str) -> Site {
        Site {
            bound: bound.parse().unwrap(),
            others: Others::default(),
            page: true,
            secure: None,
        }
    }

    #[test]
    fn with_tls_the_names_of_the_certificate_are_told() {
        let told = |bound, names: &[&str]| {
            let mut out = Vec::new();
            let secure = Some(names.iter().map(ToString::to_string).collect());
            tell_people(
                &mut out,
                &Site {
                    secure,
                    ..site(bound)
                },
            )
            .unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            told("0.0.0.0:443", &["peer.example"]),
            "listening on wss://peer.example/socket\nopen https://peer.example/ in a browser\n"
        );
        assert_eq!(
            told("127.0.0.1:8443", &["localhost", "::1"]),
            "listening on wss://localhost:8443/socket\nlistening on wss://[::1]:8443/socket\n\
             open https://localhost:8443/ in a browser\nopen https://[::1]:8443/ in a browser\n"
        );
        assert_eq!(
            told("127.0.0.1:8443", &[]),
            "listening on wss://127.0.0.1:8443/socket\nopen https://127.0.0.1:8443/ in a browser\n"
        );
    }

    #[test]
    fn scripts_read_one_line() {
        let mut out = Vec::new();
        let site = site("127.0.0.1:41234");
        tell_scripts(&mut out, &site).unwrap();
        assert_eq!(
            out,
            b"{\"event\":\"listening\",\"addr\":\"127.0.0.1:41234\"}\n"
        );
        out.clear();
        let others = Others {
            relay: Some("127.0.0.1:3478".parse().unwrap()),
            metrics: Some("127.0.0.1:9090".parse().unwrap()),
        };
        tell_scripts(&mut out, &Site { others, ..site }).unwrap();
        let relayed: &[u8] =
            b"{\"event\":\"listening\",\"addr\":\"127.0.0.1:41234\",\"relay\":\"127.0.0.1:3478\",\"metrics\":\"127.0.0.1:9090\"}\n";
        assert_eq!(out, relayed);
    }

    #[test]
    fn the_wildcard_finds_this_machine() {
        assert!(urls("0.0.0.0:9".parse().unwrap()).contains(&"ws://127.0.0.1:9/socket".into()));
    }
}
