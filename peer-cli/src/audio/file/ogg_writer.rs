//! Ogg Opus (RFC 7845), one or two channels. What was written up to the last 200 ms can be read whatever ends the program.

use std::fs::File;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use ogg::{PacketWriteEndInfo, PacketWriter};

use super::{Recording, cannot_write};
use crate::audio::AudioError;
use crate::codec::opus::{CodecError, Encoder, EncoderOptions, Purpose};
use crate::proto::channels::Channels;

/// Bits per second of each channel: transparent.
const BITRATE: u32 = 64_000;
/// Packets in a page: 200 ms.
const PAGE: u32 = 10;

pub(super) struct OggWriter {
    path: PathBuf,
    channels: Channels,
    writer: PacketWriter<'static, File>,
    serial: u32,
    encoder: Encoder,
    pending: Vec<f32>,
    /// The newest packet: only once another follows is it known not to be the last.
    held: Option<Bytes>,
    packets: u32,
    /// Samples of each channel encoded in packets that were written.
    written: u64,
    /// Samples of each channel taken.
    taken: u64,
    skip: u64,
}

impl OggWriter {
    pub(super) fn create(path: &Path, channels: Channels) -> Result<OggWriter, AudioError> {
        let file = File::create(path).map_err(|error| cannot_write(path, &error))?;
        let failed = |error: CodecError| AudioError::File {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let options = EncoderOptions {
            purpose: Purpose::Music,
            channels,
            bitrate: BITRATE * channels.count() as u32,
            fec: false,
            ..EncoderOptions::default()
        };
        let mut encoder = Encoder::new(&options).map_err(failed)?;
        let skip = encoder.lookahead().map_err(failed)? as u64;
        let mut sink = OggWriter {
            path: path.to_owned(),
            channels,
            writer: PacketWriter::new(file),
            serial: std::process::id(),
            encoder,
            pending: Vec::new(),
            held: None,
            packets: 0,
            written: 0,
            taken: 0,
            skip,
        };
        sink.headers()?;
        Ok(sink)
    }

    /// Identification and comment header (RFC 7845, sections 5.1 and 5.2).
    fn headers(&mut self) -> Result<(), AudioError> {
        let mut head = b"OpusHead\x01".to_vec();
        head.push(self.channels.count() as u8);
        head.extend((self.skip as u16).to_le_bytes());
        head.extend(48_000u32.to_le_bytes());
        head.extend([0, 0, 0]);
        let vendor = b"peer-cli";
        let mut tags = b"OpusTags".to_vec();
        tags.extend((vendor.len() as u32).to_le_bytes());
        tags.extend(vendor);
        tags.extend(0u32.to_le_bytes());
        self.put(head, PacketWriteEndInfo::EndPage, 0)?;
        self.put(tags, PacketWriteEndInfo::EndPage, 0)
    }

    fn put(
        &mut self,
        data: Vec<u8>,
        end: PacketWriteEndInfo,
        granule: u64,
    ) -> Result<(), AudioError> {
        self.writer
            .write_packet(data, self.serial, end, granule)
            .map_err(|error| cannot_write(&self.path, &error))
    }

    /// Encodes all whole frames that wait.
    fn encode(&mut self) -> Result<(), AudioError> {
        let whole = self.encoder.frame() * self.channels.count();
        while self.pending.len() >= whole {
            let frame: Vec<f32> = self.pending.drain(..whole).collect();
            let packet = self.encoder.encode(&frame);
            let packet = packet.map_err(|error| AudioError::File {
                path: self.path.clone(),
                reason: error.to_string(),
            })?;
            if let Some(held) = self.held.replace(packet) {
                self.packets += 1;
                self.written += self.encoder.frame() as u64;
                let end = match self.packets % PAGE {
                    0 => PacketWriteEndInfo::EndPage,
                    _ => PacketWriteEndInfo::NormalPacket,
                };
                self.put(held.to_vec(), end, self.written)?;
            }
        }
        Ok(())
    }
}

impl Recording for OggWriter {
    fn write(&mut self, samples: &[f32]) -> Result<(), AudioError> {
        self.taken += (samples.len() / self.channels.count()) as u64;
        self.pending.extend_from_slice(samples);
        self.encode()
    }

    /// A page is written when it is full.
    fn flush(&mut self) -> Result<(), AudioError> {
        Ok(())
    }

    /// Pads to whole frames, so that all sound has left the encoder, and marks the end.
    fn finish(&mut self) -> Result<(), AudioError> {
        let frame = self.encoder.frame() as u64;
        let whole = (self.taken + self.skip).next_multiple_of(frame);
        let padding = whole.saturating_sub(self.taken) as usize * self.channels.count();
        self.pending.resize(self.pending.len() + padding, 0.0);
        self.encode()?;
        match self.held.take() {
            Some(last) => self.put(
                last.to_vec(),
                PacketWriteEndInfo::EndStream,
                self.taken + self.skip,
            ),
            None => Ok(()),
        }
    }
}
