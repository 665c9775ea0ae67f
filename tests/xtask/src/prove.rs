//! Proofs: long measurements whose tables stand in README.md, each between two markers that carry its name.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Context, Result, bail};

use crate::figures::{self, Table};
use crate::setup::{self, Job};
use crate::workspace::{Profile, Programs, Workspace};
use lab::Namespace;
pub(crate) use node::Packages;

mod audio;
mod backplane;
mod calls;
mod echo;
mod hostile;
mod idle;
mod interop;
mod nat;
mod node;
mod python;
mod quality;
mod quiet;
mod relay;
mod sending;
mod servers;
mod set_up;
mod signaling;
mod speech;
mod survival;
mod wanted;

pub(crate) use wanted::Wanted;

/// What a proof works with.
pub(crate) struct Bench<'a> {
    workspace: &'a Workspace,
    programs: Programs,
    scale: Scale,
    /// How long those last that last ten minutes, where somebody has less time.
    minutes: Option<u64>,
}

/// How much is measured, and with which programs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// What the README shows: optimised programs, many rounds.
    Full,
    /// What every test run can afford: the programs as the tests build them and few rounds, so bars for time are wider.
    Short,
}

struct Proof {
    name: &'static str,
    about: &'static str,
    run: fn(&Bench) -> Result<Table>,
}

const PROOFS: &[Proof] = &[
    Proof {
        name: "setup",
        about: "how long it takes to be connected",
        run: set_up::run,
    },
    Proof {
        name: "speech",
        about: "a spoken sentence arrives whole and well; a tone is told from another",
        run: speech::run,
    },
    Proof {
        name: "audio",
        about: "how a voice sounds, and how late, over bad networks",
        run: audio::run,
    },
    Proof {
        name: "idle",
        about: "processor time of waiting and of an ordinary call",
        run: idle::run,
    },
    Proof {
        name: "calls",
        about: "what one call costs, a hundred at once, and ten minutes of them",
        run: calls::run,
    },
    Proof {
        name: "echo",
        about: "what a microphone hears of the speaker, of noise and of a quiet voice",
        run: echo::run,
    },
    Proof {
        name: "quiet-machine",
        about: "three programs without an argument, without network or sound card",
        run: quiet::run,
    },
    Proof {
        name: "nat",
        about: "every kind of NAT against every other, with and without a relay",
        run: nat::run,
    },
    Proof {
        name: "survival",
        about: "what a call with sound and messages lives through",
        run: survival::run,
    },
    Proof {
        name: "sending",
        about: "a call follows what its network carries and loses",
        run: sending::run,
    },
    Proof {
        name: "servers",
        about: "STUN and TURN servers that do not work delay no direct call",
        run: servers::run,
    },
    Proof {
        name: "relay",
        about: "what a relayed call costs more than a direct one",
        run: relay::run,
    },
    Proof {
        name: "hostile",
        about: "a signaling server among attackers: memory, honest rooms, what is counted",
        run: hostile::run,
    },
    Proof {
        name: "signaling",
        about: "what the signaling server carries, beside others of its kind",
        run: signaling::run,
    },
    Proof {
        name: "backplane",
        about: "three servers on a message broker: delay, throughput, and what a dead one costs",
        run: backplane::run,
    },
    Proof {
        name: "interop",
        about: "calls from and to other WebRTC stacks, with sound and messages",
        run: interop::run,
    },
];

impl Bench<'_> {
    /// This many in full, that many in short.
    fn rounds(&self, full: usize, short: usize) -> usize {
        if self.scale == Scale::Full {
            full
        } else {
            short
        }
    }

    /// A bar for time: the programs of a test run are slower, and so is the machine that runs all of it.
    fn bar(&self, full: f64) -> f64 {
        const WIDER: f64 = 20.0;
        if self.scale == Scale::Full {
            full
        } else {
            full * WIDER
        }
    }

    fn signaling(&self) -> Command {
        Command::new(&self.programs.signaling)
    }

    fn peer(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.programs.peer);
        command.args(words);
        command
    }
}

