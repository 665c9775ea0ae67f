//! `signaling`: parse, log, bind, serve, exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use signaling::cli::{Arguments, Errand, Secrets, TokenArguments};
use signaling::log::Format;
use signaling::{Relay, Server, announce, log, stop};
use tokio::net::TcpListener;

/// Exit code for what the user can put right: an option or its surroundings.
const CONFIGURATION: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Errand::Token(token)) = &arguments.errand {
        return print(token);
    }
    log::start(arguments.log);
    let ready = match prepare(&arguments).await {
        Ok(ready) => ready,
        Err(why) => return fail(CONFIGURATION, &why, arguments.log),
    };
    match run(&arguments, ready).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(1, &why, arguments.log),
    }
}

/// Everything that the user can put right.
async fn prepare(arguments: &Arguments) -> anyhow::Result<(Server, TcpListener)> {
    let mut server = Server::new(arguments.server_options(Secrets::from_env())?);
    let relay = arguments.relay_options()?;
    let listener = announce::listen(arguments.listen).await?;
    if let Some(addr) = arguments.metrics() {
        server = server.with_metrics(announce::listen(addr).await?);
    }
    if let Some(options) = relay {
        server = server.with_relay(Relay::bind(options)?);
    }
    Ok((server, listener))
}

async fn run(arguments: &Arguments, ready: (Server, TcpListener)) -> anyhow::Result<()> {
    let (server, listener) = ready;
    let others = server.others();
    let shutdown = stop::by_signals().context("cannot listen for signals")?;
    let bound = listener
        .local_addr()
        .context("cannot tell the address that was bound")?;
    announce::tell(arguments.log, bound, others, !arguments.no_page);
    if arguments.json {
        let _ = announce::tell_scripts(&mut io::stdout().lock(), bound, others);
    }
    server
        .serve(listener, shutdown)
        .await
        .context("cannot serve")
}

/// The token is the one thing on stdout, for `TOKEN=$(signaling token)`.
fn print(token: &TokenArguments) -> ExitCode {
    match token.token(Secrets::from_env().token) {
        Ok(token) => {
            let _ = writeln!(io::stdout(), "{token}");
            ExitCode::SUCCESS
        }
        Err(why) => fail(CONFIGURATION, &why, Format::Text),
    }
}

fn fail(code: u8, why: &anyhow::Error, format: Format) -> ExitCode {
    log::failure(format, why);
    ExitCode::from(code)
}
