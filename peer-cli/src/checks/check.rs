//! The words of `--expect`.

use std::fmt;
use std::str::FromStr;

use regex::Regex;

use crate::proto::sound_check::SoundCheck;

/// One `--expect`.
#[derive(Debug, Clone)]
pub enum Check {
    /// A call came about.
    Connected,
    /// Received sound passes this check.
    Sound(SoundCheck),
    /// A received text message matches, anywhere in it.
    Message(Regex),
    /// Packets travel from host to host.
    Direct,
    /// Packets travel through a relay.
    Relay,
}

/// What a tone may be, Hz: what people hear, as for `--mic tone:HZ`.
const TONES: std::ops::RangeInclusive<u32> = 20..=20_000;

impl Check {
    /// The check of received sound behind it.
    pub fn sound(&self) -> Option<SoundCheck> {
        match self {
            Self::Sound(check) => Some(*check),
            _ => None,
        }
    }

    /// What was got before anything was.
    pub(super) fn nothing(&self) -> &'static str {
        match self {
            Self::Connected | Self::Direct | Self::Relay => "not connected",
            Self::Sound(_) => "no sound",
            Self::Message(_) => "no message",
        }
    }

    /// Whether it stays met once it was; a path can change.
    pub(super) fn lasts(&self) -> bool {
        !matches!(self, Self::Direct | Self::Relay)
    }
}

impl FromStr for Check {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            None => match text {
                "connected" => Ok(Self::Connected),
                "audio" => Ok(Self::Sound(SoundCheck::Audio)),
                "direct" => Ok(Self::Direct),
                "relay" => Ok(Self::Relay),
                "tone" => Err("\"tone\" needs a frequency (write tone=440)".to_owned()),
                "message" => {
                    Err("\"message\" needs a regular expression (write message=hello)".to_owned())
                }
                _ => Err(unknown(text)),
            },
            Some(("tone", hz)) => match hz.parse() {
                Ok(hz) if TONES.contains(&hz) => Ok(Self::Sound(SoundCheck::Tone { hz })),
                _ => Err(format!(
                    "\"{hz}\" is not a frequency from {} to {} Hz",
                    TONES.start(),
                    TONES.end()
                )),
            },
            Some(("message", regex)) => message(regex),
            Some(_) => Err(unknown(text)),
        }
    }
}

fn message(regex: &str) -> Result<Check, String> {
    Regex::new(regex).map(Check::Message).map_err(|error| {
        // The crate draws the place over several lines; the last one has the reason.
        let error = error.to_string();
        let reason = error.lines().last().unwrap_or_default();
        let reason = reason.strip_prefix("error: ").unwrap_or(reason);
        format!("\"{regex}\" is not a regular expression: {reason}")
    })
}

fn unknown(text: &str) -> String {
    format!("\"{text}\" is not one of connected, audio, tone=HZ, message=REGEX, direct, relay")
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("connected"),
            Self::Sound(check) => check.fmt(f),
            Self::Message(regex) => write!(f, "message={regex}"),
            Self::Direct => f.write_str("direct"),
            Self::Relay => f.write_str("relay"),
        }
    }
}
