//! `peer-cli`: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    peer_cli::app::main(std::env::args_os())
}
