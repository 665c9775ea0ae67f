//! Two peers in a laboratory: one calls from host A, the other answers on host B.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::nat_lab::{NatLab, Side};
use crate::process::{Event, Process};

/// Which of the laboratory's servers both peers are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Servers {
    /// Those that the words name, else none.
    Named,
    /// Two STUN servers alone, and whatever the signaling server offers.
    Stun,
    /// The same, and TURN over UDP and over TCP.
    Relays,
}

/// Who stands in the room first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// `answer` waits, then comes `call`.
    Answer,
    /// `call` waits, then comes `answer`.
    Call,
}

/// A call that has begun.
#[derive(Debug)]
pub struct Talk {
    /// On host A.
    pub call: Process,
    /// On host B.
    pub answer: Process,
}

/// How the caller fared.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Both are connected.
    Connected {
        /// `direct` or `relay`, as the caller says.
        path: String,
        /// What the caller took to be connected, waiting for the other not counted, in milliseconds.
        total: f64,
    },
    /// The caller has ended without.
    Failed {
        /// Its exit code.
        code: i64,
        /// What it said.
        reason: String,
    },
}

/// From start to being in the room, on a machine that does other things too.
const READY: Duration = Duration::from_secs(20);
/// From then to being connected or giving up, which takes `--timeout 30s` at most.
const LIMIT: Duration = Duration::from_secs(45);
/// The exit code of Ctrl-C.
pub(crate) const INTERRUPTED: i32 = 130;

impl NatLab {
    /// A peer on this side's host that knows the laboratory's servers and has no sound device; `words` begin with the verb.
    #[must_use]
    pub fn peer(
        &self,
        side: Side,
        program: &Path,
        servers: Servers,
        words: &[&str],
    ) -> std::process::Command {
        let mut command = self.command(side, program);
        let (user, password) = self.credentials();
        command
            .args(words)
            .args(["--json", "--server", &self.socket()])
            .env("PEER_TURN_PASSWORD", password);
        match servers {
            Servers::Named if words.contains(&"--stun") => {}
            Servers::Named => _ = command.args(["--stun", "off"]),
            Servers::Stun | Servers::Relays => {
                command.args(["--stun", &self.stun(), "--stun", &self.second_stun()]);
            }
        }
        if servers == Servers::Relays {
            command
                .args(["--turn", &self.turn(), "--turn", &self.turn_tcp()])
                .args(["--turn-user", user]);
        }
        let is_given = |name: &str| words.contains(&name) || words.contains(&"--echo");
        for (name, value) in [("--mic", "silence"), ("--speaker", "null")] {
            if !is_given(name) {
                command.args([name, value].map(OsStr::new));
            }
        }
        command
    }
}

impl Talk {
    /// Starts both with these words more; the second once the first is in the room.
    ///
    /// # Errors
    /// When either does not get there.
    pub fn start(
        lab: &NatLab,
        program: &Path,
        servers: Servers,
        first: First,
        [call, answer]: [&[&str]; 2],
    ) -> Result<Self> {
        let call = || {
            let words = [&["call"], call].concat();
            Process::start("call", lab.peer(Side::A, program, servers, &words))
        };
        let answer = || {
            let words = [&["answer"], answer].concat();
            Process::start("answer", lab.peer(Side::B, program, servers, &words))
        };
        Ok(match first {
            First::Answer => {
                let mut answer = answer()?;
                answer.wait_for("signaling", READY)?;
                Self {
                    call: call()?,
                    answer,
                }
            }
            First::Call => {
                let mut call = call()?;
                call.wait_for("signaling", READY)?;
                Self {
                    answer: answer()?,
                    call,
                }
            }
        })
    }

    /// The caller, then the answerer.
    pub fn both(&mut self) -> [&mut Process; 2] {
        [&mut self.call, &mut self.answer]
    }

    /// Waits until both are connected, or the caller has given up.
    ///
    /// # Errors
    /// When neither happens, or the two do not agree.
    pub fn outcome(&mut self) -> Result<Outcome> {
        let event = self.call.wait_for_one(&["connected", "exit"], LIMIT)?;
        if event.is("exit") {
            return Ok(Outcome::Failed {
                code: event.value["code"].as_i64().context("no exit code")?,
                reason: event.value["reason"].as_str().unwrap_or_default().into(),
            });
        }
        let other = self.answer.wait_for("connected", READY)?;
        let path = path(&event)?;
        if path != self::path(&other)? {
            bail!("the caller says {path}, the answerer {}", other.value);
        }
        Ok(Outcome::Connected {
            path: path.to_owned(),
            total: total(&event)?,
        })
    }

    /// Hangs up at the caller, once both are connected, and waits until both have ended.
    ///
    /// # Errors
    /// When either ends otherwise, or the path that they were connected by was not the one that they kept.
    pub fn hang_up(&mut self, path: &str) -> Result<()> {
        self.call.interrupt()?;
        for (peer, code) in self.both().into_iter().zip([INTERRUPTED, 0]) {
            let ended = peer.wait_for("ended", READY)?;
            let last = &ended.value["summary"]["path"];
            if last != path {
                return Err(peer.complaint(&format!("was connected by {path}, at last by {last}")));
            }
            let ended = peer.finish(READY)?;
            if ended != code {
                return Err(peer.complaint(&format!("ended with {ended}, not {code}")));
            }
        }
        Ok(())
    }
}

fn path(connected: &Event) -> Result<&str> {
    connected.value["path"].as_str().context("no path")
}

/// `setup_ms.total` of a `connected`.
fn total(connected: &Event) -> Result<f64> {
    connected.value["setup_ms"]["total"]
        .as_f64()
        .context("\"connected\" carries no setup_ms.total")
}
