//! The program as a user or a script starts it.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Killed if the test fails half way.
struct Running {
    child: Child,
    addr: SocketAddr,
}

fn signaling(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signaling"));
    command
        .args(arguments)
        .env_remove("SIGNALING_LISTEN")
        .env_remove("RUST_LOG");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Running {
    /// With `--json`, which tells the port.
    fn start(arguments: &[&str]) -> Self {
        let mut child = signaling(arguments).arg("--json").spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let addr = line
            .strip_prefix(r#"{"event":"listening","addr":""#)
            .unwrap();
        let addr = addr.strip_suffix("\"}\n").unwrap().parse().unwrap();
        Self { child, addr }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.addr.port())).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream
    }

    /// Sends the signal; the exit code, how long it took, and what stood on stderr.
    fn stop(mut self, signal: &str) -> (Option<i32>, Duration, String) {
        let start = Instant::now();
        let kill = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let status = self.child.wait().unwrap();
        let mut said = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        (status.code(), start.elapsed(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn signals_end_it_in_time_and_every_websocket_is_told() {
    for signal in ["-TERM", "-INT"] {
        let running = Running::start(&["--listen", "127.0.0.1:0"]);
        let mut stream = running.connect();
        let upgrade = "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(upgrade.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "));
        let addr = running.addr;
        let (code, took, said) = running.stop(signal);
        assert_eq!(code, Some(0));
        assert!(took < Duration::from_secs(1), "took {took:?}");
        assert_eq!(said, format!("listening on ws://{addr}/socket\n"));
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        // RFC 6455 section 5.2: a final close frame, its length, 1001 and the reason.
        assert_eq!(rest, b"\x88\x13\x03\xe9server going away");
    }
}

#[test]
fn a_wildcard_tells_every_url() {
    let running = Running::start(&["--listen", "0.0.0.0:0"]);
    let port = running.addr.port();
    drop(running.connect());
    let (_, _, said) = running.stop("-TERM");
    let first = format!("listening on ws://127.0.0.1:{port}/socket\n");
    assert!(said.starts_with(&first), "{said}");
}

#[test]
fn an_address_in_use_is_said_with_the_way_out() {
    let running = Running::start(&["--listen", "127.0.0.1:0"]);
    let addr = running.addr.to_string();
    let output = signaling(&["--listen", &addr]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!(
            "error: cannot listen on {addr}: address in use \
             (is another server running? try another port, or port 0)\n"
        )
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn the_environment_counts_and_a_wrong_value_is_usage() {
    let output = signaling(&[])
        .env("SIGNALING_LISTEN", "nonsense")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("'nonsense'") && said.contains("--listen"),
        "{said}"
    );
}
