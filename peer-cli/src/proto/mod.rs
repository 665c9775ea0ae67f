//! State machines without I/O, clock, task, lock or randomness of their own: time and seeds are
//! arguments. `handle(now, input)`, `poll_output()`, `poll_timeout()`.

pub mod arrivals;
pub mod backoff;
pub mod channels;
pub mod chat;
pub mod diagnosis;
pub mod dtmf;
pub mod impair;
pub mod limiter;
pub mod lobby;
pub mod negotiation;
pub mod packet;
pub mod playout;
pub mod quantity;
mod random;
pub mod recovery;
pub mod sdp;
pub mod sending;
pub mod sound_check;
pub mod throttle;
pub mod two_tracks;
