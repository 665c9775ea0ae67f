//! What was typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use peer_cli::proto::quantity::duration;
use shared::Room;
use url::Url;

/// Opens many calls to one echoing peer and measures what comes back.
#[derive(Debug, Parser)]
#[command(name = "load")]
pub(crate) struct Options {
    /// The signaling server.
    #[arg(long, value_name = "URL")]
    pub(crate) server: Url,
    /// Where the echoing peer waits; the global room by default.
    #[arg(long, value_name = "ROOM", value_parser = room)]
    pub(crate) room: Option<Room>,
    /// How many calls.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) calls: u16,
    /// How long they are held and measured, once all of them are up.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) hold: Duration,
    /// How long after the last one came up the measuring begins.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    pub(crate) settle: Duration,
    /// Between the beginnings of two calls. A peer looks at twelve offers a second.
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    pub(crate) ramp: Duration,
    /// How long one call may take to come up.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// What is sent, again and again: a wav, flac, mp3 or Ogg Opus file.
    #[arg(long, value_name = "FILE")]
    pub(crate) sound: PathBuf,
}

fn room(text: &str) -> Result<Room, String> {
    Room::new(text).map_err(|error| error.to_string())
}
