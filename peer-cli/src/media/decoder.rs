//! The codecs as the playout buffer wants them.

use crate::codec::g711::{self, Law};
use crate::codec::opus::{self, CodecError, has_fec, is_pause};
use crate::proto::channels::Channels;
use crate::proto::packet::Codec;
use crate::proto::playout::{PacketDecoder, PacketInfo};

/// A decoder for what comes, whichever codec it is in.
#[derive(Debug)]
pub(super) enum Decoder {
    Opus(Box<opus::Decoder>),
    G711(Codec, Box<g711::Decoder>),
}

impl Decoder {
    /// A new stream of a codec, which gives so many channels whatever comes.
    pub(super) fn new(codec: Codec, channels: Channels) -> Result<Decoder, CodecError> {
        let law = match codec {
            Codec::Opus => return Ok(Decoder::Opus(Box::new(opus::Decoder::new(channels)?))),
            Codec::Pcmu => Law::Mu,
            Codec::Pcma => Law::A,
        };
        Ok(Decoder::G711(codec, Box::new(g711::Decoder::new(law))))
    }

    /// What it decodes.
    pub(super) fn codec(&self) -> Codec {
        match self {
            Decoder::Opus(_) => Codec::Opus,
            Decoder::G711(codec, _) => *codec,
        }
    }
}

impl PacketDecoder for Decoder {
    fn inspect(&self, payload: &[u8]) -> Option<PacketInfo> {
        match self {
            Decoder::Opus(decoder) => decoder.inspect(payload),
            Decoder::G711(..) => Some(PacketInfo {
                samples: u32::try_from(g711::duration(payload)).ok()?,
                fec: false,
                pause: false,
            }),
        }
    }

    fn decode(&mut self, payload: &[u8], out: &mut Vec<f32>) -> bool {
        match self {
            Decoder::Opus(decoder) => PacketDecoder::decode(decoder.as_mut(), payload, out),
            Decoder::G711(_, decoder) => {
                decoder.decode(payload, out);
                true
            }
        }
    }

    fn decode_fec(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>) -> bool {
        match self {
            Decoder::Opus(decoder) => {
                PacketDecoder::decode_fec(decoder.as_mut(), next, samples, out)
            }
            Decoder::G711(..) => false,
        }
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        match self {
            Decoder::Opus(decoder) => PacketDecoder::conceal(decoder.as_mut(), samples, out),
            Decoder::G711(_, decoder) => decoder.conceal(samples, out),
        }
    }
}

impl PacketDecoder for opus::Decoder {
    fn inspect(&self, payload: &[u8]) -> Option<PacketInfo> {
        let samples = u32::try_from(opus::duration(payload)?).ok()?;
        Some(PacketInfo {
            samples,
            fec: has_fec(payload),
            pause: is_pause(payload),
        })
    }

    fn decode(&mut self, payload: &[u8], out: &mut Vec<f32>) -> bool {
        opus::Decoder::decode(self, payload)
            .map(|sound| out.extend_from_slice(sound))
            .is_ok()
    }

    fn decode_fec(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>) -> bool {
        opus::Decoder::decode_fec(self, next, samples)
            .map(|sound| out.extend_from_slice(sound))
            .is_ok()
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        // The playout buffer puts silence where nothing comes.
        if let Ok(sound) = opus::Decoder::conceal(self, samples) {
            out.extend_from_slice(sound);
        }
    }
}
