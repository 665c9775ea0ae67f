//! The embedded STUN and TURN server, and relays elsewhere, with credentials from a real `welcome`.

mod client;
mod coturn;
mod crate_client;
mod crowd;
mod handed_out;
mod line;
mod refusals;
mod relaying;
mod renewed;
