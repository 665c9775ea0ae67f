//! coturn beside us: its server takes the credentials that we hand out, its client is served by our relay.
#![cfg(target_os = "linux")]

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use shared::Secret;
use signaling::ServerOptions;
use tests::{LIMIT, TestServer};
use tokio::net::{TcpStream, UdpSocket};

use super::client::{Login, Transport, Turn, ice_servers, login};

const SECRET: &str = "a-secret-that-both-know";

/// Killed with its owner.
struct Coturn {
    child: Child,
    addr: SocketAddr,
    _folder: tempfile::TempDir,
}

/// Says past the test harness that a test was left out.
fn missing(test: &str, program: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg("-h")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let missing = command.status().is_err();
    if missing {
        let why = format!("{program} is not here (Debian package coturn)");
        lab::skipped(&format!("relay::coturn::{test}"), &why);
    }
    missing
}

impl Coturn {
    /// On a free loopback port, with the secret.
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| folder.path().join(name).display().to_string();
        // It cannot pick a free port itself and tell it.
        let probe = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let addr = probe.local_addr().expect("bound");
        drop(probe);
        let port = addr.port().to_string();
        let child = Command::new("turnserver")
            .args([
                "-n",
                "--listening-ip=127.0.0.1",
                "--relay-ip=127.0.0.1",
                "--listening-port",
                &port,
            ])
            .args([
                "--use-auth-secret",
                &format!("--static-auth-secret={SECRET}"),
            ])
            .args([
                "--realm=example.org",
                "--no-tls",
                "--no-dtls",
                "--no-cli",
                "--allow-loopback-peers",
            ])
            .args([
                "--pidfile",
                &file("pid"),
                "--userdb",
                &file("db"),
                "--log-file=stdout",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("turnserver starts");
        let coturn = Self {
            child,
            addr,
            _folder: folder,
        };
        let started = tokio::time::timeout(LIMIT, async {
            while TcpStream::connect(addr).await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        });
        started.await.expect("turnserver listens");
        coturn
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn it_takes_the_credentials_that_signaling_hands_out_for_it() {
    if missing(
        "it_takes_the_credentials_that_signaling_hands_out_for_it",
        "turnserver",
    ) {
        return;
    }
    let coturn = Coturn::start().await;
    let url = format!("turn:{}", coturn.addr);
    let options = |secret: &str| ServerOptions {
        turn_urls: vec![url.clone()],
        turn_secret: Some(Secret::new(secret)),
        ..TestServer::options()
    };
    let server = TestServer::open(options(SECRET), None);
    let list = ice_servers(&server.url(), "alice").await;
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    assert_eq!(list[0]["urls"], json!([url]));
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut alice = Turn::connect(coturn.addr, transport, login(&list)).await;
        let at_alice = alice.allocate(false).await.expect("an allocation");
        let peer = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        alice
            .permit(peer.local_addr().expect("bound"))
            .await
            .expect("a permission");
        peer.send_to(b"ho", at_alice).await.expect("a way");
        assert_eq!(alice.hears().await.1, b"ho");
    }
    let other = TestServer::open(options("another-secret"), None);
    let wrong = login(&ice_servers(&other.url(), "alice").await);
    let mut alice = Turn::connect(coturn.addr, Transport::Udp, wrong).await;
    assert_eq!(alice.allocate(false).await, Err(401));
}

#[tokio::test]
async fn an_outside_relay_stands_beside_the_embedded_one() {
    let options = ServerOptions {
        turn_urls: vec!["turns:relay.example:5349".to_owned()],
        ..TestServer::options()
    };
    let relay = signaling::RelayOptions::at(SocketAddr::from(([127, 0, 0, 1], 0)));
    let server = TestServer::open(options, Some(relay));
    let list = ice_servers(&server.url(), "alice").await;
    assert_eq!(list.as_array().map(Vec::len), Some(3));
    assert_eq!(list[2]["urls"], json!(["turns:relay.example:5349"]));
    assert_eq!(list[2]["username"], list[1]["username"]);
}

/// `turnutils_uclient -y`: clients that talk to each other through the relay; it counts what was lost.
#[tokio::test]
async fn its_client_talks_to_itself_through_our_relay() {
    if missing(
        "its_client_talks_to_itself_through_our_relay",
        "turnutils_uclient",
    ) {
        return;
    }
    let server = TestServer::with_relay();
    let Login { username, password } = login(&ice_servers(&server.url(), "alice").await);
    let relay = server.relay();
    for transport in [&[][..], &["-t"][..]] {
        let (username, password) = (username.clone(), password.clone());
        let output = tokio::task::spawn_blocking(move || {
            Command::new("turnutils_uclient")
                .args([
                    "-u",
                    &username,
                    "-w",
                    &password,
                    "-p",
                    &relay.port().to_string(),
                ])
                .args(["-y", "-m", "2", "-n", "20", "-l", "171", "-c"])
                .args(transport)
                .arg("127.0.0.1")
                .output()
        });
        let output = output.await.expect("no panic").expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{transport:?}: {said}");
        assert!(
            said.contains("Total lost packets 0"),
            "{transport:?}: {said}"
        );
    }
}
