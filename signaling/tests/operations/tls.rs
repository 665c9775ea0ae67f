//! A server with a certificate: who connects, what changes it, and how it ends.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use signaling::{Server, ServerOptions, Tls};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::house::{LIMIT, Running, signaling, until};
use super::socket::{Heard, Socket, ask};

type Secured = StreamOwned<ClientConnection, TcpStream>;

/// An authority, and a certificate of its in files.
struct Certified {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Certified {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certified = Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        certified.renew();
        certified
    }

    /// Another key and certificate in the same files.
    fn renew(&self) -> CertificateDer<'static> {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.file("cert.pem"), certificate.pem()).unwrap();
        fs::write(self.file("key.pem"), key.serialize_pem()).unwrap();
        certificate.der().clone()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn options(&self) -> [String; 4] {
        let path = |name| self.file(name).display().to_string();
        let (certificate, key) = (path("cert.pem"), path("key.pem"));
        ["--tls-cert".into(), certificate, "--tls-key".into(), key]
    }

    fn serve(&self, more: &[&str]) -> Running {
        let options = self.options();
        let options: Vec<&str> = options
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
            .collect();
        Running::start(&options)
    }

    /// Trusts this authority and nobody else, and has shaken hands.
    fn connect(&self, house: &Running) -> Secured {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, house.connect());
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        stream
    }
}

fn shown(stream: &Secured) -> CertificateDer<'static> {
    stream.conn.peer_certificates().unwrap()[0]
        .clone()
        .into_owned()
}

fn refused(certified: &Certified, house: &Running, reason: &str) -> f64 {
    let text = ask(certified.connect(house), "GET /metrics");
    let name = format!("signaling_refused_total{{reason=\"{reason}\"}} ");
    let count = text.lines().find_map(|line| line.strip_prefix(&name));
    count.map_or(0.0, |count| count.parse().unwrap())
}

