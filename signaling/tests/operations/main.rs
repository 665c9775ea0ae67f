//! Running the program: its certificate, its file of options, its end, its status line, and what `deploy/` holds.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod drain;
mod file;
mod house;
mod socket;
mod tls;
