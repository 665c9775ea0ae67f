//! The workspace's own commands: `cargo xtask setup | demo | test | prove NAME`.
//!
//! It stands on small pure Rust crates: it builds where nothing but Rust and a linker is, and can then install the rest.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool talks on the terminal"
)]

mod check;
mod demo;
mod figures;
mod live;
mod namespace;
mod prove;
mod resample;
mod setup;
mod shell;
mod tally;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use workspace::Workspace;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "What this workspace does")]
struct Arguments {
    #[command(subcommand)]
    job: Job,
}

#[derive(Subcommand)]
enum Job {
    /// Install the system packages that building, demo and test need
    Setup,
    /// Send a spoken sentence to an echoing peer and measure what comes back
    Demo,
    /// Everything that CI checks: format, lints, layout, tests, documents, short proofs
    Test,
    /// Run long measurements and write their tables into README.md
    Prove(prove::Wanted),
}

fn main() -> ExitCode {
    match run(Arguments::parse().job) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(job: Job) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    match job {
        Job::Setup => setup::ensure(&[setup::Job::Build, setup::Job::Check]),
        Job::Demo => demo::run(&workspace),
        Job::Test => check::run(&workspace),
        Job::Prove(wanted) => prove::prove(&workspace, &wanted),
    }
}
