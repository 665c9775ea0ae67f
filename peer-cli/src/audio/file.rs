//! Sound files: read as a source, written as a sink.

mod decoded;
mod ogg_reader;
mod ogg_writer;
#[cfg(test)]
mod tests;
mod wav_writer;

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use super::resample::Resampler;
use super::{AudioError, Read, SAMPLE_RATE, Sink, Source};
use crate::proto::channels::Channels;

/// What can be read.
const FORMATS: &str = "wav, flac, mp3 and Ogg Opus work";

/// A file being decoded, piece by piece, in as many channels as it was opened for.
trait Reader {
    /// Samples per second.
    fn rate(&self) -> u32;
    /// Appends the next piece; false at the end.
    fn read(&mut self, out: &mut Vec<f32>) -> Result<bool, String>;
}

/// A file as a source. It is decoded as it is played, so that its length costs nothing.
pub(super) struct FileSource {
    path: PathBuf,
    repeat: bool,
    channels: Channels,
    reader: Box<dyn Reader>,
    resampler: Option<Resampler>,
    decoded: Vec<f32>,
    /// Samples at 48 kHz that wait; those before `at` have been given out.
    ready: Vec<f32>,
    at: usize,
    /// Whether this pass through the file has given any sound.
    sounded: bool,
    fresh: bool,
}

impl FileSource {
    pub(super) fn open(
        path: &Path,
        repeat: bool,
        channels: Channels,
    ) -> Result<FileSource, AudioError> {
        let failed = |reason| AudioError::File {
            path: path.to_owned(),
            reason,
        };
        let reader = open_reader(path, channels).map_err(failed)?;
        let resampler = resampler(reader.rate(), channels).map_err(failed)?;
        Ok(FileSource {
            path: path.to_owned(),
            repeat,
            channels,
            reader,
            resampler,
            decoded: Vec::new(),
            ready: Vec::new(),
            at: 0,
            sounded: false,
            fresh: true,
        })
    }

    fn failed(&self, reason: String) -> AudioError {
        AudioError::File {
            path: self.path.clone(),
            reason,
        }
    }

    fn rewind(&mut self) -> Result<(), String> {
        let before = self.reader.rate();
        self.reader = open_reader(&self.path, self.channels)?;
        let rate = self.reader.rate();
        match &mut self.resampler {
            // Its filter takes longer to make than seconds of sound to convert.
            Some(resampler) if rate == before => resampler.restart(),
            resampler => *resampler = self::resampler(rate, self.channels)?,
        }
        self.sounded = false;
        Ok(())
    }

    /// Decodes until `wanted` samples are ready or the file ends; false at the end.
    fn decode(&mut self, wanted: usize) -> Result<bool, String> {
        self.ready.drain(..self.at);
        self.at = 0;
        while self.ready.len() < wanted {
            self.decoded.clear();
            let more = self.reader.read(&mut self.decoded)?;
            let before = self.ready.len();
            match &mut self.resampler {
                Some(resampler) => {
                    resampler.push(&self.decoded, &mut self.ready)?;
                    if !more {
                        resampler.finish(&mut self.ready)?;
                    }
                }
                None => self.ready.append(&mut self.decoded),
            }
            self.sounded |= self.ready.len() > before;
            if more {
                continue;
            }
            if !self.repeat {
                return Ok(false);
            }
            if !self.sounded {
                return Err("there is no sound in it to repeat".to_owned());
            }
            self.rewind()?;
        }
        Ok(true)
    }
}

impl Source for FileSource {
    fn start(&mut self) -> Result<(), AudioError> {
        if !self.fresh {
            self.ready.clear();
            self.at = 0;
            self.rewind().map_err(|reason| self.failed(reason))?;
        }
        self.fresh = false;
        Ok(())
    }

    fn read(&mut self, frame: &mut [f32]) -> Result<Read, AudioError> {
        let ready = self.ready.len() - self.at;
        if ready < frame.len() {
            self.decode(frame.len())
                .map_err(|reason| self.failed(reason))?;
        }
        let samples = frame.len().min(self.ready.len() - self.at);
        frame[..samples].copy_from_slice(&self.ready[self.at..self.at + samples]);
        frame[samples..].fill(0.0);
        self.at += samples;
        Ok(if samples == frame.len() {
            Read::Full
        } else {
            Read::Last(samples)
        })
    }
}

fn resampler(rate: u32, channels: Channels) -> Result<Option<Resampler>, String> {
    if rate == SAMPLE_RATE {
        return Ok(None);
    }
    Resampler::new(rate, SAMPLE_RATE, channels).map(Some)
}

/// Looks into the file rather than at its name.
fn open_reader(path: &Path, channels: Channels) -> Result<Box<dyn Reader>, String> {
    let mut file =
        File::open(path).map_err(|error| format!("cannot be read: {}", plain(&error)))?;
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        return Err("cannot be read: it is a directory".to_owned());
    }
    let mut magic = Vec::new();
    (&mut file)
        .take(4)
        .read_to_end(&mut magic)
        .and_then(|_| file.rewind())
        .map_err(|error| format!("cannot be read: {}", plain(&error)))?;
    match &magic[..] {
        b"OggS" => Ok(Box::new(ogg_reader::OggReader::new(file, channels)?)),
        b"" => Err(format!("is empty ({FORMATS})")),
        _ => Ok(Box::new(decoded::Decoded::new(file, path, channels)?)),
    }
}

/// A file being written, in whatever format.
pub trait Recording {
    /// Takes samples; those of two channels come by turns.
    fn write(&mut self, samples: &[f32]) -> Result<(), AudioError>;
    /// What was written until now is safe.
    fn flush(&mut self) -> Result<(), AudioError>;
    /// Completes the file.
    fn finish(&mut self) -> Result<(), AudioError>;
}

/// A file as a sink.
struct FileSink(Box<dyn Recording>);

impl Sink for FileSink {
    fn stop(&mut self) -> Result<(), AudioError> {
        self.0.flush()
    }

    fn write(&mut self, frame: &[f32]) -> Result<(), AudioError> {
        self.0.write(frame)
    }

    fn close(mut self: Box<Self>) -> Result<(), AudioError> {
        self.0.finish()
    }
}

/// Creates a file for sound, in the format that its ending names, as a sink.
pub(super) fn create(path: &Path, channels: Channels) -> Result<Box<dyn Sink>, AudioError> {
    Ok(Box::new(FileSink(writer(path, channels)?)))
}

/// Creates a file for sound, in the format that its ending names.
pub(super) fn writer(path: &Path, channels: Channels) -> Result<Box<dyn Recording>, AudioError> {
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("wav") => Ok(Box::new(wav_writer::WavWriter::create(path, channels)?)),
        Some("ogg" | "opus") => Ok(Box::new(ogg_writer::OggWriter::create(path, channels)?)),
        _ => Err(AudioError::File {
            path: path.to_owned(),
            reason: "cannot be written: its name must end in .wav, .ogg or .opus".to_owned(),
        }),
    }
}

/// An error of the system without its number, in lower case.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

fn cannot_write(path: &Path, error: &std::io::Error) -> AudioError {
    AudioError::File {
        path: path.to_owned(),
        reason: format!("cannot be written: {}", plain(error)),
    }
}
