//! What a command hands to its calls, and what it gets back.

use std::time::{Duration, Instant};

use shared::Role;
use tokio::sync::{mpsc, watch};

use super::console::Console;
use super::emitter::Emitter;
use super::examiner::Examinee;
use crate::cli::{MessageOptions, SessionOptions, SoundOptions};
use crate::exit::Exit;
use crate::rtc::PeerOptions;
use crate::signal::Signal;

/// What a command wants of its calls.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the options are those of the command line")]
pub struct Plan {
    pub role: Role,
    pub room: Option<String>,
    pub to: Option<String>,
    pub peers: usize,
    pub keep: bool,
    pub allow_origin: Vec<String>,
    /// The web origin of the signaling server itself; its pages are trusted.
    pub server_origin: Option<String>,
    /// Where the time until `welcome` counts as set-up: the process start of a caller.
    pub signaling_since: Option<Instant>,
    pub sound: SoundOptions,
    pub messages: MessageOptions,
    pub session: SessionOptions,
    pub rtc: PeerOptions,
    /// STUN servers that the signaling server names are used as well.
    pub stun_wanted: bool,
    pub stats_every: Option<Duration>,
}

/// What a command is connected to.
#[derive(Debug)]
pub struct Lines {
    /// Signaling.
    pub signal: Signal,
    /// The printer.
    pub emit: Emitter,
    /// The expectations.
    pub examinee: Examinee,
    /// Becomes the reason to end when somebody wants it: Ctrl-C.
    pub stop: watch::Receiver<Option<Exit>>,
    /// Lines to send as messages; closes at the end of input.
    pub input: Option<mpsc::Receiver<String>>,
    /// Somebody who looks and has keys.
    pub console: Option<Console>,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why, as an exit code.
    pub exit: Exit,
    /// Why, in words.
    pub reason: String,
}

impl Outcome {
    pub(super) fn new(exit: Exit, reason: impl Into<String>) -> Self {
        Self {
            exit,
            reason: reason.into(),
        }
    }
}
