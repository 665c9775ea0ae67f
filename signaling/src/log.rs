//! The log on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// What `RUST_LOG` cannot undo. The STUN crates warn of every datagram that is no STUN, of which a stranger sends as many as
/// he likes, and trace keys; the WebSocket crate traces frames, with the credentials in them.
const QUIET: &[&str] = &[
    "stun_types=off",
    "stun_types::message=off",
    "turn_types=off",
    "tungstenite=debug",
    "tungstenite::protocol=debug",
];

/// Starts it: what is logged follows `RUST_LOG`, from `info` on if nothing is said.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let quiet = QUIET.iter().filter_map(|d| d.parse().ok());
    let filter = quiet.fold(filter, EnvFilter::add_directive);
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let out = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    out.with_ansi(colour).with_target(false).init();
}
