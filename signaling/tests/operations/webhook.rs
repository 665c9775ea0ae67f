//! A service that decides who may come in, by https whose authority is this machine's own.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;

use super::house::{Running, signaling};
use super::socket::{Heard, Socket, UPGRADE};

/// Nothing of what is asked stands in any log.
#[test]
fn a_service_by_https_is_asked_and_nobody_else_sees_the_token() {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let authority = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(authority.path(), issuer.pem()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/?key=not-this", listener.local_addr().unwrap());
    let service = thread::spawn(move || asked_once(&listener, &issuer));
    let mut command = signaling(&["--listen", "127.0.0.1:0", "--auth", "webhook"]);
    command
        .env("SIGNALING_AUTH_URL", url)
        .env("SIGNALING_AUTH_SECRET", "nor-this")
        .env("SSL_CERT_FILE", authority.path())
        .env("RUST_LOG", "trace");
    let running = Running::run(&mut command);
    let request = UPGRADE.replace("/socket", "/socket?token=nor-that");
    let mut client = Socket::asking(running.connect(), &request);
    let question = service.join().unwrap();
    for told in [
        "POST /?key=not-this ",
        "Bearer nor-this",
        "\"token\":\"nor-that\"",
    ] {
        assert!(question.contains(told), "{question}");
    }
    assert_eq!(client.hears(), Heard::Close(4401, "members!".into()));
    running.signal("-TERM");
    let (_, said) = running.ends();
    for secret in ["not-this", "nor-this", "nor-that"] {
        assert!(!said.contains(secret), "{said}");
    }
}

/// Refuses, once; the request as it came.
fn asked_once(listener: &TcpListener, issuer: &CertifiedIssuer<'static, KeyPair>) -> String {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, issuer).unwrap().der().clone();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    let connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let mut stream = rustls::StreamOwned::new(connection, stream);
    let mut question = Vec::new();
    while !question.ends_with(b"}") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        question.extend(byte);
    }
    let answer = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 8\r\n\r\nmembers!";
    stream.write_all(answer).unwrap();
    stream.flush().unwrap();
    String::from_utf8(question).unwrap()
}
