//! What was typed.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{Parser, Subcommand};
use url::Url;

use crate::dialect::Dialect;

/// Loads a WebSocket signaling server and measures what comes back
#[derive(Debug, Parser)]
#[command(name = "wsload", max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) job: Job,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Connect many clients and let them talk
    Load(Load),
    /// Serve a broadcast with nothing but the system calls that it takes, to compare others with
    Floor(Floor),
}

/// How a server is loaded.
#[derive(Debug, clap::Args)]
pub(crate) struct Load {
    /// The server
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:8080/socket")]
    pub(crate) server: Url,
    /// What it speaks
    #[arg(long, value_enum, default_value_t = Dialect::Broadcast)]
    pub(crate) dialect: Dialect,
    /// How many connections
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) connections: usize,
    /// How many of them share a room
    #[arg(long, value_name = "K", default_value_t = 2)]
    pub(crate) room: usize,
    /// How many a second are opened; 0 is as fast as it goes
    #[arg(long, value_name = "N", default_value_t = 1000.0)]
    pub(crate) storm: f64,
    /// Messages a second that each of them sends; 0 is none at all
    #[arg(long, value_name = "R", default_value_t = 0.0)]
    pub(crate) rate: f64,
    /// So many of them speak at the same moment; else each at its own
    #[arg(long, value_name = "N", default_value = "1", requires = "rate")]
    pub(crate) together: NonZeroUsize,
    /// Each sends its next message as soon as all others in its room have heard the last one
    #[arg(long, conflicts_with = "rate")]
    pub(crate) closed: bool,
    /// Bytes of a message
    #[arg(long, value_name = "BYTES", default_value_t = 200)]
    pub(crate) size: usize,
    /// How long is measured, seconds
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) hold: Duration,
    /// How long they talk before it is measured, seconds
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) warm: Duration,
    /// Measure anew for each line of standard input, until it ends; nobody speaks in between, and all stay connected
    #[arg(long, conflicts_with = "slow")]
    pub(crate) turns: bool,
    /// The server's process: its processor time and memory are looked at
    #[arg(long, value_name = "PID")]
    pub(crate) pid: Option<u32>,
    /// One member more in the first room, which says nothing and stops reading when the measuring begins
    ///
    /// And one that speaks peer.v1, to hear when the slow one has left; then the slow one reads what there is for it, to
    /// see its close code.
    #[arg(long)]
    pub(crate) slow: bool,
    /// With --slow: it reads after all, to compare with
    #[arg(long, requires = "slow")]
    pub(crate) attentive: bool,
}

/// Where the floor listens.
#[derive(Debug, clap::Args)]
pub(crate) struct Floor {
    /// One write for all that one turn has for a client, instead of one for each message
    #[arg(long)]
    pub(crate) gather: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
