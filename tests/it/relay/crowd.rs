//! Two hundred at once, and nothing left of them.

use std::net::SocketAddr;
use std::time::Duration;

use signaling::RelayOptions;
use tests::{TestServer, until};

use super::client::{Login, Transport, Turn, ice_servers, login};

const CROWD: usize = 200;

fn transport(index: usize) -> Transport {
    if index.is_multiple_of(2) {
        Transport::Udp
    } else {
        Transport::Tcp
    }
}

/// Allocations of twenty users, by UDP and TCP in turn.
async fn gather(url: &str, relay: SocketAddr) -> Vec<(Turn, SocketAddr)> {
    let mut turns = Vec::new();
    let mut logins: Vec<Login> = Vec::new();
    for user in 0..CROWD / 8 {
        logins.push(login(&ice_servers(url, &format!("user{user}")).await));
    }
    for index in 0..CROWD {
        let login = logins[index / 8].clone();
        let mut turn = Turn::connect(relay, transport(index), login).await;
        let relayed = turn.allocate(false).await.expect("an allocation");
        turns.push((turn, relayed));
    }
    turns
}

/// Each pair exchanges something in both directions.
async fn talk(turns: &mut [(Turn, SocketAddr)]) {
    for pair in turns.chunks_mut(2) {
        let [(one, at_one), (other, at_other)] = pair else {
            panic!("an even number")
        };
        one.bind(0x4000, *at_other).await.expect("a channel");
        other.bind(0x4000, *at_one).await.expect("a channel");
    }
    for round in 0..5u8 {
        for pair in turns.chunks_mut(2) {
            let [(one, at_one), (other, at_other)] = pair else {
                panic!("an even number")
            };
            one.sends(*at_other, &[round; 1000]).await;
            assert_eq!(other.hears().await, (*at_one, vec![round; 1000]));
            other.sends(*at_one, &[round; 1000]).await;
            assert_eq!(one.hears().await, (*at_other, vec![round; 1000]));
        }
    }
}

#[tokio::test]
async fn two_hundred_allocations_carry_data_and_leave_nothing() {
    let server = TestServer::with_relay();
    let usage = server.relay_usage();
    let mut turns = gather(&server.url(), server.relay()).await;
    assert_eq!((usage.allocations(), usage.sockets()), (CROWD, CROWD));
    assert_eq!(usage.streams(), CROWD / 2);
    talk(&mut turns).await;
    assert_eq!(usage.dropped(), 0);
    for (turn, _) in &mut turns {
        assert_eq!(turn.refresh(0).await, Ok(0));
    }
    until("nothing is left", || {
        usage.allocations() + usage.sockets() == 0
    })
    .await;
    drop(turns);
    until("no stream is left", || usage.streams() == 0).await;
}

#[tokio::test]
async fn whoever_vanishes_is_forgotten_when_its_time_is_over() {
    let relay = RelayOptions {
        lifetime: Duration::from_secs(2),
        allow_private: true,
        ..RelayOptions::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    };
    let server = TestServer::open(TestServer::options(), Some(relay));
    let usage = server.relay_usage();
    let login = login(&ice_servers(&server.url(), "alice").await);
    let mut alice = Turn::connect(server.relay(), Transport::Udp, login.clone()).await;
    alice.allocate(false).await.expect("an allocation");
    let mut bob = Turn::connect(server.relay(), Transport::Tcp, login).await;
    bob.allocate(false).await.expect("an allocation");
    assert_eq!(
        bob.refresh(3600).await,
        Ok(3600),
        "who asks for longer gets it"
    );
    drop(alice);
    until("alice is forgotten", || usage.allocations() == 1).await;
    drop(bob);
    until("bob has hung up", || {
        usage.allocations() + usage.streams() + usage.sockets() == 0
    })
    .await;
}

/// The real program, since only its own descriptors and threads are counted.
#[cfg(target_os = "linux")]
mod program {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    use serde_json::Value;

    use super::*;

    struct Program {
        child: Child,
        addr: String,
        relay: SocketAddr,
    }

    impl Program {
        fn start() -> Self {
            let test = std::env::current_exe().expect("a test");
            let path = test.ancestors().nth(2).expect("a folder").join("signaling");
            assert!(
                path.is_file(),
                "{} is missing: run \"cargo build\"",
                path.display()
            );
            let mut child = Command::new(path)
                .args(["--listen", "127.0.0.1:0", "--json"])
                .args(["--relay", "127.0.0.1:0", "--relay-allow-private"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program starts");
            let mut line = String::new();
            let out = child.stdout.as_mut().expect("piped");
            BufReader::new(out).read_line(&mut line).expect("a line");
            let told: Value = serde_json::from_str(&line).expect("JSON");
            let text = |key: &str| told[key].as_str().expect("a text").to_owned();
            Self {
                child,
                addr: text("addr"),
                relay: text("relay").parse().expect("an address"),
            }
        }

        fn count(&self, what: &str) -> usize {
            let folder = format!("/proc/{}/{what}", self.child.id());
            std::fs::read_dir(folder).expect("it runs").count()
        }

        /// Kilobytes in memory.
        fn resident(&self) -> usize {
            let status = format!("/proc/{}/status", self.child.id());
            let status = std::fs::read_to_string(status).expect("it runs");
            let line = status
                .lines()
                .find(|l| l.starts_with("VmRSS:"))
                .expect("a size");
            line.split_whitespace()
                .nth(1)
                .expect("a number")
                .parse()
                .expect("a number")
        }
    }

    impl Drop for Program {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    #[tokio::test]
    async fn no_descriptor_thread_or_memory_is_kept() {
        let program = Program::start();
        let url = format!("ws://{}/socket", program.addr);
        let idle = program.count("fd");
        let threads = program.count("task");
        let mut memory = Vec::new();
        for _ in 0..4 {
            let mut crowd = gather(&url, program.relay).await;
            talk(&mut crowd).await;
            // A relayed address each, and every other one a connection; whatever was open at the start may be closed by now.
            let most = program.count("fd");
            assert!(most >= CROWD + CROWD / 2, "{idle} and then {most}");
            for (turn, _) in &mut crowd {
                turn.refresh(0).await.expect("an end");
            }
            drop(crowd);
            until("the descriptors are closed", || program.count("fd") <= idle).await;
            memory.push(program.resident());
        }
        assert_eq!(program.count("task"), threads);
        // An allocator keeps what it had once; what grows with each crowd is a leak.
        assert!(memory[3] < memory[0] + 4096, "{memory:?} kB");
    }
}
