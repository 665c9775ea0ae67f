//! One run of the program: what its arguments ask for is bound, told, and served until a signal ends it.

use std::io;

use anyhow::Context;
use tokio::net::TcpListener;
use tracing::{error, info, warn};

use crate::announce::{self, Site};
use crate::cli::{Arguments, Secrets};
use crate::status::{Line, Screen};
use crate::{Relay, Server, Tls, descriptors, stop};

/// A server and where it listens, bound but not told yet.
#[derive(Debug)]
pub struct Ready {
    server: Server,
    listener: TcpListener,
    tls: Option<Tls>,
}

/// Everything that the user can put right. Inside of a runtime.
///
/// # Errors
/// What is wrong, with the way out.
pub fn prepare(arguments: &Arguments) -> anyhow::Result<Ready> {
    let secrets = Secrets::from_env()?;
    let warnings = arguments.warnings(&secrets);
    let options = arguments.server_options(secrets)?;
    for why in warnings {
        warn!("{why}");
    }
    let relay = arguments.relay_options()?;
    let allocations = relay.as_ref().map(|relay| relay.max_allocations);
    if let Some(why) = descriptors::provide(&options.limits, allocations) {
        warn!("{why}");
    }
    let mut server = Server::new(options)?;
    let tls = arguments.tls()?;
    if let Some(tls) = tls.clone() {
        server = server.with_tls(tls);
    }
    let listener = announce::listen("--listen", arguments.listen)?;
    if let Some(addr) = arguments.metrics() {
        server = server.with_metrics(announce::listen("--metrics", addr)?);
    }
    if let Some(options) = relay {
        server = server.with_relay(Relay::bind(options)?);
    }
    Ok(Ready {
        server,
        listener,
        tls,
    })
}

/// Until a signal ends it.
///
/// # Errors
/// What the system refuses.
pub async fn run(arguments: &Arguments, ready: Ready, screen: Screen) -> anyhow::Result<()> {
    let Ready {
        server,
        listener,
        tls,
    } = ready;
    let bound = listener
        .local_addr()
        .context("cannot tell the address that was bound")?;
    let site = Site {
        bound,
        others: server.others(),
        page: !arguments.no_page,
        secure: tls.as_ref().map(Tls::names),
    };
    let signals =
        stop::by_signals(move || reload(tls.as_ref())).context("cannot listen for signals")?;
    announce::tell(arguments.log, &site);
    if arguments.json {
        let _ = announce::tell_scripts(&mut io::stdout().lock(), &site);
    }
    let status = arguments.status();
    let _line = status.then(|| Line::start(screen, server.activity()));
    server
        .drained_by(signals.gently)
        .serve(listener, signals.at_once)
        .await
        .context("cannot serve")
}

fn reload(tls: Option<&Tls>) {
    match tls.map(Tls::reload) {
        None | Some(Ok(None)) => info!("SIGHUP: nothing to read again without --tls-cert"),
        Some(Ok(Some(expires))) => {
            info!("the certificate was read again: good until {expires}");
        }
        Some(Err(why)) => error!("the certificate stays as it was: {why:#}"),
    }
}
