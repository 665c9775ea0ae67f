//! G.711 (ITU-T G.711, RFC 3551 4.5.14): 8 kHz, one byte a sample. Sound outside is 48 kHz as everywhere.
//!
//! Its two laws are a formula of ten lines each, so there is no crate for it. Filters and concealment are our own too: a stream
//! wants exactly six samples for one, whatever the size of a packet, and a continuation that the next packet joins on to.

mod conceal;
mod filter;
mod law;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use conceal::Concealment;
use filter::{Down, Up};
pub use law::Law;

/// Samples at 48 kHz for one at 8 kHz.
const RATIO: usize = 6;

/// Makes packets of sound.
#[derive(Debug)]
pub struct Encoder {
    law: Law,
    down: Down,
}

impl Encoder {
    /// A new stream.
    pub fn new(law: Law) -> Encoder {
        Encoder {
            law,
            down: Down::default(),
        }
    }

    /// Samples by which decoded sound comes later than it went in, at 48 kHz.
    pub fn lookahead() -> usize {
        filter::DELAY
    }

    /// Encodes whole sixths: what is left of the division is not encoded.
    pub fn encode(&mut self, samples: &[f32]) -> Bytes {
        let (down, law) = (&mut self.down, self.law);
        let bytes = samples.chunks_exact(RATIO).map(|six| {
            let sample = down.push(six) * 32_768.0;
            law.encode(sample.round().clamp(-32_768.0, 32_767.0) as i16)
        });
        bytes.collect()
    }
}

/// Turns packets into sound.
#[derive(Debug)]
pub struct Decoder {
    law: Law,
    up: Up,
    concealment: Concealment,
}

impl Decoder {
    /// A new stream.
    pub fn new(law: Law) -> Decoder {
        Decoder {
            law,
            up: Up::default(),
            concealment: Concealment::default(),
        }
    }

    /// Appends six samples for each byte.
    pub fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) {
        let mut sound: Vec<f32> = packet
            .iter()
            .map(|byte| f32::from(self.law.decode(*byte)) / 32_768.0)
            .collect();
        self.concealment.join(&mut sound);
        for sample in sound {
            self.up.push(sample, out);
        }
    }

    /// Appends `samples` that continue the sound; a sixth at a time, so up to five more may wait for the next.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        let end = out.len() + samples;
        for sample in self.concealment.next(samples.div_ceil(RATIO)) {
            self.up.push(sample, out);
        }
        out.truncate(end);
    }
}

/// Duration of a packet in samples at 48 kHz.
pub fn duration(packet: &[u8]) -> usize {
    packet.len() * RATIO
}
