//! Whatever needs more than one crate, as one program: linking many would take longer than running them.

mod browser;
mod calls;
mod doctor;
mod example;
mod layout;
mod namespace;
mod nat;
mod relay;
mod server;
mod sound_server;
mod stun;
mod tutorial;
mod web;
