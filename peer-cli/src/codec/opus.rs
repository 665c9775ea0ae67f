//! Opus (RFC 6716), 48 kHz, one channel or two; the samples of two come by turns.

use std::fmt;

use bytes::Bytes;
use opusic_c::{Application, Bitrate, ErrorCode, InbandFec, SampleRate};

pub use super::CodecError;
use crate::proto::channels::Channels;

mod packet;
#[cfg(test)]
mod tests;

pub use packet::{duration, has_fec, is_pause};

/// Samples per second of every Opus clock (RFC 7587, section 4.1).
pub const SAMPLE_RATE: u32 = 48_000;
const RATE: SampleRate = SampleRate::Hz48000;
/// Samples in 1 ms.
const MS: usize = 48;
/// Longest packet: 120 ms.
const LONGEST: usize = 120 * MS;
/// Largest packet we make: room for 60 ms at the highest rate.
const LARGEST_PACKET: usize = 4000;
/// Effort of the encoder in a call. Below 9 libopus reckons 32 kbit/s too little for redundancy against 5 % loss and leaves it out
/// (measured: half of the losses rebuilt, or none).
const CALL_COMPLEXITY: u8 = 9;
/// Effort of the decoder: from 5 on it continues lost sound with a neural network, which only costs where something is lost.
const DECODER_COMPLEXITY: u8 = 5;
/// Bit rates that the encoder takes, bit/s.
const BITRATES: std::ops::RangeInclusive<u32> = 6_000..=510_000;

impl From<ErrorCode> for CodecError {
    fn from(error: ErrorCode) -> CodecError {
        CodecError(format!("opus: {}", error.message()))
    }
}

/// What the sound is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A call: speech, low delay, redundancy.
    Call,
    /// Music, or a file: as close to the original as possible.
    Music,
}

/// How to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderOptions {
    /// What the sound is for.
    pub purpose: Purpose,
    /// How many channels.
    pub channels: Channels,
    /// Duration of a packet in ms: 10, 20, 40 or 60.
    pub ptime_ms: u32,
    /// Bits per second, 6000 to 510000; values outside are brought inside.
    pub bitrate: u32,
    /// Whether packets carry a reduced copy of the one before.
    pub fec: bool,
    /// Loss that the copies are dimensioned for, in percent; without any there are none.
    pub expected_loss: u8,
    /// Effort, 0 to 10.
    pub complexity: u8,
    /// Whether silence is announced and then left out (discontinuous transmission).
    pub dtx: bool,
}

impl Default for EncoderOptions {
    fn default() -> EncoderOptions {
        EncoderOptions {
            purpose: Purpose::Call,
            channels: Channels::Mono,
            ptime_ms: 20,
            bitrate: 32_000,
            fec: true,
            expected_loss: 5,
            complexity: CALL_COMPLEXITY,
            dtx: false,
        }
    }
}

/// Makes packets of sound.
pub struct Encoder {
    inner: opusic_c::Encoder,
    frame: usize,
    packet: Vec<u8>,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("frame", &self.frame)
            .finish_non_exhaustive()
    }
}

impl Encoder {
    /// A new stream.
    pub fn new(options: &EncoderOptions) -> Result<Encoder, CodecError> {
        let application = match options.purpose {
            Purpose::Call => Application::Voip,
            Purpose::Music => Application::Audio,
        };
        let mut inner = opusic_c::Encoder::new(named(options.channels), RATE, application)?;
        inner.set_inband_fec(match options.fec {
            true => InbandFec::Mode1,
            false => InbandFec::Off,
        })?;
        inner.set_complexity(options.complexity.min(10))?;
        inner.set_dtx(options.dtx)?;
        let mut encoder = Encoder {
            inner,
            frame: 0,
            packet: vec![0; LARGEST_PACKET],
        };
        encoder.set_ptime(options.ptime_ms)?;
        encoder.set_bitrate(options.bitrate)?;
        encoder.set_expected_loss(options.expected_loss)?;
        Ok(encoder)
    }

