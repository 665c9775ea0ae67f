//! How many connections of a kind are open, in all and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::{Limits, bound};

/// Counts who is inside.
pub(crate) struct Gate {
    max: usize,
    max_per_ip: usize,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Default)]
struct Inside {
    total: usize,
    by_origin: HashMap<IpAddr, usize>,
}

/// The right to be inside; ends when dropped.
pub(crate) struct Ticket {
    inside: Arc<Mutex<Inside>>,
    /// None for loopback, which is not counted by address.
    origin: Option<IpAddr>,
}

/// Which limit was met.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Full {
    Server(usize),
    Address(usize),
}

impl Gate {
    /// For WebSockets, and whatever else is worth as much.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self::of(limits.max_connections, limits.max_connections_per_ip)
    }

    /// 0 bounds nothing.
    pub(crate) fn of(max: usize, max_per_ip: usize) -> Self {
        Self {
            max: bound(max),
            max_per_ip: bound(max_per_ip),
            inside: Arc::default(),
        }
    }

    /// Who comes by itself.
    pub(crate) fn enter(&self, ip: IpAddr) -> Result<Ticket, Full> {
        let ip = ip.to_canonical();
        self.enter_as(Some(ip).filter(|ip| !ip.is_loopback()))
    }

    /// For this address, whatever it is; without one only the whole is bounded.
    pub(crate) fn enter_as(&self, address: Option<IpAddr>) -> Result<Ticket, Full> {
        let origin = address.map(network);
        let mut inside = lock(&self.inside);
        if inside.total >= self.max {
            return Err(Full::Server(self.max));
        }
        if let Some(origin) = origin {
            let count = inside.by_origin.entry(origin).or_default();
            if *count >= self.max_per_ip {
                return Err(Full::Address(self.max_per_ip));
            }
            *count += 1;
        }
        inside.total += 1;
        Ok(Ticket {
            inside: Arc::clone(&self.inside),
            origin,
        })
    }
}

impl Gate {
    /// How full it is, from 0 to 1.
    pub(crate) fn fill(&self) -> f64 {
        // Exact up to 2^53.
        lock(&self.inside).total as f64 / self.max as f64
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inside = lock(&self.inside);
        inside.total = inside.total.saturating_sub(1);
        let Some(origin) = self.origin else { return };
        if let Some(count) = inside.by_origin.get_mut(&origin) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                inside.by_origin.remove(&origin);
            }
        }
    }
}

/// Two numbers that are never left half changed: a panic elsewhere does not spoil them.
fn lock(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whom an address stands for: itself, or the /64 network that one IPv6 customer has.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
        ip @ IpAddr::V4(_) => ip,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn gate(max: usize, per_ip: usize) -> Gate {
        Gate::new(&Limits {
            max_connections: max,
            max_connections_per_ip: per_ip,
            ..Limits::default()
        })
    }

    fn enter(gate: &Gate, ip: &str) -> Result<Ticket, Full> {
        gate.enter(ip.parse().unwrap())
    }

    #[test]
    fn an_address_is_counted_and_loopback_is_not() {
        let gate = gate(0, 2);
        let first = enter(&gate, "192.0.2.1").ok().unwrap();
        let _second = enter(&gate, "::ffff:192.0.2.1").ok().unwrap();
        assert_eq!(enter(&gate, "192.0.2.1").err(), Some(Full::Address(2)));
        let _other = enter(&gate, "192.0.2.2").ok().unwrap();
        drop(first);
        assert!(enter(&gate, "192.0.2.1").is_ok());
        let local: Vec<_> = (0..10)
            .map(|_| enter(&gate, "127.0.0.1").ok().unwrap())
            .collect();
        assert_eq!(local.len(), 10);
    }

    #[test]
    fn behind_a_proxy_even_loopback_is_counted() {
        let gate = gate(0, 1);
        let behind = || gate.enter_as(Some("127.0.0.1".parse().unwrap()));
        let _one = behind().ok().unwrap();
        assert_eq!(behind().err(), Some(Full::Address(1)));
        assert!(enter(&gate, "127.0.0.1").is_ok());
    }

    #[test]
    fn how_full_it_is() {
        let gate = gate(4, 0);
        let _one = enter(&gate, "127.0.0.1").ok().unwrap();
        assert!((gate.fill() - 0.25).abs() < 0.001);
        assert!(self::gate(0, 0).fill() < 0.001);
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let gate = gate(0, 1);
        let _one = enter(&gate, "2001:db8::1").ok().unwrap();
        assert_eq!(enter(&gate, "2001:db8::2").err(), Some(Full::Address(1)));
        assert!(enter(&gate, "2001:db8:0:1::2").is_ok());
    }

    #[test]
    fn the_server_is_full_for_everybody_until_somebody_leaves() {
        let gate = gate(1, 0);
        let only = enter(&gate, "127.0.0.1").ok().unwrap();
        assert_eq!(enter(&gate, "192.0.2.1").err(), Some(Full::Server(1)));
        drop(only);
        assert!(enter(&gate, "192.0.2.1").is_ok());
        assert!(lock(&gate.inside).by_origin.is_empty());
    }
}
