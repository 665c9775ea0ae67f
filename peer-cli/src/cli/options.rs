//! What the commands are told to do, typed and consistent.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::audio::spec::{SinkSpec, SourceSpec};
use crate::checks::ChecksOptions;
use crate::proto::channels::Channels;
use crate::proto::dtmf::Script;
use crate::proto::impair::Impairment;
use crate::proto::packet::Codec;
use crate::proto::playout::JitterBounds;
use crate::proto::sending::Wanted;
use crate::rtc::{RelayPolicy, StunServer, TurnServer};
use crate::voice::Asked;

/// How long connecting may take unless `--timeout` says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// What to run.
#[derive(Debug)]
pub enum Command {
    /// Offer a call.
    Call(Box<CallOptions>),
    /// Wait for calls.
    Answer(Box<CallOptions>),
    /// Two peers in this process.
    Loopback(Box<LoopbackOptions>),
    /// List sound devices.
    Devices(DevicesOptions),
    /// Look for what keeps calls from working.
    Doctor(Box<DoctorOptions>),
}

impl Command {
    /// The output options, which every command has.
    pub fn output(&self) -> &OutputOptions {
        match self {
            Self::Call(options) | Self::Answer(options) => &options.output,
            Self::Loopback(options) => &options.output,
            Self::Devices(options) => &options.output,
            Self::Doctor(options) => &options.output,
        }
    }
}

/// `call` and `answer`.
#[derive(Debug)]
#[allow(missing_docs, reason = "one field for each group of --help")]
pub struct CallOptions {
    pub signaling: SignalingOptions,
    pub sound: SoundOptions,
    pub messages: MessageOptions,
    pub network: NetworkOptions,
    pub session: SessionOptions,
    pub checks: ChecksOptions,
    pub output: OutputOptions,
}

/// `loopback`: no server, STUN off, 127.0.0.1 alone.
#[derive(Debug)]
#[allow(missing_docs, reason = "one field for each group of --help")]
pub struct LoopbackOptions {
    pub sound: SoundOptions,
    pub messages: MessageOptions,
    pub network: NetworkOptions,
    pub session: SessionOptions,
    pub checks: ChecksOptions,
    pub output: OutputOptions,
}

/// `devices`.
#[derive(Debug)]
pub struct DevicesOptions {
    /// How to print the list.
    pub output: OutputOptions,
}

/// `doctor`.
#[derive(Debug)]
pub struct DoctorOptions {
    /// The signaling server; none to leave it out.
    pub server: Option<Url>,
    /// An authority to trust beside the system's.
    pub ca: Option<PathBuf>,
    /// STUN servers.
    pub stun: Stun,
    /// TURN servers.
    pub turn: Vec<TurnServer>,
    /// Use only these addresses; empty is all.
    pub bind: Vec<IpAddr>,
    /// A device, or off.
    pub mic: SourceSpec,
    /// A device, or off.
    pub speaker: SinkSpec,
    /// How long a server may take for one answer.
    pub patience: Duration,
    /// How to print what is found.
    pub output: OutputOptions,
}

/// Whom to meet, and where.
#[derive(Debug, Clone)]
pub struct SignalingOptions {
    /// The server, without the room; may hold a token in its query: show [`Self::shown_server`] instead.
    pub server: Url,
    /// ROOM, or the room in the server's URL; none is the global room.
    pub room: Option<String>,
    /// What others see; none is the short id.
    pub name: Option<String>,
    /// An authority to trust beside the system's, for this server and for TURN over TLS.
    pub ca: Option<PathBuf>,
    /// Whom to call, by name or id; only of `call`.
    pub to: Option<String>,
    /// How many calls to hold at once, at least 1.
    pub peers: usize,
    /// Wait for the next call after one ends; only of `answer`.
    pub keep: bool,
    /// Web origins that may hear a live microphone, normalised: `https://example.org`.
    pub allow_origin: Vec<String>,
}

impl SignalingOptions {
    /// Where to connect: the server with `?room=`.
    pub fn url(&self) -> Url {
        let mut url = self.server.clone();
        if let Some(room) = &self.room {
            url.query_pairs_mut().append_pair("room", room);
        }
        url
    }

