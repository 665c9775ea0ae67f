//! `load --server URL --calls 100 --hold 60s`: many calls from one process to one `peer-cli answer --echo --peers N`, over real
//! signaling, UDP, DTLS and SRTP; measures what comes back.
//!
//! The sound is encoded once, before the first call, and every call sends the same packets: this program costs little
//! beside the one that it loads. On standard output one JSON object a line: `encoded`, `connected`, `holding`, `held`,
//! `result`. Exit codes: 0 every call came up and stayed, 1 internal error, 2 usage, 3 signaling, 5 a call did not come up,
//! 6 a call was lost.

mod call;
mod cli;
mod ear;
mod line;
mod metronome;
mod run;
mod sound;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let options = cli::Options::parse();
    match run::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure);
            ExitCode::from(failure.code())
        }
    }
}

#[expect(clippy::print_stderr, reason = "a program talks on the terminal")]
fn complain(failure: &run::Failure) {
    eprintln!("load: {failure}");
}
