//! The program as a user or a script starts it.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;

/// Killed if the test fails half way.
struct Running {
    child: Child,
    addr: SocketAddr,
    relay: Option<SocketAddr>,
}

fn signaling(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signaling"));
    command
        .args(arguments)
        .env_remove("SIGNALING_LISTEN")
        .env_remove("SIGNALING_RELAY")
        .env_remove("SIGNALING_TURN_URL")
        .env_remove("SIGNALING_TURN_SECRET")
        .env_remove("SIGNALING_TOKEN_SECRET")
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
        Self::run(signaling(arguments).arg("--json"))
    }

    fn run(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let addr = line
            .strip_prefix(r#"{"event":"listening","addr":""#)
            .unwrap();
        let addr = addr.strip_suffix("\"}\n").unwrap();
        let (addr, relay) = match addr.split_once("\",\"relay\":\"") {
            Some((addr, relay)) => (addr, Some(relay.parse().unwrap())),
            None => (addr, None),
        };
        let addr = addr.parse().unwrap();
        Self { child, addr, relay }
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
        let told = format!("listening on ws://{addr}/socket\nopen http://{addr}/ in a browser\n");
        assert_eq!(said, told);
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
    let page = format!("open http://127.0.0.1:{port}/ in a browser\n");
    assert!(said.contains(&page), "{said}");
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

#[test]
fn a_relay_is_announced_answers_and_ends_in_time() {
    let running = Running::start(&[
        "--listen",
        "127.0.0.1:0",
        "--relay",
        "127.0.0.1:0",
        "--no-page",
    ]);
    let (addr, relay) = (running.addr, running.relay.unwrap());
    let mut stream = TcpStream::connect(relay).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let limit = Some(Duration::from_secs(30));
    stream.set_read_timeout(limit).unwrap();
    socket.set_read_timeout(limit).unwrap();
    // RFC 8489 section 5: a Binding request; among junk, of which nobody is told.
    let request = b"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl";
    for junk in [
        &b"\x00"[..],
        &[0; 500],
        b"\x00\x01\x00\x04\x21\x12\xa4\x42abcdefghijkl\xff\xff\xff\xff",
    ] {
        socket.send_to(junk, relay).unwrap();
    }
    socket.send_to(request, relay).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = [0; 20];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(
        (&answer[..2], &answer[8..]),
        (&[1, 1][..], &b"abcdefghijkl"[..])
    );
    let mut answer = [0; 100];
    let (_, from) = socket.recv_from(&mut answer).unwrap();
    assert_eq!((&answer[..2], from), (&[1, 1][..], relay));
    let (code, took, said) = running.stop("-TERM");
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(1), "took {took:?}");
    let told = format!("listening on ws://{addr}/socket\nrelay on udp and tcp {relay}\n");
    assert_eq!(said, told);
    // Its port is free at once.
    let again = Running::start(&["--listen", "127.0.0.1:0", "--relay", &relay.to_string()]);
    assert_eq!(again.relay, Some(relay));
    let output = signaling(&["--listen", "127.0.0.1:0", "--relay", &relay.to_string()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = format!("error: cannot relay on {relay}: address in use");
    assert!(said.starts_with(&expected), "{said}");
}

#[test]
fn a_relay_elsewhere_needs_the_secret_and_nobody_is_told_it() {
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--turn-url",
        "turn:relay.example:3478",
    ];
    let output = signaling(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: --turn-url turn:relay.example:3478 needs the secret that it shares with that relay: \
         set SIGNALING_TURN_SECRET\n"
    );
    let mut command = signaling(&arguments);
    command
        .env("SIGNALING_TURN_SECRET", "not-to-be-seen")
        .env("RUST_LOG", "trace");
    let running = Running::run(command.arg("--json"));
    let mut stream = running.connect();
    let upgrade = "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                   Sec-WebSocket-Protocol: peer.v1\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).unwrap();
    let hello = br#"{"event":"hello","data":{"version":1,"name":"n","role":"answer","app":"call","secret":"0123456789abcdef"}}"#;
    // RFC 6455 section 5.2: a final text frame, masked with nothing.
    stream
        .write_all(&[0x81, 0x80 | u8::try_from(hello.len()).unwrap(), 0, 0, 0, 0])
        .unwrap();
    stream.write_all(hello).unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"}]}}") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        heard.extend(byte);
    }
    let heard = String::from_utf8_lossy(&heard).into_owned();
    let credential = heard.split_once(r#""credential":""#).unwrap().1;
    let credential = credential.split_once('"').unwrap().0;
    assert!(
        credential.len() > 20 && !heard.contains("not-to-be-seen"),
        "{heard}"
    );
    let (_, _, said) = running.stop("-TERM");
    assert!(
        !said.contains(credential) && !said.contains("not-to-be-seen"),
        "{said}"
    );
}

/// For programs that gather logs: every line of stderr is an object, also that of a failure.
#[test]
fn a_log_in_json_is_nothing_else() {
    let running = Running::start(&["--listen", "127.0.0.1:0", "--log", "json"]);
    let addr = running.addr;
    let (code, _, said) = running.stop("-TERM");
    assert_eq!(code, Some(0));
    let lines: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let listening = |line: &&serde_json::Value| line["message"] == "listening";
    let listening = lines.iter().find(listening).unwrap();
    assert_eq!(listening["addr"], addr.to_string());
    assert_eq!(listening["level"], "INFO");
    let failed = signaling(&["--auth", "token", "--log", "json"])
        .output()
        .unwrap();
    assert_eq!(failed.status.code(), Some(2));
    let failed: serde_json::Value = serde_json::from_slice(&failed.stderr).unwrap();
    assert!(
        failed["message"]
            .as_str()
            .unwrap()
            .contains("SIGNALING_TOKEN_SECRET")
    );
}

/// Whoever cannot be accepted is counted, too, and whoever comes later is served.
#[test]
fn without_descriptors_nobody_is_accepted_until_some_are_free() {
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "ulimit -n 24; exec \"$0\" --listen 127.0.0.1:0 --http-timeout 1s --json",
        ])
        .arg(env!("CARGO_BIN_EXE_signaling"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let running = Running::run(&mut command);
    // More than it has descriptors for; they wait in the kernel until the first are too slow to ask.
    let _crowd: Vec<_> = (0..40).map(|_| running.connect()).collect();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let mut stream = running.connect();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        if answer.contains("signaling_refused_total{reason=\"cannot accept\"}") {
            break;
        }
        assert!(Instant::now() < deadline, "{answer}");
    }
    let (code, _, said) = running.stop("-TERM");
    assert_eq!(code, Some(0));
    assert!(said.contains("see ulimit -n"), "{said}");
}

/// A service by https whose authority is this machine's own, and nothing of what is asked in any log.
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
    let mut command = signaling(&["--listen", "127.0.0.1:0", "--json", "--auth", "webhook"]);
    command
        .env("SIGNALING_AUTH_URL", url)
        .env("SIGNALING_AUTH_SECRET", "nor-this")
        .env("SSL_CERT_FILE", authority.path())
        .env("RUST_LOG", "trace");
    let running = Running::run(&mut command);
    let mut stream = running.connect();
    stream
        .write_all(
            b"GET /socket?token=nor-that HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .unwrap();
    let question = service.join().unwrap();
    for told in [
        "POST /?key=not-this ",
        "Bearer nor-this",
        "\"token\":\"nor-that\"",
    ] {
        assert!(question.contains(told), "{question}");
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    // The close frame: 4401 and what the service said.
    assert!(answer.ends_with(b"\x88\x0a\x11\x31members!"), "{answer:?}");
    let (_, _, said) = running.stop("-TERM");
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
