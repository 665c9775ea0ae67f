//! Several signaling servers on one broker, each a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::nats_server::NatsServer;
use crate::process::Process;

/// The broker and its servers; all end with it.
#[derive(Debug)]
pub struct Cluster {
    program: PathBuf,
    words: Vec<String>,
    /// What carries messages between the servers.
    pub broker: NatsServer,
    /// The servers.
    pub servers: Vec<Member>,
}

/// One server.
#[derive(Debug)]
pub struct Member {
    /// The process.
    pub process: Process,
    /// Where it listens.
    pub addr: SocketAddr,
}

const LIMIT: Duration = Duration::from_secs(30);

impl Cluster {
    /// So many of this program, with these words more.
    ///
    /// # Errors
    /// When something does not start.
    pub fn start(program: &Path, servers: usize, words: &[&str]) -> Result<Self> {
        let mut cluster = Self {
            program: program.to_owned(),
            words: words.iter().map(ToString::to_string).collect(),
            broker: NatsServer::start(&[])?,
            servers: Vec::new(),
        };
        for _ in 0..servers {
            let member = cluster.member()?;
            cluster.servers.push(member);
        }
        Ok(cluster)
    }

    /// Kills this one without a word and starts another in its place, on another port.
    ///
    /// # Errors
    /// When it has ended already, or does not start.
    pub fn replace(&mut self, server: usize) -> Result<()> {
        let member = self.member()?;
        let mut old = std::mem::replace(&mut self.servers[server], member);
        old.process.kill()
    }

    fn member(&self) -> Result<Member> {
        let url = self.broker.url();
        let mut words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        words.extend(["--backplane", &url]);
        start(&self.program, &words)
    }
}

/// One signaling server with these words, on a free loopback port.
///
/// # Errors
/// When it does not start.
pub fn start(program: &Path, words: &[&str]) -> Result<Member> {
    let mut command = Command::new(program);
    command
        .args(["--listen", "127.0.0.1:0", "--json"])
        .args(words);
    let mut process = Process::start("signaling", command)?;
    let event = process.wait_for("listening", LIMIT)?;
    let addr = event.value["addr"].as_str().context("no address")?;
    let addr = addr.parse().context("no address")?;
    Ok(Member { process, addr })
}