    /// The server for people and logs: without its query, which may hold a secret.
    pub fn shown_server(&self) -> String {
        let mut url = self.server.clone();
        url.set_query(None);
        url.into()
    }
}

/// What to send and where to play.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundOptions {
    /// What to send; `off` with `--echo`.
    pub mic: SourceSpec,
    /// Where to play.
    pub speaker: SinkSpec,
    /// Send back what arrives.
    pub echo: bool,
    /// Where to record both sides.
    pub record: Option<PathBuf>,
    /// Sound in one packet, ms: 10, 20, 40 or 60.
    pub ptime_ms: u32,
    /// Opus bit rate, bit/s.
    pub bitrate: u32,
    /// In-band forward error correction.
    pub fec: bool,
    /// Voice processing, as far as something was said about it.
    pub processing: Asked,
    /// Leave silence out.
    pub dtx: bool,
    /// What is offered and accepted, the best first; at least one.
    pub codecs: Vec<Codec>,
    /// How many channels are sent and played.
    pub channels: Channels,
    /// Digits to send once connected.
    pub dtmf: Option<Script>,
    /// The delay that evens out jitter.
    pub jitter: JitterBounds,
}

impl SoundOptions {
    /// What is to be sent if the network allows.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            bitrate: self.bitrate,
            ptime_ms: self.ptime_ms,
            ..Wanted::default()
        }
    }

    /// Whether a call has sound at all: offers carry audio unless both ends are off.
    pub fn has_audio(&self) -> bool {
        self.echo || self.mic != SourceSpec::Off || self.speaker != SinkSpec::Off
    }
}

/// What to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageOptions {
    /// Sent once the channel opens, in this order.
    pub texts: Vec<String>,
    /// Lines of stdin are messages: not with `--mic stdin`, not in loopback.
    pub stdin: bool,
}

/// Paths and their quality.
#[derive(Debug, Clone)]
pub struct NetworkOptions {
    /// Where to learn our address on the Internet.
    pub stun: Stun,
    /// Servers that relay.
    pub turn: Vec<TurnServer>,
    /// Whether to use relays, the signaling server's too.
    pub relay: RelayPolicy,
    /// Use only these addresses; empty is all.
    pub bind: Vec<IpAddr>,
    /// Offer loopback candidates, asked for or implied.
    pub loopback: bool,
    /// What to do to our own datagrams.
    pub impair: Option<Impairment>,
    /// The seed of `impair`.
    pub impair_seed: u64,
}

/// STUN servers.
#[derive(Debug, Clone)]
pub enum Stun {
    /// None at all, also not those of the signaling server.
    Off,
    /// These, together with those of the signaling server.
    Servers(Vec<StunServer>),
}

/// How long, and when to hang up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOptions {
    /// `--timeout`, if it was given.
    pub timeout: Option<Duration>,
    /// Hang up after this long in the call.
    pub duration: Option<Duration>,
    /// What `--hangup-on-eof` waits for.
    pub hang_up: HangUp,
}

impl SessionOptions {
    /// From the start (`call`) or an offer (`answer`) to connected.
    pub fn connect_limit(&self) -> Duration {
        self.timeout.unwrap_or(CONNECT_TIMEOUT)
    }

    /// How long `answer` waits for an offer; no limit unless one was given.
    pub fn wait_limit(&self) -> Option<Duration> {
        self.timeout
    }
}

/// Whose end hangs up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HangUp {
    /// Nobody's.
    Never,
    /// That of the sound source, which is a file or stdin.
    SourceEnds,
    /// That of the lines on stdin.
    InputEnds,
}

/// How to print.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputOptions {
    /// Events as JSON lines instead of words.
    pub json: bool,
    /// Nothing but errors and results.
    pub quiet: bool,
    /// How many `-v`: 0, 1 or 2.
    pub verbosity: u8,
    /// How often to take statistics; none is never.
    pub stats_every: Option<Duration>,
    /// Print them, and not only to `stats_file`.
    pub stats_shown: bool,
    /// Where to write them as JSON lines.
    pub stats_file: Option<PathBuf>,
    /// Stdout carries sound, so that messages go to stderr.
    pub stdout_is_sound: bool,
    /// Only relays are used: a relayed path is then what was asked for.
    pub relay_only: bool,
}
