//! Sources and sinks as the command line names them: `--mic tone:440`, `--speaker file:got.wav`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

#[cfg(test)]
mod tests;

/// Frequencies of tones, in Hz.
const TONES: std::ops::RangeInclusive<u32> = 20..=20_000;
/// Endings of files that can be read.
const READABLE: [&str; 5] = ["wav", "flac", "mp3", "ogg", "opus"];
/// Endings of files that can be written.
const WRITABLE: [&str; 3] = ["wav", "ogg", "opus"];
/// What a source may be.
const SOURCES: &str =
    "default, a device name, #INDEX, file:PATH[,loop], tone:HZ, silence, stdin or off";
/// What a sink may be.
const SINKS: &str = "default, a device name, #INDEX, file:PATH, null, stdout or off";

/// A word that names no source or sink.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpecError(String);

/// Where sound to be sent comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SourceSpec {
    /// The default microphone.
    #[default]
    Default,
    /// The microphone of this name.
    Name(String),
    /// The microphone of this number in `peer-cli devices`.
    Index(usize),
    /// A wav, flac, mp3 or Ogg Opus file.
    File {
        /// The file.
        path: PathBuf,
        /// Whether it starts again at its end.
        repeat: bool,
    },
    /// A sine.
    Tone {
        /// Its frequency.
        hz: u32,
    },
    /// Samples of zero.
    Silence,
    /// Raw samples on standard input: signed 16 bit little-endian, 48 kHz, mono.
    Stdin,
    /// Nothing is sent.
    Off,
}

/// Where received sound goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SinkSpec {
    /// The default speaker.
    #[default]
    Default,
    /// The speaker of this name.
    Name(String),
    /// The speaker of this number in `peer-cli devices`.
    Index(usize),
    /// A wav or Ogg Opus file.
    File(PathBuf),
    /// Decoded and forgotten.
    Null,
    /// Raw samples on standard output: signed 16 bit little-endian, 48 kHz, mono.
    Stdout,
    /// Nothing is received.
    Off,
}

impl SourceSpec {
    /// Whether it needs a sound card.
    pub fn is_device(&self) -> bool {
        matches!(
            self,
            SourceSpec::Default | SourceSpec::Name(_) | SourceSpec::Index(_)
        )
    }

    /// Whether it comes to an end by itself.
    pub fn ends(&self) -> bool {
        matches!(
            self,
            SourceSpec::File { repeat: false, .. } | SourceSpec::Stdin
        )
    }
}

impl SinkSpec {
    /// Whether it needs a sound card.
    pub fn is_device(&self) -> bool {
        matches!(
            self,
            SinkSpec::Default | SinkSpec::Name(_) | SinkSpec::Index(_)
        )
    }
}

impl FromStr for SourceSpec {
    type Err = SpecError;

    fn from_str(word: &str) -> Result<SourceSpec, SpecError> {
        match word {
            "default" => return Ok(SourceSpec::Default),
            "silence" => return Ok(SourceSpec::Silence),
            "stdin" => return Ok(SourceSpec::Stdin),
            "off" => return Ok(SourceSpec::Off),
            "" | "tone" | "file" | "null" | "stdout" => return Err(unknown(word, SOURCES)),
            _ => {}
        }
        if let Some(hz) = word.strip_prefix("tone:") {
            let hz = hz.parse().ok().filter(|hz| TONES.contains(hz));
            return hz.map(|hz| SourceSpec::Tone { hz }).ok_or_else(|| {
                let (low, high) = (TONES.start(), TONES.end());
                SpecError(format!("{word:?} is no tone: give a whole number of Hz from {low} to {high}, as in tone:440"))
            });
        }
        if let Some(file) = word.strip_prefix("file:") {
            let (path, repeat) = match file.strip_suffix(",loop") {
                Some(path) => (path, true),
                None => (file, false),
            };
            return match path {
                "" => Err(SpecError(format!(
                    "{word:?} names no file: give its path, as in file:speech.wav"
                ))),
                _ => Ok(SourceSpec::File {
                    path: path.into(),
                    repeat,
                }),
            };
        }
        match device(word, &READABLE)? {
            Device::Index(index) => Ok(SourceSpec::Index(index)),
            Device::Name(name) => Ok(SourceSpec::Name(name)),
        }
    }
}

impl FromStr for SinkSpec {
    type Err = SpecError;

    fn from_str(word: &str) -> Result<SinkSpec, SpecError> {
        match word {
            "default" => return Ok(SinkSpec::Default),
            "null" => return Ok(SinkSpec::Null),
            "stdout" => return Ok(SinkSpec::Stdout),
            "off" => return Ok(SinkSpec::Off),
            "" | "file" | "silence" | "stdin" | "tone" => return Err(unknown(word, SINKS)),
            tone if tone.starts_with("tone:") => return Err(unknown(word, SINKS)),
            _ => {}
        }
        if let Some(path) = word.strip_prefix("file:") {
            return match ending(path) {
                Some(ending) if WRITABLE.contains(&ending.as_str()) => {
                    Ok(SinkSpec::File(path.into()))
                }
                _ => Err(SpecError(format!(
                    "{word:?} cannot be written: its name must end in .wav, .ogg or .opus"
                ))),
            };
        }
        match device(word, &WRITABLE)? {
            Device::Index(index) => Ok(SinkSpec::Index(index)),
            Device::Name(name) => Ok(SinkSpec::Name(name)),
        }
    }
}

enum Device {
    Index(usize),
    Name(String),
}

fn device(word: &str, endings: &[&str]) -> Result<Device, SpecError> {
    if let Some(index) = word.strip_prefix('#') {
        return index.parse().map(Device::Index).map_err(|_| {
            SpecError(format!("{word:?} is no device number: give # and a number, as in #0 (see \"peer-cli devices\")"))
        });
    }
    // No device is called like a sound file, but a newcomer may well leave out the prefix.
    if ending(word).is_some_and(|ending| endings.contains(&ending.as_str())) {
        return Err(SpecError(format!(
            "{word:?} looks like a file: write file:{word}"
        )));
    }
    Ok(Device::Name(word.to_owned()))
}

fn ending(path: &str) -> Option<String> {
    let (stem, ending) = path.rsplit_once('.')?;
    (!stem.is_empty()).then(|| ending.to_ascii_lowercase())
}

fn unknown(word: &str, allowed: &str) -> SpecError {
    SpecError(format!("{word:?} is not possible here: give {allowed}"))
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceSpec::Default => f.write_str("default"),
            SourceSpec::Name(name) => f.write_str(name),
            SourceSpec::Index(index) => write!(f, "#{index}"),
            SourceSpec::File { path, repeat } => {
                write!(
                    f,
                    "file:{}{}",
                    path.display(),
                    if *repeat { ",loop" } else { "" }
                )
            }
            SourceSpec::Tone { hz } => write!(f, "tone:{hz}"),
            SourceSpec::Silence => f.write_str("silence"),
            SourceSpec::Stdin => f.write_str("stdin"),
            SourceSpec::Off => f.write_str("off"),
        }
    }
}

impl fmt::Display for SinkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SinkSpec::Default => f.write_str("default"),
            SinkSpec::Name(name) => f.write_str(name),
            SinkSpec::Index(index) => write!(f, "#{index}"),
            SinkSpec::File(path) => write!(f, "file:{}", path.display()),
            SinkSpec::Null => f.write_str("null"),
            SinkSpec::Stdout => f.write_str("stdout"),
            SinkSpec::Off => f.write_str("off"),
        }
    }
}
