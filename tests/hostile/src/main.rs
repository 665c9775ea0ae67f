//! Two sides of a signaling server on the Internet, for `cargo xtask prove hostile`: `attack` does to it what strangers do, and
//! tells how each attempt ended; `honest` keeps rooms in which messages are numbered and timed. They speak through raw sockets,
//! since much of what attackers say no library would. Both stand behind the proxy that the server trusts, so that each client has
//! an address of its own. On standard output one JSON object a line: `ready`, `calm`, `storm`; `attacking`, `attacked`.

mod assault;
mod attack;
mod cli;
mod dice;
mod forgery;
mod frames;
mod honest;
mod kinds;
mod socket;
mod tally;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use serde_json::Value;

use cli::Side;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Side::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(side: Side) -> Result<()> {
    match side {
        Side::Attack {
            place,
            seconds,
            seed,
        } => attack::run(place, Duration::from_secs(seconds), seed).await,
        Side::Honest { place, calm, storm } => {
            honest::run(place, [calm, storm].map(Duration::from_secs)).await
        }
    }
}

#[expect(clippy::print_stdout, reason = "a program tells what it found")]
fn tell(event: &Value) {
    println!("{event}");
}

#[expect(clippy::print_stderr, reason = "a program talks on the terminal")]
fn complain(error: &anyhow::Error) {
    eprintln!("hostile: {error:#}");
}
