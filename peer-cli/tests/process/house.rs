//! A signaling server of its own for every test.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::peer::Peer;

/// Killed when dropped.
pub(crate) struct House {
    child: Child,
    pub(crate) url: String,
}

impl House {
    pub(crate) fn open() -> Self {
        Self::at("127.0.0.1:0", &[])
    }

    pub(crate) fn at(addr: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program())
            .args(["--json", "--listen", addr])
            .args(arguments)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = format!("ws://{}/socket", event["addr"].as_str().unwrap());
        Self { child, url }
    }

    /// A peer that meets others here, and tells events.
    pub(crate) fn start(&self, verb: &str, more: &[&str]) -> Peer {
        Peer::start(&[&[verb, "--json", "-s", &self.url], more].concat())
    }

    /// One with this microphone and this speaker.
    pub(crate) fn peer(&self, verb: &str, [mic, speaker]: [&str; 2], more: &[&str]) -> Peer {
        self.start(
            verb,
            &[&["--mic", mic, "--speaker", speaker], more].concat(),
        )
    }

    /// One that has begun to wait for calls.
    pub(crate) fn answerer(&self, sound: [&str; 2], more: &[&str]) -> Peer {
        let mut peer = self.peer("answer", sound, more);
        peer.wait_for("signaling");
        peer
    }

    pub(crate) fn addr(&self) -> std::net::SocketAddr {
        let host = self.url.trim_start_matches("ws://");
        host.trim_end_matches("/socket").parse().unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's program stands beside ours: tests of the whole workspace build both.
pub(crate) fn program() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_peer-cli")).with_file_name("signaling");
    assert!(
        path.is_file(),
        "{} is missing: these tests need the server too (run \"cargo build -p signaling\", or \"cargo test --workspace\")",
        path.display()
    );
    path
}
