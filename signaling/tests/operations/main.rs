//! Running the program: its certificate, its file of options, its end, its status line, and what `deploy/` holds.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod acme;
mod deploy;
mod drain;
mod file;
mod house;
mod proxy;
mod socket;
mod status;
mod tls;

/// Says past the test harness what was not tried, and why.
fn skipped(test: &str, why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "SKIPPED operations::{test}: {why}");
}
