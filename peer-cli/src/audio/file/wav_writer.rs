//! wav, 48 kHz, 16 bit, mono, whose header is true at every moment: a program that is killed leaves a file that plays.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::cannot_write;
use crate::audio::{AudioError, FRAME, SAMPLE_RATE, Sink, to_i16};

/// Frames written at once, header included: 100 ms.
const BATCH: usize = 10;
/// Length of the header.
const HEADER: u32 = 44;

pub(super) struct WavSink {
    path: PathBuf,
    file: File,
    /// A pipe cannot go back to its header; it gets the largest length at once.
    seekable: bool,
    pending: Vec<u8>,
    written: u64,
}

impl WavSink {
    pub(super) fn create(path: &Path) -> Result<WavSink, AudioError> {
        let failed = |error| cannot_write(path, &error);
        let mut file = File::create(path).map_err(failed)?;
        let seekable = file.stream_position().is_ok();
        file.write_all(&header(if seekable { 0 } else { u64::MAX }))
            .map_err(failed)?;
        Ok(WavSink {
            path: path.to_owned(),
            file,
            seekable,
            pending: Vec::new(),
            written: 0,
        })
    }

    fn flush(&mut self) -> Result<(), AudioError> {
        self.put().map_err(|error| cannot_write(&self.path, &error))
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
            self.file.write_all(&header(self.written))?;
            self.file.seek(SeekFrom::End(0))?;
        }
        Ok(())
    }
}

impl Sink for WavSink {
    fn stop(&mut self) -> Result<(), AudioError> {
        self.flush()
    }

    fn write(&mut self, frame: &[f32; FRAME]) -> Result<(), AudioError> {
        self.pending.extend(
            frame
                .iter()
                .flat_map(|sample| to_i16(*sample).to_le_bytes()),
        );
        if self.pending.len() >= BATCH * FRAME * 2 {
            self.flush()?;
        }
        Ok(())
    }

    fn close(mut self: Box<Self>) -> Result<(), AudioError> {
        self.flush()
    }
}

/// The header of `bytes` of sound; beyond 4 GB it states the largest length, which players take as "to the end".
fn header(bytes: u64) -> Vec<u8> {
    let data = u32::try_from(bytes).unwrap_or(u32::MAX);
    let mut header = b"RIFF".to_vec();
    header.extend(data.saturating_add(HEADER - 8).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16u32.to_le_bytes());
    header.extend(1u16.to_le_bytes());
    header.extend(1u16.to_le_bytes());
    header.extend(SAMPLE_RATE.to_le_bytes());
    header.extend((SAMPLE_RATE * 2).to_le_bytes());
    header.extend(2u16.to_le_bytes());
    header.extend(16u16.to_le_bytes());
    header.extend(b"data");
    header.extend(data.to_le_bytes());
    header
}
