//! The commands as clap reads them; their options stand in `groups`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::groups::{
    CheckArgs, IceArgs, ImpairArgs, MessageArgs, NetworkArgs, OutputArgs, SessionArgs,
    SignalingArgs, SoundArgs, StatsArgs,
};
use super::{grammar, help};
use crate::audio::spec::{SinkSpec, SourceSpec};

/// A WebRTC peer for the terminal, for scripts and for CI
///
/// It calls, answers, sends and checks sound and messages, with another
/// peer-cli or with a browser, directly from machine to machine. The program
/// "signaling" introduces the two; both sides only need to reach it.
#[derive(Debug, Parser)]
#[command(
    name = "peer-cli",
    version,
    max_term_width = help::WIDTH,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = help::EXAMPLES,
    after_long_help = help::with_exit_codes(help::EXAMPLES)
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Offer a call to the peer that waits in ROOM
    ///
    /// Offers a call to the peer that waits in ROOM, or to the first that
    /// comes. Lines typed on stdin are sent as messages; received messages
    /// appear on stdout. Ctrl-C hangs up.
    #[command(after_long_help = help::with_exit_codes(help::CALL))]
    Call(Box<CallArgs>),
    /// Wait in ROOM and answer
    ///
    /// Waits in ROOM until somebody calls, and ends with the call unless
    /// --keep is given. Lines typed on stdin are sent as messages; received
    /// messages appear on stdout. Ctrl-C hangs up.
    #[command(after_long_help = help::with_exit_codes(help::ANSWER))]
    Answer(Box<AnswerArgs>),
    /// Two peers in one process, no server needed: the self test
    ///
    /// Two peers call each other on 127.0.0.1 inside this process: no server,
    /// no network and no sound card needed, but real UDP, ICE, DTLS and SRTP.
    /// Unless told otherwise each sends tone:440 to a null speaker, and one
    /// message. Without --expect and --duration it ends after 3s.
    #[command(after_long_help = help::with_exit_codes(help::LOOPBACK))]
    Loopback(Box<LoopbackArgs>),
    /// List microphones and speakers
    ///
    /// Lists microphones and speakers, each with the name and the #INDEX that
    /// --mic and --speaker take.
    #[command(after_long_help = help::with_exit_codes(help::DEVICES))]
    Devices(DevicesArgs),
    /// Check servers, NAT and devices, and say what to do
    ///
    /// Asks the signaling server and the STUN and TURN servers, those that it
    /// offers included; finds out what kind of NAT is in front of us; sends a
    /// datagram through each relay and back; opens microphone and speaker for
    /// a moment. One line for each on stdout, then what to do about it. It
    /// calls nobody and enters no room where somebody waits.
    ///
    /// Exit code 3: signaling is not reached. 5: UDP is blocked, or no server
    /// is reached, and no relay works. 7: a device that was named fails. 8:
    /// another thing fails that a call would miss, such as a TURN server that
    /// refuses us, or all STUN servers. The lowest of them counts. 0: the rest
    /// may have warnings.
    #[command(after_long_help = help::with_exit_codes(help::DOCTOR))]
    Doctor(Box<DoctorArgs>),
}

impl Verb {
    /// As typed.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::Answer(_) => "answer",
            Self::Loopback(_) => "loopback",
            Self::Devices(_) => "devices",
            Self::Doctor(_) => "doctor",
        }
    }
}

/// What `call` and `answer` have in common.
#[derive(Debug, Args)]
pub(super) struct ConnectArgs {
    /// Room to meet in [default: the server's one global room]
    ///
    /// At most 64 letters, digits, ".", "_" or "-".
    #[arg(value_parser = grammar::room)]
    pub(super) room: Option<String>,
    #[command(flatten)]
    pub(super) signaling: SignalingArgs,
    #[command(flatten)]
    pub(super) sound: SoundArgs,
    #[command(flatten)]
    pub(super) messages: MessageArgs,
    #[command(flatten)]
    pub(super) network: NetworkArgs,
    #[command(flatten)]
    pub(super) impair: ImpairArgs,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    #[command(flatten)]
    pub(super) checks: CheckArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    pub(super) stats: StatsArgs,
}

#[derive(Debug, Args)]
pub(super) struct CallArgs {
    #[command(flatten)]
    pub(super) connect: ConnectArgs,
    /// Whom to call, by name or id [default: who waits longest]
    ///
    /// Without it the peers that wait in the room are tried, the one that
    /// waits longest first.
    #[arg(long, value_name = "PEER", value_parser = grammar::name, help_heading = "Signaling")]
    pub(super) to: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct AnswerArgs {
    #[command(flatten)]
    pub(super) connect: ConnectArgs,
    /// Wait for the next call after one ends
    #[arg(long, help_heading = "Signaling")]
    pub(super) keep: bool,
}

#[derive(Debug, Args)]
pub(super) struct LoopbackArgs {
    #[command(flatten)]
    pub(super) sound: SoundArgs,
    #[command(flatten)]
    pub(super) messages: MessageArgs,
    #[command(flatten)]
    pub(super) impair: ImpairArgs,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    #[command(flatten)]
    pub(super) checks: CheckArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(flatten)]
    pub(super) stats: StatsArgs,
}

#[derive(Debug, Args)]
pub(super) struct DevicesArgs {
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Signaling server, or off [default: ws://127.0.0.1:8080/socket]
    ///
    /// A WebSocket URL: ws:// or wss://. Its STUN and TURN servers are checked
    /// too. [env: PEER_SERVER]
    // Read after parsing: a mistake must not make clap print a token or password in the URL.
    #[arg(
        short,
        long,
        value_name = "URL",
        env = "PEER_SERVER",
        hide_env = true,
        help_heading = "Signaling"
    )]
    pub(super) server: Option<String>,
    /// What a server that asks who you are has given you
    ///
    /// Better in the environment, where other users of this machine cannot
    /// see it. [env: PEER_TOKEN]
    #[arg(
        long,
        env = "PEER_TOKEN",
        hide_env = true,
        hide_env_values = true,
        help_heading = "Signaling"
    )]
    pub(super) token: Option<String>,
    /// Certificate authority to trust beside the system's, PEM
    ///
    /// For wss:// and turns: servers with a certificate of your own, which may
    /// be in the file itself if it is self-signed. [env: PEER_CA]
    #[arg(
        long,
        value_name = "FILE",
        env = "PEER_CA",
        hide_env = true,
        help_heading = "Signaling"
    )]
    pub(super) ca: Option<PathBuf>,
    #[command(flatten)]
    pub(super) ice: IceArgs,
    /// Use only this address of this machine (repeat)
    ///
    /// An IPv4 or IPv6 address of one of its interfaces. [env: PEER_BIND]
    #[arg(long, value_name = "IP", env = "PEER_BIND", hide_env = true, value_delimiter = ',',
          value_parser = grammar::bind, help_heading = "Network")]
    pub(super) bind: Vec<IpAddr>,
    /// How long a server may take to answer [default: 3s]
    #[arg(long, value_name = "TIME", value_parser = grammar::period, help_heading = "Network")]
    pub(super) timeout: Option<Duration>,
    /// Microphone: default, NAME, #INDEX or off
    ///
    /// One that is named must work; without any, calls send silence.
    #[arg(long, value_name = "DEVICE", help_heading = "Sound")]
    pub(super) mic: Option<SourceSpec>,
    /// Speaker: default, NAME, #INDEX or off
    ///
    /// It plays silence for a moment.
    #[arg(long, value_name = "DEVICE", help_heading = "Sound")]
    pub(super) speaker: Option<SinkSpec>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}