#[test]
fn everything_is_https_and_wss_and_says_so() {
    let certified = Certified::new();
    let house = certified.serve(&[]);
    let port = house.addr.port();
    house.says(&format!(
        "listening on wss://localhost:{port}/socket\nlistening on wss://127.0.0.1:{port}/socket\n"
    ));
    house.says(&format!("open https://localhost:{port}/ in a browser\n"));
    let words = ask(certified.connect(&house), "GET /");
    assert!(words.contains("--server wss://localhost/socket"), "{words}");
    assert!(words.contains("open https://localhost/"), "{words}");
    let mut ann = Socket::open(certified.connect(&house));
    let mut bob = Socket::peer(certified.connect(&house), "a-secret-of-somebody");
    // The second is longer than a TLS record, RFC 8446 section 5.1.
    for text in ["hello".to_owned(), "x".repeat(60_000)] {
        ann.says(&format!(r#"{{"data":"{text}"}}"#));
        bob.hears_of(&text);
    }
}

#[test]
fn a_new_certificate_is_shown_at_hup_and_nobody_is_cut_off() {
    let certified = Certified::new();
    let house = certified.serve(&[]);
    let mut ann = Socket::peer(certified.connect(&house), "the-secret-of-ann");
    let first = shown(&ann.stream);
    let second = certified.renew();
    assert_eq!(
        shown(&certified.connect(&house)),
        first,
        "nothing is read before it is told to"
    );
    house.signal("-HUP");
    house.says("the certificate was read again: good until");
    let mut bob = Socket::peer(certified.connect(&house), "the-secret-of-bob");
    assert_eq!(shown(&bob.stream), second);
    ann.says(r#"{"data":"still here"}"#);
    bob.hears_of("still here");
    // One that is no certificate changes nothing.
    fs::write(certified.file("cert.pem"), "none").unwrap();
    house.signal("-HUP");
    house.says("the certificate stays as it was: --tls-cert ");
    house.says("no certificate in it");
    assert_eq!(shown(&certified.connect(&house)), second);
    bob.says(r#"{"data":"and here"}"#);
    ann.hears_of("and here");
}

#[test]
fn without_a_certificate_hup_ends_nothing() {
    let house = Running::start(&[]);
    house.signal("-HUP");
    house.says("SIGHUP: nothing to read again");
    let answer = ask(house.connect(), "GET /healthz");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// The guarantee of the TCP stream below: input that nobody reads any more does not overtake the last word.
#[test]
fn a_close_code_arrives_whatever_was_being_sent() {
    let certified = Certified::new();
    let house = certified.serve(&[]);
    let mut ann = Socket::open(certified.connect(&house));
    let socket = ann.stream.sock.try_clone().unwrap();
    ann.says(&"x".repeat(100_000));
    assert!(matches!(ann.hears(), Heard::Close(1009, _)));
    // Our answer and the end of TLS: not just a connection that is cut.
    ann.stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).unwrap();
    assert_eq!(ann.stream.read(&mut [0; 16]).unwrap(), 0, "close_notify");
    drop(socket);
}

#[test]
fn the_end_of_the_server_is_told_through_tls() {
    let certified = Certified::new();
    let house = certified.serve(&[]);
    let mut ann = Socket::open(certified.connect(&house));
    house.signal("-TERM");
    assert_eq!(ann.hears(), Heard::Close(1001, "server going away".into()));
    assert_eq!(house.ends().0, Some(0));
}

#[test]
fn who_speaks_no_tls_is_told_and_counted() {
    let certified = Certified::new();
    let house = certified.serve(&[]);
    let answer = ask(house.connect(), "GET /socket");
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("use wss://"),
        "{answer}"
    );
    // The beginning of a handshake, and then nothing of the kind.
    let mut stream = house.connect();
    stream.write_all(b"\x16\x03\x01\x00\x05hello").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    // One who only looks whether somebody listens is no refusal, and was heard before the next one.
    drop(house.connect());
    let counted = || refused(&certified, &house, "no TLS");
    until(
        "2 are counted",
        || counted() >= 2.0,
        || counted().to_string(),
    );
    assert_eq!(counted(), 2.0);
}

/// What waits for it is bounded, and it is let go of, below TLS as well.
#[test]
fn who_reads_nothing_is_closed_and_holds_up_nobody() {
    let certified = Certified::new();
    let house = certified.serve(&["--max-queue", "64k", "--max-rate", "0", "--max-bytes", "0"]);
    let slow = Socket::peer(certified.connect(&house), "the-secret-of-a-slow-one");
    let mut ann = Socket::open(certified.connect(&house));
    let mut bob = Socket::peer(certified.connect(&house), "a-secret-of-somebody");
    let frame = format!(r#"{{"data":"{}"}}"#, "x".repeat(60_000));
    let closed = "signaling_closed_total{code=\"4008\",reason=\"too slow\"} 1";
    let mut talk = || {
        ann.says(&frame);
        bob.hears_of("xxx");
        ask(certified.connect(&house), "GET /metrics").contains(closed)
    };
    until("it is closed", &mut talk, || house.said());
    // And gone: what TCP still held for it is all that it can read.
    let mut stream = slow.stream.sock;
    let mut piece = [0; 65_536];
    let end = loop {
        match stream.read(&mut piece) {
            Ok(0) => break None,
            Ok(_) => {}
            Err(why) => break Some(why.kind()),
        }
    };
    assert_ne!(end, Some(ErrorKind::WouldBlock), "it is still open");
}

/// A handshake that is begun and not ended costs a connection for as long as an HTTP request may take, and no longer.
#[tokio::test]
async fn a_slow_handshake_is_dropped() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let certified = Certified::new();
    let tls = Tls::from_files(&certified.file("cert.pem"), &certified.file("key.pem")).unwrap();
    let options = ServerOptions {
        http_timeout: Duration::from_millis(100),
        ..ServerOptions::default()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = Server::new(options).unwrap().with_tls(tls);
    tokio::spawn(server.serve(listener, CancellationToken::new()));
    for begun in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00"] {
        let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        stream.write_all(begun).await.unwrap();
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await;
        // Ended or reset: it is not waited for.
        let _ = ended.expect("dropped");
        assert_eq!(answer, b"");
    }
}

#[test]
fn files_that_cannot_be_used_are_a_mistake_of_configuration() {
    let certified = Certified::new();
    let [_, certificate, _, key] = certified.options();
    let fails = |options: &[&str]| {
        let output = signaling(options).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        fails(&["--tls-cert", &certificate]),
        "error: --tls-cert is nothing without its key: add --tls-key\n"
    );
    assert_eq!(
        fails(&["--tls-key", &key]),
        "error: --tls-key is nothing without its certificate: add --tls-cert\n"
    );
    let swapped = fails(&["--tls-cert", &key, "--tls-key", &certificate]);
    assert!(swapped.contains("no certificate in it"), "{swapped}");
    let secret = fs::read_to_string(&key).unwrap();
    assert!(
        secret
            .lines()
            .nth(1)
            .is_some_and(|line| !swapped.contains(line))
    );
}
