//! The signaling server over loopback, with clients that know nothing but WebSocket and JSON.

mod auth;
mod backplane;
mod client;
mod closing;
mod crowd;
mod hostile;
mod house;
mod http;
mod metrics;
mod page;
mod presence;
mod proxy;
mod refusals;
mod rooms;
mod shutdown;
mod tls;
mod webhook;
