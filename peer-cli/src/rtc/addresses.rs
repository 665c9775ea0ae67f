//! Which local addresses a connection binds, one socket each.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use tokio::sync::mpsc;

/// Of an address that nothing is sent to.
const PORT: u16 = 9;

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

/// Addresses of a machine that are used unless they are named. The crate checks all pairs at once, every 20 ms, relayed and
/// peer-reflexive ones too, where RFC 8445 6.1.2.5 has at most a hundred and 14.2 paces them: two machines with 16 addresses
/// each and a relay answer each other so late that no pair is ever chosen.
const MAX_ADDRESSES: usize = 8;

/// The addresses to gather host candidates on (RFC 8445 5.1.1.1), port chosen by the system.
///
/// `bind` narrows it to the named ones, else there are [`MAX_ADDRESSES`] at most; `loopback` adds 127.0.0.1. A machine with nothing but `lo`
/// gets loopback anyway, since there is no other path to try.
///
/// # Errors
/// When the interfaces cannot be listed.
pub(super) fn local_addresses(bind: &[IpAddr], loopback: bool) -> io::Result<Vec<SocketAddr>> {
    let mut addresses: Vec<IpAddr> = if bind.is_empty() {
        let all = if_addrs::get_if_addrs()?.into_iter();
        let all = all.map(|interface| interface.ip()).filter(is_usable);
        most_useful(all.collect(), &way_out())
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

/// The first of them, those of `way_out` before all others.
fn most_useful(mut addresses: Vec<IpAddr>, way_out: &[IpAddr]) -> Vec<IpAddr> {
    addresses.sort_by_key(|ip| !way_out.contains(ip));
    if addresses.len() > MAX_ADDRESSES {
        tracing::info!(unused = ?&addresses[MAX_ADDRESSES..], "many addresses (--bind names others)");
        addresses.truncate(MAX_ADDRESSES);
    }
    addresses
}

/// The addresses from which the system would reach the Internet, of each family one. Nothing is sent.
fn way_out() -> Vec<IpAddr> {
    let far = [
        (IpAddr::from([192, 0, 2, 1]), IpAddr::from([0; 4])),
        (
            IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]),
            IpAddr::from([0; 16]),
        ),
    ];
    let source = |(far, any)| {
        let socket = std::net::UdpSocket::bind((any, 0)).ok()?;
        socket.connect((far, PORT)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    far.into_iter().filter_map(source).collect()
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
    fn of_many_addresses_the_way_out_is_kept() {
        let many: Vec<IpAddr> = (1..=20).map(|n| IpAddr::from([10, 0, n, 1])).collect();
        let v6: IpAddr = "2001:db8::7".parse().unwrap();
        let all = [many.clone(), vec![v6]].concat();
        let kept = most_useful(all, &[many[15], v6]);
        assert_eq!(kept.len(), MAX_ADDRESSES);
        assert_eq!(kept[..3], [many[15], v6, many[0]]);
        let few = many[..3].to_vec();
        assert_eq!(most_useful(few.clone(), &[]), few);
    }

    #[test]
    fn there_is_always_an_address() {
        assert!(!local_addresses(&[], false).unwrap().is_empty());
    }
}
