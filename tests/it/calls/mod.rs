//! Calls between peers in this process, through a real server, over loopback.

mod ending;
mod farewell;
mod forger;
mod losing;
mod meeting;
mod messages;
pub(crate) mod noise;
mod relayed;
mod sending;
mod sound;
mod surplus;
