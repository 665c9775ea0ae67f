//! `wsload load --server ws://127.0.0.1:8080/socket --connections 64 --room 64 --closed`: many WebSockets from one process and one
//! thread to one signaling server, and what it makes of their messages: one-way latency from sender to receiver on one clock,
//! what was lost and what came twice, how long connecting takes, and, with `--pid`, what the server spends on it.
//!
//! Frames are encoded before the measuring and read as little as can be: this program costs little beside the one that it
//! loads. `wsload floor` is a broadcast of nothing but system calls, to tell how far another server is from that.
//!
//! On standard output one JSON object a line: `connected`, `slow`, `result`; of the floor `listening`. Exit code 1: it failed.

mod alarm;
mod cli;
mod crowd;
mod dialect;
mod floor;
mod frame;
mod member;
mod process;
mod run;
mod speakers;
mod stamp;
mod steal;
mod talk;
mod tally;

use std::process::ExitCode;

use clap::Parser;
use serde_json::Value;

use cli::{Arguments, Job};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().job {
        Job::Load(options) => run::run(&options, &tell),
        Job::Floor(options) => floor::run(&options, &tell),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "results go to standard output")]
fn tell(event: &Value) {
    println!("{event}");
}

#[expect(clippy::print_stderr, reason = "a program talks on the terminal")]
fn complain(error: &anyhow::Error) {
    eprintln!("wsload: {error:#}");
}
