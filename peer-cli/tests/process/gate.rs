//! A certificate authority, TLS in front of a server, and an HTTP proxy: each on a free loopback port, all in this process.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::house::House;

/// Signs certificates; its own lies in a file.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: tempfile::NamedTempFile,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::with_names(&[])
    }

    /// One that is also a server's, as `openssl req -x509` makes it.
    pub(crate) fn with_names(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), issuer.pem()).unwrap();
        Self { issuer, file }
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// A server's certificate for these names and addresses.
    pub(crate) fn certificate(&self, names: &[&str]) -> ServerConfig {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &self.issuer)
            .unwrap();
        config(certificate.der().clone(), &key)
    }
}

impl Authority {
    /// Its own certificate as a server's.
    pub(crate) fn itself(&self) -> ServerConfig {
        config(self.issuer.der().clone(), self.issuer.key())
    }
}

fn config(certificate: rustls::pki_types::CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

/// Ends with the test.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// TLS in front of a server that has none.
pub(crate) struct Gate {
    pub(crate) addr: SocketAddr,
    _runtime: Runtime,
}

impl Gate {
    pub(crate) fn open(house: &House, config: ServerConfig) -> Self {
        let (runtime, to) = (runtime(), house.addr());
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let addr = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust us goes.
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut server = TcpStream::connect(to).await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut server).await;
                });
            }
        });
        Self {
            addr,
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("wss://{}/socket", self.addr)
    }
}

/// An HTTP proxy that knows one way: whatever is asked for, it connects to `to`.
pub(crate) struct Proxy {
    pub(crate) addr: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    _runtime: Runtime,
}

impl Proxy {
    /// Wants these credentials, if any: `user:password`.
    pub(crate) fn open(to: SocketAddr, credentials: Option<&str>) -> Self {
        let wanted = credentials.map(|both| {
            format!(
                "proxy-authorization: basic {}",
                data_encoding::BASE64.encode(both.as_bytes())
            )
        });
        Self::serve(move |head| {
            let is_wanted = |line: &str| {
                wanted
                    .as_deref()
                    .is_some_and(|wanted| line.eq_ignore_ascii_case(wanted))
            };
            match &wanted {
                Some(_) if !head.lines().any(is_wanted) => {
                    Err("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n".to_owned())
                }
                _ => Ok(to),
            }
        })
    }

    /// Answers everybody with this and goes.
    pub(crate) fn answering(text: &'static str) -> Self {
        Self::serve(|_| Err(text.to_owned()))
    }

    fn serve(answer: impl Fn(&str) -> Result<SocketAddr, String> + Send + Sync + 'static) -> Self {
        let runtime = runtime();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(tunnel(stream, Arc::clone(&answer), Arc::clone(&log)));
            }
        });
        Self {
            addr,
            asked,
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self, credentials: &str) -> String {
        format!("http://{credentials}{}", self.addr)
    }

    /// Where somebody was let through to.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn tunnel<F>(mut stream: TcpStream, answer: Arc<F>, asked: Arc<Mutex<Vec<String>>>)
where
    F: Fn(&str) -> Result<SocketAddr, String>,
{
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split_once(' '))
        .unwrap()
        .0;
    let decided = answer(&head);
    match decided {
        Ok(to) => {
            asked.lock().unwrap().push(target.to_owned());
            let mut server = TcpStream::connect(to).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await
                .unwrap();
            let _ = copy_bidirectional(&mut stream, &mut server).await;
        }
        Err(text) => drop(stream.write_all(text.as_bytes()).await),
    }
}
