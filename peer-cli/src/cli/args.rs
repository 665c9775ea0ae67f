//! The commands as clap reads them; their options stand in `groups`.

use clap::{Args, Parser, Subcommand};

use super::groups::{
    CheckArgs, ImpairArgs, MessageArgs, NetworkArgs, OutputArgs, SessionArgs, SignalingArgs,
    SoundArgs, StatsArgs,
};
use super::{grammar, help};

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
}

impl Verb {
    /// As typed.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::Answer(_) => "answer",
            Self::Loopback(_) => "loopback",
            Self::Devices(_) => "devices",
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
