//! TCP to a host: its name looked up, its addresses tried in a staggered race (RFC 8305).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::DialError;

/// A name server that takes longer does not answer at all.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);

/// The next address gets its chance after this (RFC 8305 section 8).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to the first address of `host` that answers, from one of `bind` unless that is empty.
pub(super) async fn connect(
    host: &str,
    port: u16,
    bind: &[IpAddr],
) -> Result<TcpStream, DialError> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let lookup = tokio::net::lookup_host((host, port));
    let addresses = tokio::time::timeout(RESOLVE_TIMEOUT, lookup)
        .await
        .map_err(|_| DialError::NameServer)?
        .map_err(|_| DialError::Unresolved)?;
    let pairs = pairs(addresses, bind);
    if pairs.is_empty() {
        return Err(if bind.is_empty() {
            DialError::Unresolved
        } else {
            DialError::Bound
        });
    }
    race(pairs).await
}

/// Which source for which destination: both families in turn, in the order that the resolver prefers.
fn pairs(
    addresses: impl Iterator<Item = SocketAddr>,
    bind: &[IpAddr],
) -> Vec<(Option<IpAddr>, SocketAddr)> {
    let source = |to: &SocketAddr| {
        // A loopback server is reached from loopback only, whatever else is bound.
        if bind.is_empty() || to.ip().is_loopback() {
            return Some(None);
        }
        let usable = |ip: &&IpAddr| ip.is_ipv4() == to.is_ipv4() && !ip.is_loopback();
        bind.iter().find(usable).map(|ip| Some(*ip))
    };
    let pairs: Vec<_> = addresses
        .filter_map(|to| Some((source(&to)?, to)))
        .collect();
    let first_is_v6 = pairs.first().is_some_and(|(_, to)| to.is_ipv6());
    let (mut first, mut second): (Vec<_>, Vec<_>) = pairs
        .into_iter()
        .partition(|(_, to)| to.is_ipv6() == first_is_v6);
    first.reverse();
    second.reverse();
    let mut mixed = Vec::new();
    while !first.is_empty() || !second.is_empty() {
        mixed.extend(first.pop());
        mixed.extend(second.pop());
    }
    mixed
}

async fn race(pairs: Vec<(Option<IpAddr>, SocketAddr)>) -> Result<TcpStream, DialError> {
    let mut running = JoinSet::new();
    let mut waiting = pairs.into_iter();
    let mut failed = None;
    loop {
        match waiting.next() {
            Some((from, to)) => drop(running.spawn(one(from, to))),
            None if running.is_empty() => return Err(failed.unwrap_or(DialError::Silent)),
            None => {}
        }
        let more = waiting.len() > 0;
        tokio::select! {
            Some(ended) = running.join_next() => match ended {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failed = Some(more_telling(failed, error.into())),
                Err(_) => {}
            },
            () = tokio::time::sleep(ATTEMPT_DELAY), if more => {}
        }
    }
}

/// What the first address said counts, unless it was only that this machine has no such network.
fn more_telling(before: Option<DialError>, now: DialError) -> DialError {
    match before {
        None | Some(DialError::System(_)) => now,
        Some(before) => before,
    }
}

async fn one(from: Option<IpAddr>, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if let Some(ip) = from {
        socket.bind(SocketAddr::new(ip, 0))?;
    }
    let stream = socket.connect(to).await?;
    // Small frames, each of which somebody waits for.
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns_and_sources_fit() {
        let to = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| SocketAddr::new(ip(text), 1))
                .collect::<Vec<_>>()
        };
        let order = |texts: &[&str], bind: &[IpAddr]| -> Vec<String> {
            pairs(to(texts).into_iter(), bind)
                .iter()
                .map(|(from, to)| {
                    format!(
                        "{}>{}",
                        from.map_or("any".to_owned(), |ip| ip.to_string()),
                        to.ip()
                    )
                })
                .collect()
        };
        assert_eq!(
            order(&["2001:db8::1", "2001:db8::2", "192.0.2.1"], &[]),
            ["any>2001:db8::1", "any>192.0.2.1", "any>2001:db8::2"]
        );
        assert_eq!(
            order(
                &["2001:db8::1", "192.0.2.1", "127.0.0.1"],
                &[ip("10.0.0.1")]
            ),
            ["10.0.0.1>192.0.2.1", "any>127.0.0.1"]
        );
        assert!(order(&["2001:db8::1"], &[ip("10.0.0.1")]).is_empty());
        assert!(order(&["192.0.2.1"], &[ip("127.0.0.1")]).is_empty());
    }

    #[tokio::test]
    async fn the_address_that_listens_wins_over_one_that_refuses() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.2:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let stream = race(vec![(None, closed), (None, good)]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        let error = race(vec![(None, closed)]).await.unwrap_err();
        assert_eq!(error, DialError::Refused);
    }

    #[tokio::test]
    async fn names_without_an_address_and_brackets() {
        let error = connect("nobody.invalid", 1, &[]).await.unwrap_err();
        assert!(
            matches!(error, DialError::Unresolved | DialError::NameServer),
            "{error}"
        );
        // A machine may have no IPv6 at all.
        if let Ok(listener) = tokio::net::TcpListener::bind("[::1]:0").await {
            let port = listener.local_addr().unwrap().port();
            connect("[::1]", port, &[]).await.unwrap();
        }
        let error = connect("2001:db8::1", 1, &[ip("127.0.0.1")])
            .await
            .unwrap_err();
        assert_eq!(error, DialError::Bound);
    }
}
