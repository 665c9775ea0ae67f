//! The two threads that own the sound path: capture turns a source into packets, playback turns packets into sound.

mod capture;
mod clock;
mod decoder;
mod levels;
mod mailbox;
mod notice;
mod pace;
mod playback;
mod recorder;
mod standby;
#[cfg(test)]
mod tests;

use std::time::Instant;

pub use capture::{Capture, CaptureOptions, CaptureStats};
pub use clock::clock_us;
pub use levels::Levels;
pub use playback::{OutputStats, Playback, PlaybackOptions};
pub use recorder::{RecordTap, Recorder};

use crate::audio::{AudioError, DeviceKind};
use crate::proto::sound_check::SoundCheck;

/// A received stream, as the caller numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u64);

/// Somebody who gets the packets of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

/// What the sound path has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaEvent {
    /// The source began; `clock_us` is the time of its sample 0.
    CaptureStarted {
        /// Monotonic time in microseconds, comparable between processes of one machine.
        clock_us: u64,
    },
    /// The source is at its end and its last packet was handed over.
    CaptureEnded,
    /// A stream is part of what is played.
    PlaybackStarted {
        /// The stream.
        stream: StreamId,
        /// Play time of its sample 0, as above.
        clock_us: u64,
    },
    /// 200 ms of a stream were above -50 dBFS, for the first time.
    FirstSound {
        /// The stream.
        stream: StreamId,
        /// When the first of it was played.
        at: Instant,
    },
    /// A check was met.
    CheckMet {
        /// The stream.
        stream: StreamId,
        /// The check.
        check: SoundCheck,
        /// What was heard.
        got: String,
    },
    /// Everything that had come was played; the stream is gone.
    Drained {
        /// The stream.
        stream: StreamId,
    },
    /// Something that the user should know.
    Warning {
        /// For programs.
        code: &'static str,
        /// For people.
        text: String,
        /// The way out.
        hint: Option<String>,
    },
    /// A device went away in the middle.
    DeviceLost {
        /// Microphone or speaker.
        kind: DeviceKind,
        /// Its name.
        name: String,
        /// The device used instead; nothing: silence.
        now_on: Option<String>,
    },
    /// A device works again: the one that was lost, or another in its place where there was none.
    DeviceBack {
        /// Microphone or speaker.
        kind: DeviceKind,
        /// The name of the one that was asked for.
        name: String,
        /// The device used in its place; nothing: it is the one.
        now_on: Option<String>,
    },
    /// A source or sink broke; the call goes on without it.
    Failed(AudioError),
}
