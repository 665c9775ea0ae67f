//! The options by group. First lines are `-h`, whole texts are `--help`.

mod sound;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};

use super::grammar;
use crate::checks::Check;
use crate::proto::impair::Impairment;
use crate::proto::quantity;
pub(super) use sound::{SoundArgs, VoiceArgs};

#[derive(Debug, Args)]
#[command(next_help_heading = "Signaling")]
pub(super) struct SignalingArgs {
    /// Signaling server [default: ws://127.0.0.1:8080/socket]
    ///
    /// A WebSocket URL: ws:// or wss://. Without a path it is /socket. It is
    /// reached through the proxy that HTTPS_PROXY (for ws:// http_proxy) or
    /// ALL_PROXY name, except for hosts in NO_PROXY. [env: PEER_SERVER]
    // Read after parsing: a mistake must not make clap print a token or password in the URL.
    #[arg(short, long, value_name = "URL", env = "PEER_SERVER", hide_env = true)]
    pub(super) server: Option<String>,
    /// What a server that asks who you are has given you
    ///
    /// Better in the environment, where other users of this machine cannot
    /// see it. [env: PEER_TOKEN]
    #[arg(long, env = "PEER_TOKEN", hide_env = true, hide_env_values = true)]
    pub(super) token: Option<String>,
    /// What others see [default: a short id]
    ///
    /// At most 64 letters, digits, ".", "_" or "-". The default tells nothing
    /// about you or your machine. [env: PEER_NAME]
    #[arg(long, env = "PEER_NAME", hide_env = true, value_parser = grammar::name)]
    pub(super) name: Option<String>,
    /// Certificate authority to trust beside the system's, PEM
    ///
    /// For wss:// and turns: servers with a certificate of your own, which may
    /// be in the file itself if it is self-signed. [env: PEER_CA]
    #[arg(long, value_name = "FILE", env = "PEER_CA", hide_env = true)]
    pub(super) ca: Option<PathBuf>,
    /// How many calls to hold at once [default: 1]
    ///
    /// 1 to 1000; whoever comes beyond that is told "busy". [env: PEER_PEERS]
    #[arg(long, value_name = "N", env = "PEER_PEERS", hide_env = true,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) peers: Option<u16>,
    /// Web origin that may hear a live microphone (repeat)
    ///
    /// Pages on the signaling server itself and on this machine always may.
    /// Example: https://example.org [env: PEER_ALLOW_ORIGIN]
    #[arg(long, value_name = "ORIGIN", env = "PEER_ALLOW_ORIGIN", hide_env = true,
          value_delimiter = ',', value_parser = grammar::origin)]
    pub(super) allow_origin: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub(super) struct MessageArgs {
    /// Text to send once connected (repeat)
    ///
    /// Lines of stdin are messages too, unless --mic stdin.
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) message: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct IceArgs {
    /// STUN server (repeat), or off [default: Google's]
    ///
    /// It tells each side its address on the Internet. Default:
    /// stun:stun.l.google.com:19302 and stun:stun2.l.google.com:19302; "off"
    /// also drops those that the signaling server offers. [env: PEER_STUN]
    #[arg(
        long,
        value_name = "URL",
        env = "PEER_STUN",
        hide_env = true,
        value_delimiter = ','
    )]
    pub(super) stun: Vec<String>,
    /// TURN server (repeat): turn:HOST, turns:HOST
    ///
    /// It relays where no direct path works: turn:host:3478 over UDP,
    /// turn:host?transport=tcp, or turns:host:5349 over TLS, these two through
    /// HTTPS_PROXY where it is set. Those that the signaling server offers are
    /// used as well. [env: PEER_TURN]
    #[arg(
        long,
        value_name = "URL",
        env = "PEER_TURN",
        hide_env = true,
        value_delimiter = ','
    )]
    pub(super) turn: Vec<String>,
    /// Who we are at the --turn servers
    ///
    /// The password comes from the environment: PEER_TURN_PASSWORD.
    /// [env: PEER_TURN_USER]
    #[arg(long, value_name = "USER", env = "PEER_TURN_USER", hide_env = true)]
    pub(super) turn_user: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct NetworkArgs {
    #[command(flatten)]
    pub(super) ice: IceArgs,
    /// Use relayed paths only, which hides our address
    #[arg(long, conflicts_with = "no_relay")]
    pub(super) relay_only: bool,
    /// Use direct paths only
    ///
    /// Neither --turn servers nor those that the signaling server offers.
    #[arg(long)]
    pub(super) no_relay: bool,
    /// Use only this address of this machine (repeat)
    ///
    /// An IPv4 or IPv6 address of one of its interfaces. [env: PEER_BIND]
    #[arg(long, value_name = "IP", env = "PEER_BIND", hide_env = true, value_delimiter = ',',
          value_parser = grammar::bind)]
    pub(super) bind: Vec<IpAddr>,
    /// Offer 127.0.0.1 too
    ///
    /// Implied when the signaling server's address is a loopback one and no
    /// --bind is given.
    #[arg(long)]
    pub(super) loopback: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct ImpairArgs {
    /// Make our own sending bad: loss=5%,delay=80ms,...
    ///
    /// loss=5%      mean share of lost packets
    /// burst=3      mean length of a burst of losses (default 1)
    /// delay=80ms   mean delay, at most 10s
    /// jitter=20ms  largest deviation from it; may reorder
    /// rate=64k     bit/s with headers (k = 1000), queue of 200 ms
    /// stall=300ms/6s  nothing leaves for so long, every so often
    ///
    /// Any of them, joined by commas. Needs no root.
    #[arg(long, value_name = "SPEC", verbatim_doc_comment)]
    pub(super) impair: Option<Impairment>,
    /// Which bad luck to have, repeatably [default: 1]
    #[arg(long, value_name = "N", requires = "impair")]
    pub(super) impair_seed: Option<u64>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Session")]
pub(super) struct SessionArgs {
    /// How long connecting may take [default: 30s]
    ///
    /// call: from the start to connected. answer: from an offer to connected;
    /// waiting for the offer has no limit unless this option is given.
    /// Durations are written 500ms, 30s or 5m.
    #[arg(long, value_name = "TIME", value_parser = grammar::period)]
    pub(super) timeout: Option<Duration>,
    /// Hang up after this long in the call
    #[arg(long, value_name = "TIME", value_parser = grammar::period)]
    pub(super) duration: Option<Duration>,
    /// Hang up when the source file, else stdin, ends
    ///
    /// What was read is sent first.
    #[arg(long)]
    pub(super) hangup_on_eof: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Checks")]
pub(super) struct CheckArgs {
    /// Exit 8 unless: audio, tone=HZ, direct, ... (repeat)
    ///
    /// connected      the call came about
    /// audio          200 ms of received sound above -50 dBFS
    /// tone=440       for 1s, 70 % of the energy within 5 Hz of it
    /// message=REGEX  a received message matches
    /// direct, relay  how the packets travel
    ///
    /// Without --duration the command ends once all are met, or with exit
    /// code 8 after 10s connected.
    #[arg(long, value_name = "CHECK", verbatim_doc_comment)]
    pub(super) expect: Vec<Check>,
    /// Exit 8 if connecting took longer than this, such as 2s
    #[arg(long, value_name = "TIME", value_parser = grammar::period)]
    pub(super) max_setup: Option<Duration>,
    /// Exit 8 if more packets were lost, such as 1%
    #[arg(long, value_name = "SHARE", value_parser = quantity::percentage)]
    pub(super) max_loss: Option<f64>,
    /// Exit 8 if the mean round trip is longer, such as 50ms
    #[arg(long, value_name = "TIME", value_parser = grammar::period)]
    pub(super) max_rtt: Option<Duration>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Print events as JSON, one a line, on stdout
    ///
    /// The last line is always {"event":"exit",...}.
    #[arg(long)]
    pub(super) json: bool,
    /// Say nothing but errors and results
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say more: -v candidates and decisions, -vv the log
    #[arg(short, long, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct StatsArgs {
    /// Show statistics this often (1s without TIME)
    ///
    /// People see time, level, round trip, loss, jitter and rate; --json
    /// prints W3C webrtc-stats objects. At least 100ms.
    #[arg(long, value_name = "TIME", value_parser = grammar::interval, num_args = 0..=1,
          default_missing_value = "1s")]
    pub(super) stats: Option<Duration>,
    /// Write statistics to a file, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(super) stats_file: Option<PathBuf>,
}
