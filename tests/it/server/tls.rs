//! A call through a server with a certificate, as people with one of their own have it.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use signaling::{Server, ServerOptions, Tls};
use tests::TestPeer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_peers_that_trust_its_authority_talk() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, pem: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).expect("written");
        path
    };
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key"));
    let issuer = issuer.expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let ca = write("ca.pem", issuer.pem());
    let tls = Tls::from_files(
        &write("cert.pem", certificate.pem()),
        &write("key.pem", key.serialize_pem()),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("wss://{}/socket", listener.local_addr().expect("bound"));
    let server = Server::new(ServerOptions::default())
        .expect("the defaults")
        .with_tls(tls.expect("files"));
    let shutdown = CancellationToken::new();
    let _ends = shutdown.clone().drop_guard();
    tokio::spawn(server.serve(listener, shutdown));

    let words = format!("--ca {}", ca.display());
    let answer = TestPeer::answer(&url, &words).is_waiting().await;
    let call = TestPeer::call(&url, &format!("{words} --duration 200ms")).exits(0);
    tokio::join!(call, answer.exits(0));
    let stranger = TestPeer::call(&url, "--timeout 5s").exits(3).await;
    assert!(
        stranger.reason.contains("certificate"),
        "{}",
        stranger.reason
    );
}