    /// Samples that `encode` takes, of each channel.
    pub fn frame(&self) -> usize {
        self.frame
    }

    /// Samples by which decoded sound comes later than it went in.
    pub fn lookahead(&mut self) -> Result<usize, CodecError> {
        Ok(self.inner.get_look_ahead()? as usize)
    }

    /// Changes the duration of a packet: 10, 20, 40 or 60 ms.
    pub fn set_ptime(&mut self, ptime_ms: u32) -> Result<(), CodecError> {
        if ![10, 20, 40, 60].contains(&ptime_ms) {
            return Err(CodecError(format!(
                "opus: packets of {ptime_ms} ms are not possible (10, 20, 40 or 60)"
            )));
        }
        self.frame = ptime_ms as usize * MS;
        Ok(())
    }

    /// Changes the rate, in bit/s.
    pub fn set_bitrate(&mut self, bitrate: u32) -> Result<(), CodecError> {
        let bitrate = bitrate.clamp(*BITRATES.start(), *BITRATES.end());
        Ok(self.inner.set_bitrate(Bitrate::Value(bitrate))?)
    }

    /// Changes the loss that redundancy is made for, in percent.
    pub fn set_expected_loss(&mut self, percent: u8) -> Result<(), CodecError> {
        Ok(self.inner.set_packet_loss(percent.min(100))?)
    }

    /// Encodes exactly one frame.
    pub fn encode(&mut self, samples: &[f32]) -> Result<Bytes, CodecError> {
        let length = self
            .inner
            .encode_float_to_slice(samples, &mut self.packet)?;
        Ok(Bytes::copy_from_slice(&self.packet[..length]))
    }
}

/// Turns packets into sound.
pub struct Decoder {
    inner: opusic_c::Decoder,
    channels: usize,
    scratch: Vec<f32>,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("channels", &self.channels)
            .finish_non_exhaustive()
    }
}

impl Decoder {
    /// A new stream, which gives so many channels whatever comes.
    pub fn new(channels: Channels) -> Result<Decoder, CodecError> {
        let mut inner = opusic_c::Decoder::new(named(channels), RATE)?;
        inner.set_complexity(DECODER_COMPLEXITY)?;
        let channels = channels.count();
        Ok(Decoder {
            inner,
            channels,
            scratch: vec![0.0; LONGEST * channels],
        })
    }

    /// Decodes a packet.
    pub fn decode(&mut self, packet: &[u8]) -> Result<&[f32], CodecError> {
        if packet.is_empty() {
            return Err(CodecError("opus: empty packet".to_owned()));
        }
        let length = self
            .inner
            .decode_float_to_slice(packet, &mut self.scratch, false)?;
        Ok(&self.scratch[..length * self.channels])
    }

    /// Decodes the copy that `next` carries of the packet before it, `samples` long (a multiple of 2.5 ms).
    pub fn decode_fec(&mut self, next: &[u8], samples: usize) -> Result<&[f32], CodecError> {
        if next.is_empty() {
            return Err(CodecError("opus: empty packet".to_owned()));
        }
        let out = &mut self.scratch[..samples.min(LONGEST) * self.channels];
        let length = self.inner.decode_float_to_slice(next, out, true)?;
        Ok(&self.scratch[..length * self.channels])
    }

    /// Continues the sound for at most 120 ms; the length is rounded up to 2.5 ms.
    pub fn conceal(&mut self, samples: usize) -> Result<&[f32], CodecError> {
        let whole = samples.next_multiple_of(5 * MS / 2).min(LONGEST);
        let length = self.inner.decode_float_to_slice(
            &[],
            &mut self.scratch[..whole * self.channels],
            false,
        )?;
        Ok(&self.scratch[..length.min(samples) * self.channels])
    }
}

fn named(channels: Channels) -> opusic_c::Channels {
    match channels {
        Channels::Mono => opusic_c::Channels::Mono,
        Channels::Stereo => opusic_c::Channels::Stereo,
    }
}
