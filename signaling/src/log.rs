//! The log on stderr.

use std::io::{self, IsTerminal, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::status::Screen;

/// Whatever `RUST_LOG` says, a program that ends says why: see [`failure`].
const FAILURES: &str = "signaling::log=error";

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line, for programs that gather logs.
    Json,
}

/// Starts it: what is logged follows `RUST_LOG`, from `info` on if nothing is said. What else is to stand on stderr goes
/// through what is returned.
pub fn start(format: Format) -> Screen {
    let screen = Screen::stderr();
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let filter = Some(wanted).filter(|wanted| !wanted.is_empty());
    let filter = filter.and_then(|wanted| EnvFilter::try_new(wanted).ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new("info"));
    let filter = match FAILURES.parse() {
        Ok(failures) => filter.add_directive(failures),
        Err(_) => filter,
    };
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let out = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(screen.clone());
    let told = filter_fn(may_be_told);
    match format {
        Format::Text => out
            .with_ansi(colour)
            .with_target(false)
            .finish()
            .with(told)
            .init(),
        Format::Json => out
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .finish()
            .with(told)
            .init(),
    }
    screen
}

/// The last line of a program that could not go on.
pub fn failure(format: Format, why: &anyhow::Error) {
    match format {
        Format::Text => drop(writeln!(io::stderr(), "error: {why:#}")),
        Format::Json => tracing::error!("{why:#}"),
    }
}

/// Whatever `RUST_LOG` says. The STUN crates warn of every datagram that is no STUN, of which a stranger sends as many as he
/// likes, and trace keys; the WebSocket crate traces frames, with the credentials in them; so does that of the broker, which also
/// says with every try what we say once.
fn may_be_told(what: &Metadata<'_>) -> bool {
    let from = |name: &str| what.target().split("::").next() == Some(name);
    let stun = from("stun_types") || from("turn_types");
    let frames = from("tungstenite") && *what.level() == Level::TRACE;
    let broker = from("async_nats") && *what.level() != Level::DEBUG;
    !(stun || frames || broker)
}
