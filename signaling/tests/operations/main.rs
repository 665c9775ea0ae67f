//! The program as a user or a script starts it: where it listens, its certificate, its file of options, its log, its relay, its
//! end, its status line, and what `deploy/` holds.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod acme;
mod deploy;
mod descriptors;
mod drain;
mod environment;
mod file;
mod house;
mod log;
mod proxy;
mod relay;
mod secrets;
mod signals;
mod socket;
mod start;
mod status;
mod tls;
mod webhook;

/// Says past the test harness what was not tried, and why.
fn skipped(test: &str, why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "SKIPPED operations::{test}: {why}");
}
