//! What can go wrong with sound, sorted by what the user has to do about it.

use std::fmt;
use std::path::PathBuf;

use super::DeviceKind;

/// An error of a source, a sink or a device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// There is no such thing that works on this machine, and nobody asked for a certain one.
    #[error("no {kind}: {reason}")]
    NoDevice {
        /// What is missing.
        kind: DeviceKind,
        /// Why.
        reason: String,
    },
    /// The device asked for is missing, busy, denied or broken.
    #[error("{kind} {name:?}: {reason}{}", List(.devices))]
    Device {
        /// Microphone or speaker.
        kind: DeviceKind,
        /// The name or `#INDEX` asked for.
        name: String,
        /// What is wrong with it.
        reason: String,
        /// What there is instead.
        devices: Vec<String>,
    },
    /// Nothing can be said about the device asked for: the sound system does not answer.
    #[error("{kind} {name:?}: {reason}")]
    Unanswered {
        /// Microphone or speaker.
        kind: DeviceKind,
        /// The name or `#INDEX` asked for.
        name: String,
        /// What is wrong with the sound system.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Anything else: a pipe, a codec, a thread.
    #[error("{what}: {reason}")]
    Sound {
        /// The part that failed.
        what: String,
        /// Why.
        reason: String,
    },
}

/// What an error means for the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Go on without: send silence, play nothing.
    NoDevice,
    /// A named device cannot be used.
    Device,
    /// A file cannot be used.
    File,
    /// Not the user's fault.
    Internal,
}

impl AudioError {
    /// What the error means for the program.
    pub fn class(&self) -> ErrorClass {
        match self {
            AudioError::NoDevice { .. } => ErrorClass::NoDevice,
            AudioError::Device { .. } | AudioError::Unanswered { .. } => ErrorClass::Device,
            AudioError::File { .. } => ErrorClass::File,
            AudioError::Sound { .. } => ErrorClass::Internal,
        }
    }

    /// Whether a device of this kind is what failed.
    pub(crate) fn is_of(&self, wanted: DeviceKind) -> bool {
        match self {
            AudioError::NoDevice { kind, .. }
            | AudioError::Device { kind, .. }
            | AudioError::Unanswered { kind, .. } => *kind == wanted,
            AudioError::File { .. } | AudioError::Sound { .. } => false,
        }
    }

    pub(crate) fn sound(what: &str, reason: impl fmt::Display) -> AudioError {
        AudioError::Sound {
            what: what.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// The devices that there are, as the end of a sentence.
struct List<'a>(&'a [String]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("; there are none here");
        }
        for (at, name) in self.0.iter().enumerate() {
            f.write_str(if at == 0 { "; there are: " } else { ", " })?;
            write!(f, "#{at} {name:?}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_and_what_else() {
        let devices = vec!["USB".to_owned(), "HDMI".to_owned()];
        let name = "Desk".to_owned();
        let reason = "not found".to_owned();
        let error = AudioError::Device {
            kind: DeviceKind::Output,
            name,
            reason,
            devices,
        };
        assert_eq!(
            error.to_string(),
            r##"speaker "Desk": not found; there are: #0 "USB", #1 "HDMI""##
        );
        assert_eq!(error.class(), ErrorClass::Device);
        let reason = "none found".to_owned();
        let none = AudioError::NoDevice {
            kind: DeviceKind::Input,
            reason,
        };
        assert_eq!(
            (none.to_string().as_str(), none.class()),
            ("no microphone: none found", ErrorClass::NoDevice)
        );
        let file = AudioError::File {
            path: "a.wav".into(),
            reason: "no such file".to_owned(),
        };
        assert_eq!(
            (file.to_string().as_str(), file.class()),
            ("a.wav: no such file", ErrorClass::File)
        );
        let sound = AudioError::sound("opus", "bad argument");
        assert_eq!(
            (sound.to_string().as_str(), sound.class()),
            ("opus: bad argument", ErrorClass::Internal)
        );
    }
}
