//! `signaling`: parse, log, bind, serve, exit code.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use signaling::cli::Arguments;
use signaling::{Server, announce, stop};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Exit code for what the user can put right: an option or its surroundings.
const CONFIGURATION: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log();
    let listener = match announce::listen(arguments.listen).await {
        Ok(listener) => listener,
        Err(why) => return fail(CONFIGURATION, &why),
    };
    match run(&arguments, listener).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(1, &why),
    }
}

async fn run(arguments: &Arguments, listener: TcpListener) -> anyhow::Result<()> {
    let shutdown = stop::by_signals().context("cannot listen for signals")?;
    let bound = listener
        .local_addr()
        .context("cannot tell the address that was bound")?;
    // Nobody reads it any more: no reason not to serve.
    let _ = announce::tell_people(&mut io::stderr().lock(), bound);
    if arguments.json {
        let _ = announce::tell_scripts(&mut io::stdout().lock(), bound);
    }
    let server = Server::new(arguments.server_options());
    server
        .serve(listener, shutdown)
        .await
        .context("cannot serve")
}

fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let out = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    out.with_ansi(colour).with_target(false).init();
}

fn fail(code: u8, why: &anyhow::Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "error: {why:#}");
    ExitCode::from(code)
}
