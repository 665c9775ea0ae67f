//! STUN and TURN servers asked on their own, without a connection: what `doctor` measures.

mod binding;
mod client;
mod link;
mod message;
mod turn;

use std::net::{IpAddr, SocketAddr};

pub use binding::{Answer, BindingFacts, Change, Question, ask, binding};
pub use turn::{Allocation, Relayed, allocation};

use crate::net::DialError;

/// Why a server did not give what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// Its name has no address, or the name server is silent.
    #[error("{0}")]
    Unresolved(String),
    /// Nothing came back in time.
    #[error("no reply")]
    NoReply,
    /// ICMP came back: nobody listens on that port.
    #[error("nobody listens there (ICMP port unreachable)")]
    Closed,
    /// The system has no way there, such as `network is unreachable`.
    #[error("{0}")]
    Unreachable(String),
    /// `--bind` names addresses of the other family only.
    #[error("no --bind address reaches it (IPv4 and IPv6 do not mix)")]
    Bound,
    /// No TCP or TLS connection.
    #[error("{0}")]
    Dial(#[from] DialError),
    /// It said no: an ERROR-CODE (RFC 8489 14.8, RFC 8656 19).
    #[error("{code} {reason}")]
    Refused {
        /// Such as 401.
        code: u16,
        /// In the server's words.
        reason: String,
    },
    /// It wants to know who we are, and we have nothing to say.
    #[error("it wants a user and password (401)")]
    Anonymous,
    /// It answered, but not in a way that makes sense.
    #[error("a strange answer: {0}")]
    Strange(String),
}

/// The address to send from: any, or one of `bind` that fits. A loopback server is reached from loopback only.
fn source(bind: &[IpAddr], to: SocketAddr) -> Option<IpAddr> {
    let any = if to.is_ipv4() {
        IpAddr::from([0; 4])
    } else {
        IpAddr::from([0; 16])
    };
    if bind.is_empty() || to.ip().is_loopback() {
        return Some(any);
    }
    let fits = |ip: &&IpAddr| ip.is_ipv4() == to.is_ipv4() && !ip.is_loopback();
    bind.iter().find(fits).copied()
}

#[cfg(test)]
mod tests;
