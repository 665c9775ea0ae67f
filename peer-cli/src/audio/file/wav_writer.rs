//! wav, 48 kHz, 16 bit, whose header is true at every moment: a program that is killed leaves a file that plays.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::{Recording, cannot_write};
use crate::audio::{AudioError, SAMPLE_RATE, to_i16};
use crate::proto::channels::Channels;

/// Samples of each channel written at once, header included: 100 ms.
const BATCH: usize = SAMPLE_RATE as usize / 10;
/// Length of the header.
const HEADER: u32 = 44;

pub(super) struct WavWriter {
    path: PathBuf,
    file: File,
    channels: u16,
    /// A pipe cannot go back to its header; it gets the largest length at once.
    seekable: bool,
    pending: Vec<u8>,
    written: u64,
}

impl WavWriter {
    pub(super) fn create(path: &Path, channels: Channels) -> Result<WavWriter, AudioError> {
        let channels = channels.count() as u16;
        let failed = |error| cannot_write(path, &error);
        let mut file = File::create(path).map_err(failed)?;
        let seekable = file.stream_position().is_ok();
        file.write_all(&header(if seekable { 0 } else { u64::MAX }, channels))
            .map_err(failed)?;
        Ok(WavWriter {
            path: path.to_owned(),
            file,
            channels,
            seekable,
            pending: Vec::new(),
            written: 0,
        })
    }

    /// Sound first, then the header: it never promises more than there is.
    fn put(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.file.write_all(&self.pending)?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        if self.seekable {
            self.file.rewind()?;
            self.file.write_all(&header(self.written, self.channels))?;
            self.file.seek(SeekFrom::End(0))?;
        }
        Ok(())
    }
}

impl Recording for WavWriter {
    fn write(&mut self, samples: &[f32]) -> Result<(), AudioError> {
        let before = self.pending.len();
        self.pending.resize(before + 2 * samples.len(), 0);
        let places = self.pending[before..].chunks_exact_mut(2);
        for (place, sample) in places.zip(samples) {
            place.copy_from_slice(&to_i16(*sample).to_le_bytes());
        }
        if self.pending.len() >= BATCH * usize::from(self.channels) * 2 {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), AudioError> {
        self.put().map_err(|error| cannot_write(&self.path, &error))
    }

    fn finish(&mut self) -> Result<(), AudioError> {
        self.flush()
    }
}

/// The header of `bytes` of sound; beyond 4 GB it states the largest length, which players take as "to the end".
fn header(bytes: u64, channels: u16) -> Vec<u8> {
    let data = u32::try_from(bytes).unwrap_or(u32::MAX);
    let frame = channels * 2;
    let mut header = b"RIFF".to_vec();
    header.extend(data.saturating_add(HEADER - 8).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16u32.to_le_bytes());
    header.extend(1u16.to_le_bytes());
    header.extend(channels.to_le_bytes());
    header.extend(SAMPLE_RATE.to_le_bytes());
    header.extend((SAMPLE_RATE * u32::from(frame)).to_le_bytes());
    header.extend(frame.to_le_bytes());
    header.extend(16u16.to_le_bytes());
    header.extend(b"data");
    header.extend(data.to_le_bytes());
    header
}
