//! The one who dials.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::proxy::{Proxies, Proxy};
use super::{DialError, ProxyError, Stream, TlsProblem, connect, trust, tunnel};
use crate::exit::Failure;

/// Looking up, TCP, the proxy and TLS together.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What a connection is for, which decides about proxies and source addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Signaling: through `HTTPS_PROXY` with TLS, `http_proxy` without, from whichever address the
    /// system picks.
    Signaling,
    /// A relay: through `HTTPS_PROXY`, from the addresses of `--bind`.
    Relay,
}

/// Opens connections; clones share what it knows.
/// The default trusts the system's authorities and knows no proxy.
#[derive(Clone, Default)]
pub struct Dialer(Arc<Inner>);

#[derive(Default)]
struct Inner {
    own: Vec<CertificateDer<'static>>,
    proxies: Proxies,
    bind: Vec<IpAddr>,
    /// Made for the first TLS connection: reading the system's authorities takes some milliseconds.
    tls: OnceCell<Arc<ClientConfig>>,
}

impl Dialer {
    /// Trusts the authorities in `ca` too, goes through `proxies`, and for relays starts from one of
    /// `bind` unless that is empty.
    ///
    /// # Errors
    /// When the file of `ca` cannot be read or holds no certificate.
    pub fn new(ca: Option<&Path>, proxies: Proxies, bind: &[IpAddr]) -> Result<Self, Failure> {
        Ok(Self(Arc::new(Inner {
            own: ca.map(trust::read).transpose()?.unwrap_or_default(),
            proxies,
            bind: bind.to_vec(),
            tls: OnceCell::new(),
        })))
    }

    /// TCP to a relay; `host` is a name or an address, with or without brackets.
    ///
    /// # Errors
    /// Why there is no connection, after 10 s at the latest.
    pub async fn tcp(&self, host: &str, port: u16) -> Result<Stream, DialError> {
        self.dial(Errand::Relay, false, host, port).await
    }

    /// TLS over TCP to a relay, which must prove to be `host`.
    ///
    /// # Errors
    /// As [`Self::tcp`], and when its certificate is not trusted.
    pub async fn tls(&self, host: &str, port: u16) -> Result<Stream, DialError> {
        self.dial(Errand::Relay, true, host, port).await
    }

    /// TCP to `host`, and TLS on it if `tls`.
    ///
    /// # Errors
    /// As [`Self::tls`].
    pub async fn dial(
        &self,
        errand: Errand,
        tls: bool,
        host: &str,
        port: u16,
    ) -> Result<Stream, DialError> {
        let deadline = Instant::now() + TIMEOUT;
        self.dial_by(deadline, errand, tls, (host, port)).await
    }

    async fn dial_by(
        &self,
        deadline: Instant,
        errand: Errand,
        tls: bool,
        (host, port): (&str, u16),
    ) -> Result<Stream, DialError> {
        let stream = self.reach(errand, tls, (host, port), deadline).await?;
        if tls {
            by(deadline, DialError::Silent, self.secure(stream, host)).await
        } else {
            Ok(stream)
        }
    }

    async fn reach(
        &self,
        errand: Errand,
        tls: bool,
        (host, port): (&str, u16),
        deadline: Instant,
    ) -> Result<Stream, DialError> {
        let bind: &[IpAddr] = if errand == Errand::Relay {
            &self.0.bind
        } else {
            &[]
        };
        // What a relay carries is encrypted end to end.
        let secure = tls || errand == Errand::Relay;
        let Some(proxy) = self.0.proxies.towards(secure, host, port)? else {
            let connected = connect::connect(host, port, bind);
            return Ok(Box::new(by(deadline, DialError::Silent, connected).await?));
        };
        // A proxy that takes the request and says nothing is not the fault of the host behind it.
        let silent = ProxyError::Unreachable(DialError::Silent);
        by(deadline, silent, self.through(&proxy, bind, host, port))
            .await
            .map_err(|error| DialError::Proxy {
                proxy: tunnel::authority(&proxy.host, proxy.port),
                error: Box::new(error),
            })
    }

    async fn through(
        &self,
        proxy: &Proxy,
        bind: &[IpAddr],
        host: &str,
        port: u16,
    ) -> Result<Stream, ProxyError> {
        let reached = connect::connect(&proxy.host, proxy.port, bind).await;
        let mut stream: Stream = Box::new(reached.map_err(ProxyError::Unreachable)?);
        if proxy.tls {
            stream = self
                .secure(stream, &proxy.host)
                .await
                .map_err(ProxyError::Unreachable)?;
        }
        tunnel::open(&mut stream, proxy, host, port).await?;
        Ok(stream)
    }

    async fn secure(&self, stream: Stream, host: &str) -> Result<Stream, DialError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| {
            TlsProblem::Other(format!("{bare} is no name that a certificate could be for"))
        })?;
        let connector = TlsConnector::from(self.config().await?);
        match connector.connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(match TlsProblem::of(bare, &error) {
                Some(problem) => DialError::Tls(problem),
                None => error.into(),
            }),
        }
    }

    async fn config(&self) -> Result<Arc<ClientConfig>, DialError> {
        let make = || async {
            let own = self.0.own.clone();
            let made = tokio::task::spawn_blocking(move || trust::config(&own)).await;
            made.map_err(|error| error.to_string())?.map(Arc::new)
        };
        let config = self.0.tls.get_or_try_init(make).await;
        config
            .cloned()
            .map_err(|reason| DialError::Tls(TlsProblem::Other(reason)))
    }
}

/// What comes of it until then, else this.
async fn by<T, E>(
    deadline: Instant,
    silent: E,
    what: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    timeout_at(deadline, what).await.unwrap_or(Err(silent))
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dialer({} own authorities)", self.0.own.len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn who_is_silent_is_told() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let proxies = Proxies::new(|name| {
            (name == "HTTPS_PROXY").then(|| format!("http://u:hush@127.0.0.1:{port}"))
        });
        let dialer = Dialer::new(None, proxies, &[]).unwrap();
        let silence = async |tls, host| {
            let deadline = Instant::now() + Duration::from_millis(200);
            let dialled = dialer.dial_by(deadline, Errand::Relay, tls, (host, port));
            dialled.await.err().unwrap()
        };
        let proxy = DialError::Proxy {
            proxy: format!("127.0.0.1:{port}"),
            error: Box::new(ProxyError::Unreachable(DialError::Silent)),
        };
        assert_eq!(silence(false, "192.0.2.1").await, proxy);
        // There is no proxy on the way to this machine.
        assert_eq!(silence(true, "127.0.0.1").await, DialError::Silent);
    }
}
