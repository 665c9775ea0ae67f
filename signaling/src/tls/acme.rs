//! A certificate from an authority that is asked for it: ACME, RFC 8555. The authority proves that this server has its names by
//! connecting to it, TLS-ALPN-01: RFC 8737.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use futures_util::StreamExt;
use rustls::crypto::ring;
use rustls::server::ResolvesServerCert;
use rustls::{ClientConfig, RootCertStore};
use rustls_acme::caches::DirCache;
use rustls_acme::{AcmeConfig, AcmeState, EventError, EventOk};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

/// The protocol of the authority's own connections.
pub(super) const CHALLENGE: &[u8] = b"acme-tls/1";

/// Whom to ask for a certificate, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acme {
    /// Names of this server, as the world resolves them.
    pub domains: Vec<String>,
    /// Where the authority writes to when something is wrong.
    pub email: Option<String>,
    /// Folder that keeps the certificate, its key and that of the account from start to start.
    pub cache: PathBuf,
    /// URL of the authority's directory.
    pub directory: String,
}

/// Ends when dropped.
pub(super) type Renewal = AbortOnDropHandle<()>;

impl Acme {
    /// Let's Encrypt.
    pub const DIRECTORY: &'static str = "https://acme-v02.api.letsencrypt.org/directory";

    /// Asks in the background: at once if nothing is kept, then always when a third of the certificate's life is left.
    pub(super) fn start(&self) -> anyhow::Result<(Renewal, Arc<dyn ResolvesServerCert>)> {
        let cache = || format!("--acme-cache {}", self.cache.display());
        private_folder(&self.cache).with_context(cache)?;
        let contact = self.email.iter().map(|email| format!("mailto:{email}"));
        let state = AcmeConfig::new_with_client_config(&self.domains, Arc::new(trusting_system()?))
            .contact(contact)
            .cache(DirCache::new(self.cache.clone()))
            .directory(&self.directory)
            .state();
        let resolver = state.resolver();
        let task = tokio::spawn(renewed(state, self.domains.join(", ")));
        Ok((Renewal::new(task), resolver))
    }
}

/// The authority is one that the system trusts (SSL_CERT_FILE for one's own).
fn trusting_system() -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    ensure!(
        !roots.is_empty(),
        "this system trusts no authority, so none can be asked with --acme: install ca-certificates"
    );
    let ring = Arc::new(ring::default_provider());
    Ok(ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Keys will lie in it.
fn private_folder(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            warn!(
                "others than you may read --acme-cache {}, where private keys lie: chmod 700",
                path.display()
            );
        }
    }
    // Found out now, not when the certificate has come.
    let probe = path.join(".written");
    fs::write(&probe, "")?;
    fs::remove_file(&probe)
}

/// For as long as the server serves; failures are tried again by and by.
async fn renewed(mut state: AcmeState<io::Error>, names: String) {
    while let Some(event) = state.next().await {
        match event {
            Ok(EventOk::DeployedCachedCert) => {
                info!("the certificate for {names} is the one that was kept")
            }
            Ok(EventOk::DeployedNewCert) => info!("a new certificate for {names} has come"),
            Ok(EventOk::CertCacheStore | EventOk::AccountCacheStore) => {}
            Err(why @ EventError::Order(_)) => {
                warn!("no certificate for {names} yet, it is tried again: {why}");
            }
            Err(why) => warn!("the certificate for {names}: {why}"),
        }
    }
}