/// A command inside the namespace, or outside where none can be made.
fn inside(namespace: Option<&Namespace>, program: &Path, words: &[&str]) -> Command {
    let mut command = namespace.map_or_else(
        || Command::new(program),
        |namespace| namespace.command(program),
    );
    command.args(words);
    command
}

fn list() {
    for Proof { name, about, .. } in PROOFS {
        println!("{name:<14} {about}");
    }
}

/// Runs these proofs in full and writes their tables, or in their short form; all of them are run even when one fails.
pub(crate) fn prove(workspace: &Workspace, wanted: &Wanted) -> Result<()> {
    if wanted.list {
        list();
        return Ok(());
    }
    let chosen = choose(&wanted.names)?;
    if wanted.short {
        return in_short(workspace, &chosen);
    }
    setup::ensure(&[Job::Build])?;
    let bench = Bench {
        workspace,
        programs: workspace.build(Profile::Release)?,
        scale: Scale::Full,
        minutes: wanted.minutes,
    };
    finish(chosen.into_iter().map(|proof| {
        let table = shown(proof, &bench)?;
        write(workspace, proof.name, &table)?;
        Ok(table)
    }))
}

/// No file is changed.
fn in_short(workspace: &Workspace, chosen: &[&Proof]) -> Result<()> {
    let bench = Bench {
        workspace,
        programs: workspace.build(Profile::Tested)?,
        scale: Scale::Short,
        minutes: None,
    };
    finish(chosen.iter().map(|proof| shown(proof, &bench)))
}

fn shown(proof: &Proof, bench: &Bench) -> Result<Table> {
    println!("{}: {}", proof.name, proof.about);
    let table = (proof.run)(bench).with_context(|| format!("proof {} failed", proof.name))?;
    println!("{}", table.plain());
    Ok(table)
}

/// Goes through all, then complains about the first that failed or missed its bar.
fn finish(results: impl Iterator<Item = Result<Table>>) -> Result<()> {
    let mut complaint = None;
    for result in results {
        let problem = match result {
            Ok(table) => table.missed().map(|row| {
                anyhow::anyhow!("{}: {}, but the bar is {}", row.what, row.figure, row.bar)
            }),
            Err(error) => {
                println!("  {error:#}");
                Some(error)
            }
        };
        complaint = complaint.or(problem);
    }
    complaint.map_or(Ok(()), Err)
}

fn choose(names: &[String]) -> Result<Vec<&'static Proof>> {
    if names.iter().any(|name| name == "all") {
        return Ok(PROOFS.iter().collect());
    }
    names
        .iter()
        .map(
            |name| match PROOFS.iter().find(|proof| proof.name == name) {
                Some(proof) => Ok(proof),
                None => bail!("no proof is named \"{name}\" (see cargo xtask prove --list)"),
            },
        )
        .collect()
}

/// Puts the table into the README, with the kind of machine that it holds for.
fn write(workspace: &Workspace, name: &str, table: &Table) -> Result<()> {
    let path = workspace.path("README.md");
    let page =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let content = format!("{}\n{}", table.markdown(), machine());
    let page = figures::between_markers(&page, name, &content).map_err(anyhow::Error::msg)?;
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))
}

fn machine() -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("`cargo xtask prove` on {cores} cores, {system} {processor}; median (least…greatest).")
}

#[cfg(test)]
mod tests {
    use super::{PROOFS, choose};
    use crate::figures::between_markers;

    #[test]
    fn names_are_chosen_and_mistakes_told() {
        let names = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(choose(&names(&["all"])).expect("known").len(), PROOFS.len());
        assert_eq!(choose(&names(&["idle"])).expect("known")[0].name, "idle");
        assert!(choose(&names(&["idle", "nothing"])).is_err());
    }

    #[test]
    fn every_proof_has_its_place_in_the_readme() {
        let page = include_str!("../../../README.md");
        for proof in PROOFS {
            between_markers(page, proof.name, "x").expect(proof.name);
        }
    }
}
