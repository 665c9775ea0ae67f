//! Which processing a call gets: what was asked for, else what its source and sink are like.                          PURE

use std::fmt;

use crate::audio::spec::{SinkSpec, SourceSpec};

/// What the user said; nothing leaves it to the devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// Echo cancellation, `--aec` and `--no-aec`.
    pub echo: Option<bool>,
    /// Noise suppression, `--ns` and `--no-ns`.
    pub noise: Option<bool>,
    /// Gain control, `--agc` and `--no-agc`.
    pub gain: Option<bool>,
}

/// What is done; a high-pass filter goes with any of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Processing {
    /// Echo cancellation.
    pub echo: bool,
    /// Noise suppression.
    pub noise: bool,
    /// Gain control.
    pub gain: bool,
}

/// Why it is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// At least one of them was asked for, or forbidden.
    Asked,
    /// Both ends are devices: the speaker may be heard in the microphone.
    Devices,
    /// A microphone, but what is played is not heard in it.
    MicrophoneAlone,
    /// The source is no microphone.
    NoMicrophone,
}

/// What is done, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// What is done.
    pub processing: Processing,
    /// Why.
    pub because: Because,
}

impl Choice {
    /// Devices are processed, echo only where both ends are devices; files and tones are sent as they are.
    pub fn of(asked: Asked, source: &SourceSpec, sink: &SinkSpec) -> Choice {
        let (microphone, speaker) = (source.is_device(), sink.is_device());
        // Nobody can take away what is not known.
        let may_echo = *sink != SinkSpec::Off;
        let silent = *source == SourceSpec::Off;
        let processing = Processing {
            echo: !silent && may_echo && asked.echo.unwrap_or(microphone && speaker),
            noise: !silent && asked.noise.unwrap_or(microphone),
            gain: !silent && asked.gain.unwrap_or(microphone),
        };
        let because = match (asked == Asked::default(), microphone, speaker) {
            (false, ..) => Because::Asked,
            (true, true, true) => Because::Devices,
            (true, true, false) => Because::MicrophoneAlone,
            (true, false, _) => Because::NoMicrophone,
        };
        Choice {
            processing,
            because,
        }
    }
}

impl Processing {
    /// Whether anything is done at all.
    pub fn is_on(self) -> bool {
        self != Processing::default()
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Because::Asked => "as asked",
            Because::Devices => "microphone and speaker",
            Because::MicrophoneAlone => "a microphone, no speaker",
            Because::NoMicrophone => "no microphone",
        })
    }
}
