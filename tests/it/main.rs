//! Whatever needs more than one crate, as one program: linking many would take longer than running them.

mod layout;
mod server;
mod stun;
