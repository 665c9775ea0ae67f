//! Opus (RFC 6716), 48 kHz, one channel or two; the samples of two come by turns.

use bytes::Bytes;
use opus::{Application, Bitrate};

pub use super::CodecError;
use crate::proto::channels::Channels;

#[cfg(test)]
mod tests;

/// Samples per second of every Opus clock (RFC 7587, section 4.1).
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples in 1 ms.
const MS: usize = 48;
/// Longest packet: 120 ms.
const LONGEST: usize = 120 * MS;
/// Largest packet we make: room for 60 ms at the highest rate.
const LARGEST_PACKET: usize = 4000;
/// Effort of the encoder in a call. Below 9 libopus reckons 32 kbit/s too little for redundancy against 5 % loss and leaves it out
/// (measured: half of the losses rebuilt, or none).
const CALL_COMPLEXITY: u8 = 9;
/// Bit rates that the encoder takes, bit/s.
const BITRATES: std::ops::RangeInclusive<u32> = 6_000..=510_000;

impl From<opus::Error> for CodecError {
    fn from(error: opus::Error) -> CodecError {
        CodecError(format!("opus: {}", error.description()))
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
#[derive(Debug)]
pub struct Encoder {
    inner: opus::Encoder,
    frame: usize,
    packet: Vec<u8>,
}

impl Encoder {
    /// A new stream.
    pub fn new(options: &EncoderOptions) -> Result<Encoder, CodecError> {
        let application = match options.purpose {
            Purpose::Call => Application::Voip,
            Purpose::Music => Application::Audio,
        };
        let mut inner = opus::Encoder::new(SAMPLE_RATE, named(options.channels), application)?;
        inner.set_inband_fec(options.fec)?;
        inner.set_complexity(i32::from(options.complexity.min(10)))?;
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
        Ok(usize::try_from(self.inner.get_lookahead()?).unwrap_or(0))
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
        Ok(self.inner.set_bitrate(Bitrate::Bits(bitrate as i32))?)
    }

    /// Changes the loss that redundancy is made for, in percent.
    pub fn set_expected_loss(&mut self, percent: u8) -> Result<(), CodecError> {
        Ok(self
            .inner
            .set_packet_loss_perc(i32::from(percent.min(100)))?)
    }

    /// Encodes exactly one frame.
    pub fn encode(&mut self, samples: &[f32]) -> Result<Bytes, CodecError> {
        let length = self.inner.encode_float(samples, &mut self.packet)?;
        Ok(Bytes::copy_from_slice(&self.packet[..length]))
    }
}

/// Turns packets into sound.
#[derive(Debug)]
pub struct Decoder {
    inner: opus::Decoder,
    channels: usize,
    scratch: Vec<f32>,
}

impl Decoder {
    /// A new stream, which gives so many channels whatever comes.
    pub fn new(channels: Channels) -> Result<Decoder, CodecError> {
        let inner = opus::Decoder::new(SAMPLE_RATE, named(channels))?;
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
        let length = self.inner.decode_float(packet, &mut self.scratch, false)?;
        Ok(&self.scratch[..length * self.channels])
    }

    /// Decodes the copy that `next` carries of the packet before it, `samples` long (a multiple of 2.5 ms).
    pub fn decode_fec(&mut self, next: &[u8], samples: usize) -> Result<&[f32], CodecError> {
        if next.is_empty() {
            return Err(CodecError("opus: empty packet".to_owned()));
        }
        let out = &mut self.scratch[..samples.min(LONGEST) * self.channels];
        let length = self.inner.decode_float(next, out, true)?;
        Ok(&self.scratch[..length * self.channels])
    }

    /// Continues the sound for at most 120 ms; the length is rounded up to 2.5 ms.
    pub fn conceal(&mut self, samples: usize) -> Result<&[f32], CodecError> {
        let whole = samples.next_multiple_of(5 * MS / 2).min(LONGEST);
        let length =
            self.inner
                .decode_float(&[], &mut self.scratch[..whole * self.channels], false)?;
        Ok(&self.scratch[..length.min(samples) * self.channels])
    }
}

fn named(channels: Channels) -> opus::Channels {
    match channels {
        Channels::Mono => opus::Channels::Mono,
        Channels::Stereo => opus::Channels::Stereo,
    }
}

/// Duration of a packet in samples at 48 kHz; nothing if it is not Opus.
pub fn duration(packet: &[u8]) -> Option<usize> {
    opus::packet::get_nb_samples(packet, SAMPLE_RATE)
        .ok()
        .filter(|samples| *samples > 0)
}

/// Whether a packet is nothing but the announcement of silence: a table-of-contents byte and at most one more.
pub fn is_pause(packet: &[u8]) -> bool {
    packet.len() <= 2
}

/// Whether a packet carries a reduced copy of the one before it.
///
/// Only the speech layer (configurations 0 to 15, RFC 6716, section 3.1) can. Its first bits are one voice flag for each 20 ms and then
/// the flag asked for (section 4.2.3), for the second channel the same again.
pub fn has_fec(packet: &[u8]) -> bool {
    let Some(toc) = packet.first() else {
        return false;
    };
    if toc >> 3 >= 16 {
        return false;
    }
    let Ok(parsed) = opus::packet::parse(packet) else {
        return false;
    };
    let Some(first) = parsed.frames.first().and_then(|frame| frame.first()) else {
        return false;
    };
    let parts = match opus::packet::get_samples_per_frame(packet, SAMPLE_RATE) {
        Ok(samples) => samples.div_ceil(20 * MS),
        Err(_) => return false,
    };
    let flag = |bit: usize| (first >> (7 - bit)) & 1 == 1;
    let stereo = toc & 0b100 != 0;
    flag(parts) || (stereo && flag((2 * parts + 1).min(7)))
}
