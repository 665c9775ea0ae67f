//! `signaling`: parse, log, bind, serve, exit code.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use shared::Secret;
use signaling::cli::{Arguments, TURN_SECRET};
use signaling::{Relay, Server, announce, stop};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Exit code for what the user can put right: an option or its surroundings.
const CONFIGURATION: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log();
    let prepared = prepare(&arguments).await;
    let (server, relay, listener) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => return fail(CONFIGURATION, &why),
    };
    match run(&arguments, server, relay, listener).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(1, &why),
    }
}

/// Everything that the user can put right: a server, where its relay is, if any, and where it listens.
async fn prepare(
    arguments: &Arguments,
) -> anyhow::Result<(Server, Option<SocketAddr>, TcpListener)> {
    let secret = std::env::var(TURN_SECRET).ok().map(Secret::new);
    let server = Server::new(arguments.server_options(secret)?);
    let options = arguments.relay_options()?;
    let listener = announce::listen(arguments.listen).await?;
    let Some(options) = options else {
        return Ok((server, None, listener));
    };
    let relay = Relay::bind(options)?;
    let addr = relay.addr();
    Ok((server.with_relay(relay), Some(addr), listener))
}

async fn run(
    arguments: &Arguments,
    server: Server,
    relay: Option<SocketAddr>,
    listener: TcpListener,
) -> anyhow::Result<()> {
    let shutdown = stop::by_signals().context("cannot listen for signals")?;
    let bound = listener
        .local_addr()
        .context("cannot tell the address that was bound")?;
    // Nobody reads it any more: no reason not to serve.
    let _ = announce::tell_people(&mut io::stderr().lock(), bound, relay);
    if arguments.json {
        let _ = announce::tell_scripts(&mut io::stdout().lock(), bound, relay);
    }
    server
        .serve(listener, shutdown)
        .await
        .context("cannot serve")
}

fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // They warn of every datagram that is no STUN, which a stranger sends as many as he likes, and trace keys.
    let quiet = ["stun_types=off", "stun_proto=off", "turn_types=off"];
    let quiet = quiet.into_iter().filter_map(|d| d.parse().ok());
    let filter = quiet.fold(filter, EnvFilter::add_directive);
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
