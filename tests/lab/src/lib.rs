//! Laboratories: networks of namespaces with NATs, servers and bad cables in them, and the programs that run there.
//!
//! Nothing here needs more than Rust to build; what a laboratory is made of (`ip`, `nft`, `turnserver`) is started as a process.
//! Everything is held by processes of ours and is gone when its owner is dropped, also by a panic, and when this process is
//! killed. Any number of laboratories stand side by side: their namespaces have no names.

mod acoustics;
mod authority;
mod browser;
mod cable;
mod chatter;
pub mod cluster;
pub mod compare;
mod conversation;
mod coturn;
mod fourier;
mod lan;
mod letters;
mod line;
mod namespace;
mod nat;
mod nat_lab;
mod nats_server;
mod process;
mod record;
mod scratch;
mod shell;
#[cfg(unix)]
mod sound_server;
mod talk;
mod tone;
pub mod wav;

use std::io::Write;

pub use acoustics::{Inside, Room};
pub use authority::Authority;
pub use browser::{Browser, BrowserKind, BrowserOptions, Microphone, Page, Place};
pub use cable::Cable;
pub use chatter::Chatter;
pub use cluster::Cluster;
pub use conversation::{Conversation, Report};
pub use coturn::{Coturn, CoturnOptions};
pub use fourier::best_shift;
pub use lan::Lan;
pub use letters::{Delivery, Letter};
pub use line::Line;
pub use namespace::Namespace;
pub use nat::Nat;
pub use nat_lab::{Family, NatLab, Side};
pub use nats_server::NatsServer;
pub use process::{Event, Process};
pub use scratch::Scratch;
#[cfg(unix)]
pub use sound_server::{Channel, Device, Ear, Echo, Heard, SoundServer, Voice};
pub use talk::{First, Outcome, Servers, Talk};
pub use tone::Presence;
pub use wav::Sound;

/// Whether laboratories can be built here, which wants root; if not, that is said past the test harness, by the test's name.
///
/// Whatever else is missing is no reason to skip a test: it fails then.
#[must_use]
pub fn may_build(test: &str) -> bool {
    let why = match Namespace::new() {
        Ok(_) => return true,
        Err(why) => why,
    };
    skipped(test, &format!("needs root ({why:#})"));
    false
}

/// Says that a test cannot run here, and why: past the test harness, which swallows what is printed.
pub fn skipped(test: &str, why: &str) {
    let line = format!("SKIPPED {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).ok();
}
