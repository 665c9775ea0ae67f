//! The servers that are compared, each started anew for every run.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::Process;

use super::super::{Bench, Packages};
use crate::demo::start_server;
use crate::shell;

const READY: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);
/// Built at its first use and kept.
const MATCHBOX: &str = "0.15.0";
/// More clients than any run has.
const ENOUGH: &str = "100000";

/// What protects ours from whoever does what is done to it here.
const LIMITS: [&str; 5] = [
    "--max-connections",
    "--max-rooms",
    "--max-rate",
    "--max-bytes",
    "--max-half-open",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ours,
    /// The tutorial's broadcast with rooms, on Node's `ws`: tests/others/broadcast.js.
    Node,
    /// The system calls alone, one write for each delivery.
    Floor,
    /// The same, one write for all that one turn brings a client.
    Gathered,
    YWebrtc,
    Peerjs,
    Matchbox,
}

/// What it takes to start them.
pub(super) struct Servers<'a> {
    bench: &'a Bench<'a>,
    /// Without it those of others cannot be started.
    packages: Option<Packages>,
    matchbox: Option<PathBuf>,
    /// What is missing, and why.
    pub(super) missing: Vec<String>,
}

/// One that serves.
pub(super) struct Served {
    /// Ends with it.
    pub(super) process: Process,
    pub(super) url: String,
    pub(super) dialect: &'static str,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "`signaling`",
            Self::Node => "Node `ws`, broadcast",
            Self::Floor => "the system calls alone, one a delivery",
            Self::Gathered => "the system calls alone, gathered",
            Self::YWebrtc => "y-webrtc's server",
            Self::Peerjs => "PeerServer (PeerJS)",
            Self::Matchbox => "matchbox_server",
        }
    }
}

impl<'a> Servers<'a> {
    /// Ours alone.
    pub(super) const fn ours(bench: &'a Bench<'a>) -> Self {
        Self {
            bench,
            packages: None,
            matchbox: None,
            missing: Vec::new(),
        }
    }

    /// All of them, as far as they can be installed here.
    pub(super) fn all(bench: &'a Bench<'a>) -> Self {
        let mut missing = Vec::new();
        let mut miss = |what: &str, why: anyhow::Error| missing.push(format!("{what}: {why:#}"));
        let packages = Packages::of_servers(bench.workspace);
        let packages = packages.map_err(|why| miss("servers on Node", why)).ok();
        let matchbox = matchbox(bench);
        let matchbox = matchbox.map_err(|why| miss("matchbox_server", why)).ok();
        Self {
            bench,
            packages,
            matchbox,
            missing,
        }
    }

    /// Those of these that can be started.
    pub(super) fn present(&self, wanted: &[Kind]) -> Vec<Kind> {
        let there = |kind: &Kind| match kind {
            Kind::Ours | Kind::Floor | Kind::Gathered => true,
            Kind::Node | Kind::YWebrtc | Kind::Peerjs => self.packages.is_some(),
            Kind::Matchbox => self.matchbox.is_some(),
        };
        wanted.iter().copied().filter(there).collect()
    }

    /// Versions of others, for a note.
    pub(super) fn versions(&self) -> Result<String> {
        let Some(packages) = &self.packages else {
            return Ok(String::new());
        };
        let node = shell::read(Command::new("node").arg("--version"))?;
        Ok(format!(
            "Node {}, ws {}, y-webrtc {}, peer {}, matchbox_server {MATCHBOX}",
            node.trim(),
            packages.version("ws")?,
            packages.version("y-webrtc")?,
            packages.version("peer")?,
        ))
    }

    pub(super) fn start(&self, kind: Kind) -> Result<Served> {
        match kind {
            Kind::Ours => self.signaling(),
            Kind::Node => telling("node", self.packages()?.program("broadcast.js"), "/socket"),
            Kind::Floor => telling("wsload floor", self.floor(&[]), "/socket"),
            Kind::Gathered => telling("wsload floor", self.floor(&["--gather"]), "/socket"),
            Kind::YWebrtc => {
                let mut server = self.packages()?.packaged("y-webrtc/bin/server.js");
                let addr = free()?;
                server.env("PORT", addr.port().to_string());
                listening("y-webrtc", server, addr, "/", "y-webrtc")
            }
            Kind::Peerjs => {
                let mut server = self.packages()?.packaged("peer/dist/bin/peerjs.js");
                let addr = free()?;
                server
                    .args(["--host", "127.0.0.1", "--port", &addr.port().to_string()])
                    .args(["--concurrent_limit", ENOUGH]);
                listening("peerjs", server, addr, "/peerjs", "peerjs")
            }
            Kind::Matchbox => {
                let program = self.matchbox.as_ref().context("no matchbox_server")?;
                let addr = free()?;
                let mut server = Command::new(program);
                server.arg(addr.to_string());
                listening("matchbox_server", server, addr, "/", "matchbox")
            }
        }
    }

    /// As it is, but for those limits.
    fn signaling(&self) -> Result<Served> {
        let mut server = self.bench.signaling();
        for limit in LIMITS {
            server.args([limit, "0"]);
        }
        let (process, url) = start_server(server)?;
        Ok(Served {
            process,
            url,
            dialect: "broadcast",
        })
    }

    fn floor(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.bench.programs.wsload);
        command.arg("floor").args(words);
        command
    }

    fn packages(&self) -> Result<&Packages> {
        self.packages.as_ref().context("no packages of Node")
    }
}

/// One that says where it listens.
fn telling(name: &'static str, command: Command, path: &str) -> Result<Served> {
    let mut process = Process::start(name, command)?;
    let listening = process.wait_for("listening", READY)?;
    let addr = listening.value["addr"].as_str().context("no address")?;
    Ok(Served {
        url: format!("ws://{addr}{path}"),
        process,
        dialect: "broadcast",
    })
}

/// One that has to be told.
fn listening(
    name: &'static str,
    command: Command,
    addr: SocketAddr,
    path: &str,
    dialect: &'static str,
) -> Result<Served> {
    let process = Process::start(name, command)?;
    let until = Instant::now() + READY;
    while TcpStream::connect(addr).is_err() {
        ensure!(
            Instant::now() < until,
            "{}",
            process.complaint("it does not listen")
        );
        sleep(LOOK);
    }
    Ok(Served {
        process,
        url: format!("ws://{addr}{path}"),
        dialect,
    })
}

/// A port that was free a moment ago.
fn free() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    listener.local_addr().context("no address")
}

fn matchbox(bench: &Bench) -> Result<PathBuf> {
    let folder = bench.workspace.scratch("matchbox")?;
    let program = folder.join("bin").join("matchbox_server");
    if fs::exists(&program).unwrap_or(false) {
        return Ok(program);
    }
    println!(
        "building matchbox_server {MATCHBOX} into {}",
        folder.display()
    );
    let mut install = bench.workspace.cargo();
    install
        .args([
            "install",
            "matchbox_server",
            "--version",
            MATCHBOX,
            "--locked",
            "--root",
        ])
        .arg(&folder);
    shell::read(&mut install)?;
    Ok(program)
}
