//! The log on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Starts it: what is logged follows `RUST_LOG`, from `info` on if nothing is said.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // They warn of every datagram that is no STUN, which a stranger sends as many as he likes, and trace keys.
    let quiet = [
        "stun_types=off",
        "stun_types::message=off",
        "turn_types=off",
    ];
    let quiet = quiet.into_iter().filter_map(|d| d.parse().ok());
    let filter = quiet.fold(filter, EnvFilter::add_directive);
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let out = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    out.with_ansi(colour).with_target(false).init();
}
