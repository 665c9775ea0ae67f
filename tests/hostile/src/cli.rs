//! What was typed.

use std::net::SocketAddr;

use clap::Parser;

/// One of the two sides.
#[derive(Debug, Parser)]
#[command(name = "hostile")]
pub(crate) enum Side {
    /// Attacks for so long, then waits for the last endings.
    Attack {
        #[command(flatten)]
        place: Place,
        /// Seconds.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// The same seed rolls the same attacks.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Talks in rooms for so long without, and then with attackers.
    Honest {
        #[command(flatten)]
        place: Place,
        /// Seconds before the storm.
        #[arg(long, default_value_t = 5)]
        calm: u64,
        /// Seconds.
        #[arg(long, default_value_t = 20)]
        storm: u64,
    },
}

/// Where the server is, and a token that is good for every room there.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Place {
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) server: SocketAddr,
    #[arg(long)]
    pub(crate) token: String,
}
