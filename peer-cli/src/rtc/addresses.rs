//! Which local addresses a connection binds, one socket each.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use tokio::sync::mpsc;

/// How often the interfaces are looked at. A look costs some 20 µs.
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// The addresses to bind, looked up anew each time that the crate binds: a restart of ICE follows a
/// change of network.
#[derive(Clone, Debug)]
pub(super) struct LocalAddresses {
    pub(super) bind: Vec<IpAddr>,
    pub(super) loopback: bool,
    pub(super) loopback_only: bool,
}

impl ToSocketAddrs for LocalAddresses {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        let addresses = if self.loopback_only {
            vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]
        } else {
            local_addresses(&self.bind, self.loopback)?
        };
        Ok(addresses.into_iter())
    }
}

/// The addresses of this machine, as far as packets can leave from them: those of now, and again
/// each time that they have changed.
#[must_use]
pub fn watch_addresses() -> mpsc::Receiver<Vec<IpAddr>> {
    let (tx, rx) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut before = None;
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = tx.closed() => return,
            }
            let Ok(interfaces) = if_addrs::get_if_addrs() else {
                continue;
            };
            let mut now: Vec<IpAddr> = interfaces
                .into_iter()
                .map(|interface| interface.ip())
                .filter(|ip| ip.is_loopback() || is_usable(ip))
                .collect();
            now.sort_unstable();
            now.dedup();
            if before.as_ref() != Some(&now) {
                before = Some(now.clone());
                if tx.send(now).await.is_err() {
                    return;
                }
            }
        }
    });
    rx
}

/// The addresses to gather host candidates on (RFC 8445 5.1.1.1), port chosen by the system.
///
/// `bind` narrows it to the named ones; `loopback` adds 127.0.0.1. A machine with nothing but `lo`
/// gets loopback anyway, since there is no other path to try.
///
/// # Errors
/// When the interfaces cannot be listed.
pub(super) fn local_addresses(bind: &[IpAddr], loopback: bool) -> io::Result<Vec<SocketAddr>> {
    let mut addresses: Vec<IpAddr> = if bind.is_empty() {
        if_addrs::get_if_addrs()?
            .into_iter()
            .map(|interface| interface.ip())
            .filter(is_usable)
            .collect()
    } else {
        bind.to_vec()
    };
    if loopback || addresses.is_empty() {
        addresses.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses
        .into_iter()
        .map(|ip| SocketAddr::new(ip, 0))
        .collect())
}

/// Whether each of these is an address of this machine.
///
/// # Errors
/// The first that is not, and what the system says of it.
pub fn check_bind(addresses: &[IpAddr]) -> Result<(), (IpAddr, io::Error)> {
    for ip in addresses {
        std::net::UdpSocket::bind((*ip, 0)).map_err(|error| (*ip, error))?;
    }
    Ok(())
}

/// Loopback reaches nobody; a link-local IPv6 address needs a zone that no candidate carries.
fn is_usable(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unspecified() && !ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn named_addresses_replace_the_list_and_loopback_adds() {
        let bind = ["192.0.2.7".parse().unwrap()];
        let addresses = local_addresses(&bind, true).unwrap();
        let expected: Vec<SocketAddr> = ["127.0.0.1:0", "192.0.2.7:0"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        assert_eq!(addresses, expected);
    }

    #[test]
    fn there_is_always_an_address() {
        assert!(!local_addresses(&[], false).unwrap().is_empty());
    }
}
