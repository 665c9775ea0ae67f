//! `natprobe SERVER OTHER`: what lies before this host, by RFC 5780 section 4. `natprobe SERVER`: how many of 200 requests are
//! answered, and how soon. One JSON line each.
//!
//! SERVER and OTHER are the two addresses of a STUN server that listens on 3478 and 3479 of both. The probe stands on nothing but
//! the standard library, so that a laboratory is proved by other means than the programs that are tried in it.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::json;

/// RFC 8489 section 5.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const PORTS: [u16; 2] = [3478, 3479];
/// CHANGE-REQUEST, RFC 5780 section 7.2.
const CHANGE_PORT: u8 = 2;
const CHANGE_ADDRESS_AND_PORT: u8 = 6;
/// One request is repeated this often, each time waiting this long.
const TRIES: u8 = 3;
const WAIT: Duration = Duration::from_millis(100);
/// How many requests are counted, the time between two, and how long the last may take.
const REQUESTS: u8 = 200;
const SPACING: Duration = Duration::from_millis(5);
const LAST_ANSWER: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let addresses: Vec<IpAddr> = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    let found = match addresses[..] {
        [server, other] => probe(server, other),
        [server] => count(server),
        _ => {
            eprint("usage: natprobe SERVER [OTHER]");
            return ExitCode::from(2);
        }
    };
    match found {
        Ok(found) => {
            show(&found);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprint(&format!("natprobe: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a program talks on the terminal")]
fn eprint(words: &str) {
    eprintln!("{words}");
}

#[expect(clippy::print_stdout, reason = "a program talks on the terminal")]
fn show(found: &serde_json::Value) {
    println!("{found}");
}

fn probe(server: IpAddr, other: IpAddr) -> io::Result<serde_json::Value> {
    let any = if server.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    // Filtering first: this socket sends to the first address and port and to nobody else.
    let socket = UdpSocket::bind(any)?;
    let first = SocketAddr::new(server, PORTS[0]);
    let base = ask(&socket, first, 0)?;
    let answers = |change| ask(&socket, first, change).map(|mapped| mapped.is_some());
    let filtering = if base.is_none() {
        "udp-blocked"
    } else if answers(CHANGE_ADDRESS_AND_PORT)? {
        "endpoint-independent"
    } else if answers(CHANGE_PORT)? {
        "address-dependent"
    } else {
        "address-and-port-dependent"
    };
    let socket = UdpSocket::bind(any)?;
    let mut mapped = Vec::new();
    for ip in [server, other] {
        for port in PORTS {
            mapped.extend(ask(&socket, SocketAddr::new(ip, port), 0)?);
        }
    }
    let one = mapped.iter().all(|address| *address == mapped[0]);
    let mapping = match (mapped.is_empty(), one) {
        (true, _) => "udp-blocked",
        (_, true) => "endpoint-independent",
        (_, false) => "endpoint-dependent",
    };
    let mapped: Vec<String> = mapped.iter().map(ToString::to_string).collect();
    Ok(json!({
        "mapping": mapping, "filtering": filtering, "mapped": mapped,
        "local_port": socket.local_addr()?.port(),
    }))
}

/// Requests one after the other, answers as they come.
fn count(server: IpAddr) -> io::Result<serde_json::Value> {
    let any = if server.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = UdpSocket::bind(any)?;
    socket.set_read_timeout(Some(SPACING))?;
    let port = socket.local_addr()?.port();
    let mut sent = Vec::new();
    let mut times = std::collections::BTreeMap::new();
    let mut last = Instant::now();
    while last.elapsed() < LAST_ANSWER {
        if sent.len() < usize::from(REQUESTS) {
            let request = request(sent.len() as u8, 0, port);
            socket.send_to(&request, SocketAddr::new(server, PORTS[0]))?;
            last = Instant::now();
            sent.push((last, request));
        }
        let mut buffer = [0; 1500];
        let until = Instant::now() + SPACING;
        while Instant::now() < until
            && let Ok(length) = socket.recv(&mut buffer)
        {
            let answers =
                |(_, request): &(_, Vec<u8>)| length >= 20 && buffer[4..20] == request[4..20];
            if let Some(index) = sent.iter().position(answers) {
                let time = sent[index].0.elapsed().as_secs_f64() * 1e3;
                times.entry(index).or_insert(time);
            }
        }
    }
    let least = times.values().copied().fold(f64::INFINITY, f64::min);
    Ok(json!({"sent": sent.len(), "answered": times.len(), "least_ms": least}))
}

/// A Binding request; the mapped address, or nothing when no answer comes.
fn ask(socket: &UdpSocket, server: SocketAddr, change: u8) -> io::Result<Option<SocketAddr>> {
    for attempt in 0..TRIES {
        let request = request(attempt, change, socket.local_addr()?.port());
        // Unreachable counts as no answer.
        if socket.send_to(&request, server).is_err() {
            continue;
        }
        let deadline = Instant::now() + WAIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            socket.set_read_timeout(Some(left))?;
            let mut buffer = [0; 1500];
            match socket.recv(&mut buffer) {
                Ok(length) if length >= 20 && buffer[4..20] == request[4..20] => {
                    return Ok(mapped(&buffer[..length]));
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
    Ok(None)
}

/// The transaction differs by attempt, change and socket, so that a late answer is not taken for another.
fn request(attempt: u8, change: u8, port: u16) -> Vec<u8> {
    let mut message = vec![0, 1, 0, if change == 0 { 0 } else { 8 }];
    message.extend(COOKIE);
    message.extend([attempt, change, 1, 2, 3, 4, 5, 6, 7, 8]);
    message.extend(port.to_be_bytes());
    if change != 0 {
        message.extend([0, 3, 0, 4, 0, 0, 0, change]);
    }
    message
}

/// XOR-MAPPED-ADDRESS, RFC 8489 section 14.2.
fn mapped(message: &[u8]) -> Option<SocketAddr> {
    let mut rest = message.get(20..)?;
    loop {
        let (head, body) = rest.split_at_checked(4)?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if head[..2] == [0, 0x20] {
            let value = body.get(..length)?;
            let port = u16::from_be_bytes([value[2] ^ COOKIE[0], value[3] ^ COOKIE[1]]);
            let mask = &message[4..20];
            let bytes: Vec<u8> = value[4..].iter().zip(mask).map(|(a, b)| a ^ b).collect();
            let ip = match <[u8; 4]>::try_from(&bytes[..]) {
                Ok(v4) => IpAddr::from(v4),
                Err(_) => IpAddr::from(<[u8; 16]>::try_from(&bytes[..]).ok()?),
            };
            return Some(SocketAddr::new(ip, port));
        }
        rest = body.get(length.next_multiple_of(4)..)?;
    }
}
