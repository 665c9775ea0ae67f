//! `peer-cli` as users and scripts start it: exit codes, events, words, help, and what the sound is like that arrives.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod card;
mod console;
mod doctor;
mod ends;
mod events;
mod expectations;
mod files;
mod gate;
mod help;
mod house;
mod impaired;
mod interrupts;
mod lost;
mod mistakes;
mod nobody;
mod peer;
mod people;
mod recording;
mod schema;
mod secrets;
mod secure;
mod speech;
mod stereo;
mod streams;
mod voice;
mod wave;

/// Says by name what could not be tried here; the test harness does not swallow it.
fn skipped(what: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}");
}
