//! A certificate from an authority: pebble, a small one for tests, and its names server.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use data_encoding::BASE64;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use super::house::{LIMIT, Running, signaling, until};
use super::skipped;
use super::socket::{Heard, Socket, ask};

const NAME: &str = "peer.example.org";

/// Programs that end with their owner.
struct Authority {
    programs: Vec<Child>,
    folder: TempDir,
    port: u16,
    management: u16,
}

impl Drop for Authority {
    fn drop(&mut self) {
        for program in &mut self.programs {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

/// Ports that were free a moment ago: these programs do not tell what they have picked.
fn ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

impl Authority {
    /// It looks for every name at this port of loopback. Nothing where its programs are missing.
    fn start(test: &str, challenged: u16) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        certify(folder.path());
        let [port, management, names, idle] = ports();
        let config = serde_json::json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": file("cert.pem"),
            "privateKey": file("key.pem"),
            "httpPort": idle,
            "tlsPort": challenged,
        }});
        fs::write(file("pebble.json"), config.to_string()).unwrap();
        let start = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command
                .args(arguments)
                .env("PEBBLE_VA_NOSLEEP", "1")
                .env("PEBBLE_WFE_NONCEREJECT", "0");
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
        };
        let names = format!("127.0.0.1:{names}");
        let idle = format!("127.0.0.1:{idle}");
        let resolver = start(
            "pebble-challtestsrv",
            &[
                "-dns01",
                &names,
                "-defaultIPv4",
                "127.0.0.1",
                "-defaultIPv6",
                "",
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
                "-management",
                &idle,
            ],
        );
        let config = file("pebble.json").display().to_string();
        let pebble = start("pebble", &["-config", &config, "-dnsserver", &names]);
        let (Ok(resolver), Ok(pebble)) = (resolver, pebble) else {
            skipped(
                &format!("acme::{test}"),
                "needs pebble and pebble-challtestsrv (pebble)",
            );
            return None;
        };
        let authority = Self {
            programs: vec![resolver, pebble],
            folder,
            port,
            management,
        };
        until(
            "pebble",
            || TcpStream::connect(("127.0.0.1", port)).is_ok(),
            String::new,
        );
        until(
            "its names",
            || TcpStream::connect(("127.0.0.1", management)).is_ok(),
            String::new,
        );
        Some(authority)
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The root that it has made up for what it signs.
    fn root(&self) -> CertificateDer<'static> {
        let pem = fs::read(self.file("ca.pem")).unwrap();
        let own = CertificateDer::from_pem_slice(&pem).unwrap();
        let stream = secured(own, "127.0.0.1", self.management).unwrap();
        let answer = ask(stream, "GET /roots/0");
        let pem = &answer[answer.find("-----BEGIN").unwrap()..];
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }
}

/// A certificate for the authority's own server, and who has signed it.
fn certify(folder: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("ca.pem"), issuer.pem()).unwrap();
    fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

/// A connection to whoever proves to have this name, or why there is none.
fn secured(
    root: CertificateDer<'static>,
    name: &str,
    port: u16,
) -> Result<StreamOwned<ClientConnection, TcpStream>, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.set_read_timeout(Some(LIMIT))?;
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

fn serve(authority: &Authority, port: u16, cache: &str) -> Running {
    let directory = format!("https://127.0.0.1:{}/dir", authority.port);
    let mut command = signaling(&["--acme", NAME, "--acme-email", "admin@example.org"]);
    command.args(["--acme-cache", cache, "--acme-directory", &directory]);
    command.args(["--listen", &format!("127.0.0.1:{port}")]);
    command.env("SSL_CERT_FILE", authority.file("ca.pem"));
    // Whatever is logged, no key is.
    Running::run(command.env("RUST_LOG", "trace"))
}

#[test]
fn it_comes_by_itself_and_is_kept() {
    let [port] = ports();
    let Some(mut authority) = Authority::start("it_comes_by_itself_and_is_kept", port) else {
        return;
    };
    let cache = authority.file("cache");
    let house = serve(&authority, port, &cache);
    house.says(&format!("listening on wss://{NAME}:{port}/socket"));
    house.says(&format!("a new certificate for {NAME} has come"));
    let root = authority.root();
    let mut ann = Socket::open(secured(root.clone(), NAME, port).unwrap());
    let shown = ann.stream.conn.peer_certificates().unwrap()[0].clone();
    house.signal("-TERM");
    assert_eq!(ann.hears(), Heard::Close(1001, "server going away".into()));
    let (code, said) = house.ends();
    assert_eq!(code, Some(0), "{said}");

    // What lies there is for nobody else to read, and nothing of it was said.
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(&cache).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let mut certificates = 0;
    for file in fs::read_dir(&cache).unwrap() {
        let kept = fs::read(file.unwrap().path()).unwrap();
        // That of the certificate is PEM, in front of it; that of the account is not.
        let text = String::from_utf8_lossy(&kept).into_owned();
        let key = text
            .split("-----END PRIVATE KEY-----")
            .next()
            .unwrap_or_default();
        let mut lines = key.lines().filter(|line| line.len() > 30);
        assert!(lines.all(|line| !said.contains(line)), "{said}");
        certificates += usize::from(text.contains("BEGIN PRIVATE KEY"));
        assert!(!said.contains(&BASE64.encode(&kept)), "{said}");
    }
    assert_eq!(certificates, 1);

    // The authority is gone, and the next start has the same certificate at once.
    for program in &mut authority.programs {
        program.kill().unwrap();
    }
    let house = serve(&authority, port, &cache);
    house.says(&format!(
        "the certificate for {NAME} is the one that was kept"
    ));
    let again = secured(root, NAME, port).unwrap();
    assert_eq!(again.conn.peer_certificates().unwrap()[0], shown);
}

#[test]
fn an_authority_that_is_not_reached_is_said_and_nobody_waits_for_it() {
    let [port, closed] = ports();
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let cache = folder.path().join("cache");
    let directory = format!("https://127.0.0.1:{closed}/dir");
    let mut command = signaling(&["--acme", NAME, "--acme-cache", cache.to_str().unwrap()]);
    command.args(["--acme-directory", &directory]);
    command.args(["--listen", &format!("127.0.0.1:{port}")]);
    let house = Running::run(command.env("SSL_CERT_FILE", folder.path().join("ca.pem")));
    house.says(&format!(
        "no certificate for {NAME} yet, it is tried again: "
    ));
    // Without one there is no TLS, and that is all.
    let pem = fs::read(folder.path().join("ca.pem")).unwrap();
    let root = CertificateDer::from_pem_slice(&pem).unwrap();
    assert!(secured(root, NAME, port).is_err());
    house.signal("-TERM");
    assert_eq!(house.ends().0, Some(0));
}
