//! Arguments -> [`ServerOptions`].

// The comments on the fields are the help text, where an address is no link and brackets are IPv6.
#![allow(rustdoc::bare_urls, rustdoc::broken_intra_doc_links)]

use std::ffi::OsString;
use std::net::SocketAddr;

use clap::builder::BoolishValueParser;
use clap::error::ErrorKind;
use clap::{Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::log::Format;
use crate::{Limits, RelayOptions, ServerOptions, Tls};

mod auth;
mod backplane;
mod complaint;
mod door;
mod environment;
mod file;
mod grammar;
mod origin;
mod refused;
mod relay;
mod running;

use auth::AuthArguments;
pub use auth::{AUTH_SECRET, TOKEN_SECRET, TokenArguments};
use backplane::BackplaneArguments;
use door::DoorArguments;
pub use environment::Secrets;
use grammar::{address, log_format, rate, size, size_rate};
pub use refused::Refused;
use relay::RelayArguments;
use running::{RunArguments, TlsArguments};

/// Where the secret of TURN credentials is read: never from an argument, which every user of a machine can see.
pub const TURN_SECRET: &str = "SIGNALING_TURN_SECRET";

/// Introduces WebRTC peers to each other: a WebSocket signaling server
///
/// Every text frame that a client sends to /socket goes to the other clients of its room; clients that speak the
/// subprotocol peer.v1 get names, presence and direct messages on top. Sound and data pass through it only
/// if it is to --relay, and even then only the peers can read them.
#[derive(Debug, Parser)]
#[command(name = "signaling", version, max_term_width = 79)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
#[command(after_help = "Then, in two more terminals: peer-cli answer · peer-cli call")]
#[command(after_long_help = AFTER)]
pub struct Arguments {
    /// Something else than to serve.
    #[command(subcommand)]
    pub errand: Option<Errand>,

    /// Address and port to listen on; port 0 picks a free one
    ///
    /// The default is for this machine alone. 0.0.0.0:8080 or [::]:8080 listens on every address, and every URL to use is
    /// printed.
    #[arg(long, value_name = "ADDR:PORT", env = "SIGNALING_LISTEN")]
    #[arg(default_value = "127.0.0.1:8080", hide_env_values = true, value_parser = address)]
    pub listen: SocketAddr,

    /// Print events for scripts on stdout, one JSON object a line
    #[arg(long)]
    pub json: bool,

    /// How the log on stderr is written: text or json
    ///
    /// What is logged follows RUST_LOG, as in RUST_LOG=debug. No log holds a token, a password or what peers say to each other.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = log_format)]
    #[arg(env = "SIGNALING_LOG", hide_env = true)]
    pub log: Format,

    /// Serve no page to browsers
    ///
    /// Without it, whoever opens this server in a browser gets a page that calls, answers and writes to every peer here.
    #[arg(long, env = "SIGNALING_NO_PAGE", hide_env = true)]
    #[arg(value_parser = BoolishValueParser::new())]
    pub no_page: bool,

    #[command(flatten)]
    auth: AuthArguments,

    #[command(flatten)]
    tls: TlsArguments,

    #[command(flatten)]
    relay: RelayArguments,

    #[command(flatten)]
    backplane: BackplaneArguments,

    #[command(flatten)]
    bounds: Bounds,

    #[command(flatten)]
    door: DoorArguments,

    #[command(flatten)]
    run: RunArguments,
}

/// What is not serving.
#[derive(Debug, Subcommand)]
pub enum Errand {
    /// Print a token for --auth token, signed with SIGNALING_TOKEN_SECRET
    #[command(max_term_width = 79)]
    Token(TokenArguments),
}

/// The limits, for `--help` in one group.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits (0 = none)")]
struct Bounds {
    /// Connections at once
    #[arg(long, value_name = "N", default_value = "10000")]
    #[arg(env = "SIGNALING_MAX_CONNECTIONS", hide_env = true)]
    max_connections: usize,

    /// The same from one address; loopback is exempt
    #[arg(long, value_name = "N", default_value = "256")]
    #[arg(env = "SIGNALING_MAX_CONNECTIONS_PER_IP", hide_env = true)]
    max_connections_per_ip: usize,

    /// Rooms with somebody in them
    #[arg(long, value_name = "N", default_value = "10000")]
    #[arg(env = "SIGNALING_MAX_ROOMS", hide_env = true)]
    max_rooms: usize,

    /// Members of one room
    #[arg(long, value_name = "N", default_value = "256")]
    #[arg(env = "SIGNALING_MAX_ROOM", hide_env = true)]
    max_room: usize,

    /// Bytes of one message, at most 16M
    ///
    /// 0 is as much: space is made for a message before it comes.
    #[arg(long, value_name = "SIZE", default_value = "64k", value_parser = size)]
    #[arg(env = "SIGNALING_MAX_FRAME", hide_env = true)]
    max_frame: usize,

    /// Messages a second from one client; four times as many at once
    ///
    /// In a room of more than 17 one to everybody counts as one for each 16 others.
    #[arg(long, value_name = "N/s", default_value = "100/s", value_parser = rate)]
    #[arg(env = "SIGNALING_MAX_RATE", hide_env = true)]
    max_rate: u32,

    /// Bytes that may wait for one client before it is closed as too slow
    #[arg(long, value_name = "SIZE", default_value = "1M", value_parser = size)]
    #[arg(env = "SIGNALING_MAX_QUEUE", hide_env = true)]
    max_queue: usize,

    /// Relayed addresses at once
    #[arg(long, value_name = "N", default_value = "1000")]
    #[arg(env = "SIGNALING_MAX_ALLOCATIONS", hide_env = true)]
    max_allocations: usize,

    /// The same of one peer
    #[arg(long, value_name = "N", default_value = "8")]
    #[arg(env = "SIGNALING_MAX_ALLOCATIONS_PER_PEER", hide_env = true)]
    max_allocations_per_peer: usize,

    /// Bytes a second through one relayed address, each way
    #[arg(long, value_name = "SIZE/s", default_value = "4M/s", value_parser = size_rate)]
    #[arg(env = "SIGNALING_MAX_RELAY_RATE", hide_env = true)]
    max_relay_rate: u32,
}

const AFTER: &str = "\
Every option but --json can be set in the environment: SIGNALING_ and its name in capitals, as in \
SIGNALING_MAX_ROOM; lists are separated by commas, SIGNALING_RELAY=on is --relay, and what is set to nothing is not \
set. What is logged on stderr follows RUST_LOG (default: info).

Exit codes: 0 stopped by SIGINT or SIGTERM, 1 internal error, 2 usage or configuration.

Then, in two more terminals: peer-cli answer, and peer-cli call.";

impl Arguments {
    /// What is typed, before the environment, before the file of `--config`, before the defaults.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read(line: impl IntoIterator<Item = OsString>) -> Result<Self, Refused> {
        let line: Vec<OsString> = line.into_iter().collect();
        let command = environment::without_empty(Self::command());
        let format = || refused::format(&command, &line);
        let usage = |why| Refused::usage(why, format());
        let arguments = Self::parse(command.clone(), &line).map_err(usage)?;
        let file = arguments.run.config.as_ref();
        let Some(file) = file.filter(|_| arguments.errand.is_none()) else {
            return Ok(arguments);
        };
        let with_file = file::with_defaults(command.clone(), file)
            .map_err(|why| Refused::Configuration(why, format()))?;
        Self::parse(with_file, &line).map_err(usage)
    }

    fn parse(mut command: Command, line: &[OsString]) -> Result<Self, clap::Error> {
        let matches = command.try_get_matches_from_mut(line)?;
        let read = Self::from_arg_matches(&matches).map_err(|why| why.format(&mut command))?;
        if read.backplane.is_shown(&matches) {
            let why = format!(
                "--backplane: every user can read a password that is typed: {}",
                backplane::INSTEAD
            );
            return Err(command.error(ErrorKind::ValueValidation, why));
        }
        Ok(read)
    }

    /// How many threads are to serve.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.run.threads(self.tls.is_asked_for())
    }

    /// Whether a line on the terminal may say how the server does.
    #[must_use]
    pub fn status(&self) -> bool {
        self.log == Format::Text && !self.run.no_status
    }

    /// The certificate of this server, if it is to speak TLS.
    ///
    /// # Errors
    /// What is wrong with its files.
    pub fn tls(&self) -> anyhow::Result<Option<Tls>> {
        self.tls.tls()
    }

    /// What the server needs of them.
    ///
    /// # Errors
    /// When `--turn-url` or `--auth token` stands without the secret that it needs, `--backplane` is none, or limits do not go
    /// together.
    pub fn server_options(&self, secrets: Secrets) -> anyhow::Result<ServerOptions> {
        let mut options = ServerOptions {
            auth: self.auth.auth(secrets.token, secrets.service)?,
            turn_urls: self.relay.turn_urls(secrets.turn.is_some())?,
            turn_secret: secrets.turn,
            backplane: self.backplane.backplane()?,
            ..self.plain_options()
        };
        self.door.apply(&mut options)?;
        Ok(options)
    }

    /// What to warn of: secrets that were given and that nobody asks for, and trust in everybody.
    #[must_use]
    pub fn warnings(&self, secrets: &Secrets) -> Vec<&'static str> {
        let mut warnings = self.auth.unused(secrets);
        warnings.extend(self.door.too_trusting());
        if secrets.turn.is_some() && !self.relay.is_told() {
            warnings.push(
                "SIGNALING_TURN_SECRET is set, but there is no relay: that takes --relay or --turn-url",
            );
        }
        warnings
    }

    /// Where who asks how the server is finds it, if not with everybody else.
    #[must_use]
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.door.metrics
    }

    /// What the embedded relay needs, if there is to be one.
    ///
    /// # Errors
    /// When `--relay-ip` names two addresses of one family, or one that nobody can reach.
    pub fn relay_options(&self) -> anyhow::Result<Option<RelayOptions>> {
        let options = self.relay.options(self.listen)?;
        Ok(options.map(|options| RelayOptions {
            max_allocations: self.bounds.max_allocations,
            max_allocations_per_user: self.bounds.max_allocations_per_peer,
            max_rate: self.bounds.max_relay_rate,
            ..options
        }))
    }

    fn plain_options(&self) -> ServerOptions {
        let bounds = &self.bounds;
        ServerOptions {
            limits: Limits {
                max_connections: bounds.max_connections,
                max_connections_per_ip: bounds.max_connections_per_ip,
                max_rooms: bounds.max_rooms,
                max_room: bounds.max_room,
                max_frame: bounds.max_frame,
                max_rate: bounds.max_rate,
                max_queue: bounds.max_queue,
                ..Limits::default()
            },
            origins: self.auth.origin.clone(),
            page: !self.no_page,
            drain: self.run.drain,
            ..ServerOptions::default()
        }
    }
}

#[cfg(test)]
mod tests;
