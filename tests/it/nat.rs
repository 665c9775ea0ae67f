//! Calls between NATs, and calls that live through what breaks: short forms of `cargo xtask prove nat` and `survival`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod outage;
mod pairs;
mod survival;

use std::path::PathBuf;

use lab::{Family, NatLab, Process};
use tests::program;

/// A laboratory with the signaling server in it, or nothing where none can be built; then that is said.
struct Laboratory {
    lab: NatLab,
    server: Process,
    peer: PathBuf,
}

impl Laboratory {
    fn new(test: &str, family: Family) -> Option<Self> {
        lab::may_build(&format!("nat::{test}")).then(|| {
            let lab = NatLab::new(family).unwrap();
            Self {
                server: lab.start_signaling(&program("signaling"), &[]).unwrap(),
                lab,
                peer: program("peer-cli"),
            }
        })
    }
}
