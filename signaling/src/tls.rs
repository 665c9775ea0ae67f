//! TLS for whoever connects: which certificate is shown, and where it comes from. The only room that names the TLS library.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context, anyhow};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tracing::warn;

mod acme;
mod certificate;
mod stream;

pub use acme::Acme;
use certificate::Facts;
pub(crate) use stream::Stream;

/// The one protocol inside: WebSocket upgrades are HTTP/1.1 here.
const HTTP: &[u8] = b"http/1.1";

/// TLS of one server, with a certificate that can change while it serves; clones are the same.
#[derive(Clone)]
pub struct Tls {
    source: Source,
    acceptor: TlsAcceptor,
}

/// Where the certificate comes from.
#[derive(Debug, Clone)]
enum Source {
    Files(Files, Arc<Shown>),
    /// Renewed until the last clone is dropped.
    Acme {
        names: Vec<String>,
        _renewal: Arc<acme::Renewal>,
    },
}

#[derive(Debug, Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What new connections are shown.
#[derive(Debug)]
struct Shown(RwLock<Current>);

#[derive(Debug, Clone)]
struct Current {
    key: Arc<CertifiedKey>,
    facts: Facts,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current().key)
    }
}

impl Shown {
    /// Never left half changed: a panic elsewhere does not spoil it.
    fn current(&self) -> Current {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Tls").field(&self.source).finish()
    }
}

impl Tls {
    /// With a chain (its own certificate first) and its key, both PEM: RFC 7468.
    ///
    /// # Errors
    /// Which file is wrong, and how.
    pub fn from_files(certificate: &Path, key: &Path) -> anyhow::Result<Self> {
        let files = Files {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        let shown = Arc::new(Shown(RwLock::new(files.read()?)));
        let acceptor = acceptor(Arc::<Shown>::clone(&shown), &[HTTP])?;
        Ok(Self {
            source: Source::Files(files, shown),
            acceptor,
        })
    }

    /// With a certificate that an authority is asked for, over and over: RFC 8555. The authority proves that this server has
    /// the names by connecting to it (RFC 8737), at port 443 unless it is one's own.
    ///
    /// # Errors
    /// When there is nowhere to keep it, or no authority of the system to trust.
    pub fn from_acme(acme: &Acme) -> anyhow::Result<Self> {
        let (renewal, resolver) = acme.start()?;
        Ok(Self {
            source: Source::Acme {
                names: acme.domains.clone(),
                _renewal: Arc::new(renewal),
            },
            acceptor: acceptor(resolver, &[HTTP, acme::CHALLENGE])?,
        })
    }

    /// Reads both files again, for connections that come from now on; until when the certificate is good, for people. None
    /// where there are no files.
    ///
    /// # Errors
    /// Which file is wrong, and how; then the present certificate stays.
    pub fn reload(&self) -> anyhow::Result<Option<String>> {
        let Source::Files(files, shown) = &self.source else {
            return Ok(None);
        };
        let read = files.read()?;
        let expires = read.facts.expires.clone();
        *shown.0.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(Some(expires))
    }

    /// Names and addresses that the certificate is for.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match &self.source {
            Source::Files(_, shown) => shown.current().facts.names,
            Source::Acme { names, .. } => names.clone(),
        }
    }

    /// A connection that has yet to shake hands.
    pub(crate) fn accept(&self, stream: TcpStream) -> Stream {
        Stream::secured(stream, self.acceptor.clone())
    }
}

/// ALPN: RFC 7301.
fn acceptor(
    certificates: Arc<dyn ResolvesServerCert>,
    protocols: &[&[u8]],
) -> anyhow::Result<TlsAcceptor> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl Files {
    fn read(&self) -> anyhow::Result<Current> {
        let wrong = || format!("--tls-cert {}", self.certificate.display());
        let pem = fs::read(&self.certificate).with_context(wrong)?;
        let chain = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<Vec<_>, _>>()
            .with_context(wrong)?;
        let first = chain.first().ok_or_else(|| {
            anyhow!(
                "no certificate in it: it holds the chain as PEM, -----BEGIN CERTIFICATE----- …"
            )
        });
        let facts = first
            .and_then(|first| Facts::read(first))
            .with_context(wrong)?;
        let key = CertifiedKey::new(chain, self.signing_key()?);
        key.keys_match().map_err(|_| {
            anyhow!(
                "--tls-key {} is not the key of --tls-cert {}",
                self.key.display(),
                self.certificate.display()
            )
        })?;
        if let Some(why) = facts.unusable_now() {
            warn!("--tls-cert {}: {why}", self.certificate.display());
        }
        Ok(Current {
            key: Arc::new(key),
            facts,
        })
    }

    fn signing_key(&self) -> anyhow::Result<Arc<dyn rustls::sign::SigningKey>> {
        let wrong = || format!("--tls-key {}", self.key.display());
        let pem = fs::read(&self.key).with_context(wrong)?;
        // What the parser says of a key could hold a piece of it.
        let key = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|_| anyhow!("no private key in it: it holds one as PEM, unencrypted"))
            .with_context(wrong)?;
        ring::sign::any_supported_type(&key)
            .map_err(|_| anyhow!("the key is neither RSA, ECDSA (P-256, P-384) nor Ed25519"))
            .with_context(wrong)
    }
}

#[cfg(test)]
mod tests;
