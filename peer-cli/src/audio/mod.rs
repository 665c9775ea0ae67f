//! Where sound comes from and goes to: devices, files, tones, pipes. Everything is 48 kHz here, in one channel or two,
//! whose samples come by turns; sources and sinks convert.

#[cfg(feature = "devices")]
mod device;
#[cfg(not(feature = "devices"))]
#[path = "device_none.rs"]
mod device;
mod error;
mod file;
mod lookout;
mod pipe;
mod resample;
pub mod spec;
mod tone;

use std::fmt;
use std::path::Path;
use std::time::Duration;

pub use error::{AudioError, ErrorClass};
pub use file::Recording;
pub use lookout::{Lookout, Sighting};
use serde::Serialize;
use spec::{SinkSpec, SourceSpec};

use crate::proto::channels::Channels;

/// Samples per second of all sound inside the program.
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples of each channel in the 10 ms that sinks take at a time.
pub const FRAME: usize = 480;

/// Which way a device works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// A microphone.
    Input,
    /// A speaker.
    Output,
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DeviceKind::Input => "microphone",
            DeviceKind::Output => "speaker",
        })
    }
}

/// One microphone or speaker of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// Its number among those of its kind: `#INDEX`.
    pub index: usize,
    /// Its name, as `--mic` and `--speaker` take it.
    pub name: String,
    /// Microphone or speaker.
    pub kind: DeviceKind,
    /// Whether `default` means this one.
    pub default: bool,
    /// Preferred rate in Hz; 0 if unknown.
    pub rate: u32,
    /// Preferred number of channels; 0 if unknown.
    pub channels: u16,
}

/// A device in use, so that it is recognised when it comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceName {
    /// The system's own name for it.
    pub id: String,
    /// What people call it.
    pub title: String,
}

/// All microphones and speakers; none where there is no sound system.
pub fn devices() -> Result<Vec<DeviceInfo>, AudioError> {
    device::devices()
}

/// Whose clock decides when the next samples are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The device's own.
    Device,
    /// Nobody's: whoever uses it has to keep time.
    Caller,
}

/// What a source had to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// The whole frame.
    Full,
    /// The last samples, of all channels together, fewer than were asked for; zeros follow them.
    Last(usize),
    /// Nothing yet; the frame is untouched.
    NotYet,
}

/// Something to be heard. It is opened early and says nothing until it is started.
pub trait Source {
    /// Who keeps time.
    fn clock(&self) -> Clock {
        Clock::Caller
    }
    /// Begins at sample 0: a file at its start, a microphone with what is said from now on.
    fn start(&mut self) -> Result<(), AudioError>;
    /// Pauses: a microphone does not listen.
    fn stop(&mut self) {}
    /// The next samples, without waiting for them.
    fn read(&mut self, frame: &mut [f32]) -> Result<Read, AudioError>;
    /// Samples of each channel lost so far because nobody fetched them in time.
    fn overruns(&self) -> u64 {
        0
    }
    /// The microphone that it is, if it is one.
    fn device(&self) -> Option<DeviceName> {
        None
    }
}

/// Somewhere to play.
pub trait Sink {
    /// Who keeps time.
    fn clock(&self) -> Clock {
        Clock::Caller
    }
    /// Begins, or goes on after `stop`.
    fn start(&mut self) -> Result<(), AudioError> {
        Ok(())
    }
    /// Pauses; what was written before is safe.
    fn stop(&mut self) -> Result<(), AudioError> {
        Ok(())
    }
    /// Frames that should be written now; meaningful where the device keeps time.
    fn wanted(&mut self) -> Result<usize, AudioError> {
        Ok(0)
    }
    /// Time from writing a sample to hearing it.
    fn latency(&self) -> Duration {
        Duration::ZERO
    }
    /// Samples that were missing so far when they were due, and were silence in place of sound.
    fn underruns(&self) -> u64 {
        0
    }
    /// The speaker that it is, if it is one.
    fn device(&self) -> Option<DeviceName> {
        None
    }
    /// Takes the next 10 ms: [`FRAME`] samples of each channel.
    fn write(&mut self, frame: &[f32]) -> Result<(), AudioError>;
    /// Finishes: a file is complete afterwards.
    fn close(self: Box<Self>) -> Result<(), AudioError> {
        Ok(())
    }
}

/// Opens a source that gives so many channels, whatever it has; nothing for `off`.
pub fn open_source(
    spec: &SourceSpec,
    channels: Channels,
) -> Result<Option<Box<dyn Source>>, AudioError> {
    let device = |choice: device::Choice| device::open_source(&choice, channels);
    Ok(Some(match spec {
        SourceSpec::Off => return Ok(None),
        SourceSpec::Silence => silence(),
        SourceSpec::Tone { hz } => Box::new(tone::Tone::new(*hz, channels)),
        SourceSpec::File { path, repeat } => {
            Box::new(file::FileSource::open(path, *repeat, channels)?)
        }
        SourceSpec::Stdin => Box::new(pipe::PipeSource::new(std::io::stdin(), channels)),
        SourceSpec::Default => device(device::Choice::Default)?,
        SourceSpec::Index(index) => device(device::Choice::Index(*index))?,
        SourceSpec::Name(name) => device(device::Choice::Name(name.clone()))?,
    }))
}

/// A source of zeros.
pub fn silence() -> Box<dyn Source> {
    Box::new(tone::Silence)
}

/// A sink that forgets.
pub fn null() -> Box<dyn Sink> {
    Box::new(tone::Null)
}

/// Opens a sink for so many channels; `off` is one that forgets.
pub fn open_sink(spec: &SinkSpec, channels: Channels) -> Result<Box<dyn Sink>, AudioError> {
    let device = |choice: device::Choice| device::open_sink(&choice, channels);
    Ok(match spec {
        SinkSpec::Off | SinkSpec::Null => null(),
        SinkSpec::File(path) => file::create(path, channels)?,
        SinkSpec::Stdout => Box::new(pipe::PipeSink::new(std::io::stdout())?),
        SinkSpec::Default => device(device::Choice::Default)?,
        SinkSpec::Index(index) => device(device::Choice::Index(*index))?,
        SinkSpec::Name(name) => device(device::Choice::Name(name.clone()))?,
    })
}

/// Creates a file for two channels, whose samples come by turns; its ending names the format.
pub fn create_recording(path: &Path) -> Result<Box<dyn Recording>, AudioError> {
    file::writer(path, Channels::Stereo)
}

/// A sample as a 16-bit number, as files and pipes hold it.
fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

/// The reverse of `to_i16`.
fn from_i16(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}
