//! TCP and TLS towards servers: signaling, and relays that are reached over TCP.
//!
//! One [`Dialer`] for a command. It looks names up with a time-out, tries all addresses (RFC 8305),
//! goes through an HTTP proxy where the environment names one, and trusts `--ca` beside the
//! authorities of the system.

mod connect;
mod dialer;
mod error;
mod proxy;
mod trust;
mod tunnel;

pub use dialer::{Dialer, Errand};
pub use error::{DialError, ProxyError, TlsProblem};
pub use proxy::Proxies;

use tokio::io::{AsyncRead, AsyncWrite};

/// An open connection, plain or with TLS, direct or through a proxy.
pub type Stream = Box<dyn Connection>;

/// Bytes in order, both ways.
pub trait Connection: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Connection for T {}
