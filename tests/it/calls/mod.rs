//! Calls between peers in this process, through a real server, over loopback.

mod ending;
mod forger;
mod losing;
mod meeting;
mod messages;
mod noise;
mod relayed;
mod sending;
mod sound;
mod surplus;
