//! Brokers that ask for a password, and what a server says of them.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use lab::NatsServer;
use tests::{program, until};

/// Nobody is told it, whatever is logged.
const PASSWORD: &str = "hunter2-of-the-broker";

/// Killed with its owner.
struct Server(Child);

impl Server {
    /// With everything logged into the file.
    fn start(url: &str, log: &Path) -> Self {
        let log = File::create(log).expect("a log");
        let child = Command::new(program("signaling"))
            .args(["--listen", "127.0.0.1:0"])
            .env("SIGNALING_BACKPLANE", url)
            .env("RUST_LOG", "trace")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        Self(child.expect("it starts"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_password_is_used_and_never_told() {
    let test = "server::backplane::broker::a_password_is_used_and_never_told";
    if !NatsServer::may_start(test) {
        return;
    }
    let words = ["--user", "sig", "--pass", PASSWORD];
    let broker = NatsServer::start(&words).expect("a broker");
    let folder = tempfile::tempdir().expect("a folder");
    for (password, said) in [
        (PASSWORD, "connected to the broker"),
        ("hunter3-of-nobody", "authorization violation"),
    ] {
        let log = folder.path().join(password);
        let url = format!("nats://sig:{password}@{}", broker.place());
        let _server = Server::start(&url, &log);
        let read = || fs::read_to_string(&log).unwrap_or_default();
        until(said, || read().contains(said)).await;
        assert!(!read().contains(password), "{}", read());
    }
}

#[tokio::test]
async fn a_server_without_its_broker_serves_and_says_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = port.local_addr().expect("bound");
    drop(port);
    let _server = Server::start(&format!("nats://{place}"), &log);
    let read = || fs::read_to_string(&log).unwrap_or_default();
    let complaint = format!("no broker at nats://{place}");
    until("it says so", || read().contains(&complaint)).await;
    assert!(read().contains("listening on ws://"), "{}", read());
}
