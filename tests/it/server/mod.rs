//! The signaling server over loopback, with clients that know nothing but WebSocket and JSON.

mod client;
mod closing;
mod crowd;
mod hostile;
mod house;
mod http;
mod presence;
mod rooms;
mod shutdown;
