//! STUN servers that answer, keep silent or do not exist, and a call that never waits for them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use peer_cli::call::Emitter;
use peer_cli::event::{Direction, EndpointType, Event, Stamped};
use peer_cli::{app, cli};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// No call on loopback takes longer, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// An address that nobody here has (RFC 5737), for the server to claim.
const MAPPED: &str = "203.0.113.5:7777";

/// Runs a command to its end and gives all it told.
async fn run(words: Vec<String>) -> Vec<Stamped> {
    let (tx, mut rx) = mpsc::channel(1024);
    let command = cli::parse(words).expect("the words are right");
    let (_stop, stop) = watch::channel(None);
    let running = tokio::spawn(app::run(command, Emitter::new(Instant::now(), tx), stop));
    let mut events = Vec::new();
    let collected = async {
        while let Some(event) = rx.recv().await {
            events.push(event);
        }
    };
    tokio::time::timeout(PATIENCE, collected)
        .await
        .expect("the command ends in time");
    running
        .await
        .expect("the command does not panic")
        .expect("the command succeeds");
    events
}

/// A call between two peers that use these STUN servers; gives what the caller told.
async fn call(stun: &[String]) -> Vec<Stamped> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let server = format!("ws://{}/socket", listener.local_addr().expect("bound"));
    let shutdown = CancellationToken::new();
    let serving =
        signaling::Server::new(signaling::ServerOptions::default()).expect("the defaults");
    let serving = tokio::spawn(serving.serve(listener, shutdown.clone()));
    let words = |verb: &str, more: &[&str]| {
        let mut words: Vec<String> = ["peer-cli", verb, "--server", &server]
            .iter()
            .chain(&[
                "--mic",
                "silence",
                "--speaker",
                "null",
                "--bind",
                "127.0.0.1",
            ])
            .chain(more)
            .map(ToString::to_string)
            .collect();
        for url in stun {
            words.extend(["--stun".to_owned(), url.clone()]);
        }
        words
    };
    let answer = tokio::spawn(run(words("answer", &[])));
    let told = run(words("call", &["--duration", "500ms"])).await;
    answer.await.expect("the answerer ends");
    shutdown.cancel();
    serving.await.expect("the server ends").expect("cleanly");
    told
}

/// The set-up without what waiting for the other process costs.
fn total(told: &[Stamped]) -> Duration {
    told.iter()
        .find_map(|stamped| match &stamped.event {
            Event::Connected { setup_ms, .. } => Some(setup_ms.total),
            _ => None,
        })
        .expect("it connected")
}

/// A STUN server (RFC 8489) by the letter: 20 bytes in, XOR-MAPPED-ADDRESS out.
async fn serve_stun(socket: UdpSocket) {
    let mapped: SocketAddr = MAPPED.parse().expect("an address");
    let mut buffer = [0; 1500];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let request = &buffer[..length];
        if length < 20 || request[..2] != [0, 1] {
            continue;
        }
        const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
        assert_eq!(request[4..8], COOKIE, "the magic cookie");
        let mut answer = vec![1, 1, 0, 12];
        answer.extend_from_slice(&request[4..20]);
        answer.extend_from_slice(&[0, 0x20, 0, 8, 0, 1]);
        answer.extend_from_slice(&(mapped.port() ^ 0x2112).to_be_bytes());
        let SocketAddr::V4(v4) = mapped else { return };
        answer.extend(v4.ip().octets().iter().zip(COOKIE).map(|(a, b)| a ^ b));
        let _ = socket.send_to(&answer, from).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapped_address_becomes_a_candidate() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("stun:{}", socket.local_addr().expect("bound"));
    let serving = tokio::spawn(serve_stun(socket));
    let told = call(&[url]).await;
    serving.abort();
    let reflexive = told.iter().find_map(|stamped| match &stamped.event {
        Event::Candidate {
            direction: Direction::Local,
            endpoint,
            ..
        } if endpoint.kind == EndpointType::Srflx => Some(endpoint.address.clone()),
        _ => None,
    });
    assert_eq!(reflexive.as_deref(), Some(MAPPED), "{told:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_and_missing_servers_delay_nothing() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let silent_url = format!("stun:{}", silent.local_addr().expect("bound"));
    let told = call(&[silent_url, "stun:nobody.invalid:3478".to_owned()]).await;
    // A silent server is given three seconds; the call must not have waited for them.
    assert!(total(&told) < Duration::from_secs(2), "{told:#?}");
    let mut buffer = [0; 64];
    let (length, _) = silent.try_recv_from(&mut buffer).expect("it was asked");
    assert!(length >= 20);
}
