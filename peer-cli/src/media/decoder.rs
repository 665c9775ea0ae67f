//! The codecs as the playout buffer wants them.

use crate::codec::g711::{self, Law};
use crate::codec::opus::{self, CodecError, has_fec, is_pause};
use crate::proto::packet::Codec;
use crate::proto::playout::{PacketDecoder, PacketInfo};

/// Decoders for what comes: one for each codec at most, however often a stream changes.
#[derive(Debug)]
pub(super) struct Decoders {
    opus: Box<opus::Decoder>,
    /// Made when the first of it is played.
    pcmu: Option<Box<g711::Decoder>>,
    pcma: Option<Box<g711::Decoder>>,
    /// Whose turn it is.
    present: Codec,
}

impl Decoders {
    /// A new stream.
    pub(super) fn new() -> Result<Decoders, CodecError> {
        Ok(Decoders {
            opus: Box::new(opus::Decoder::new()?),
            pcmu: None,
            pcma: None,
            present: Codec::Opus,
        })
    }

    /// The one whose turn it is; nothing: it is that of Opus.
    fn g711(&mut self) -> Option<&mut g711::Decoder> {
        let (decoder, law) = match self.present {
            Codec::Opus => return None,
            Codec::Pcmu => (&mut self.pcmu, Law::Mu),
            Codec::Pcma => (&mut self.pcma, Law::A),
        };
        Some(decoder.get_or_insert_with(|| Box::new(g711::Decoder::new(law))))
    }
}

impl PacketDecoder for Decoders {
    fn inspect(&self, codec: Codec, payload: &[u8]) -> Option<PacketInfo> {
        match codec {
            Codec::Opus => self.opus.inspect(codec, payload),
            Codec::Pcmu | Codec::Pcma => Some(PacketInfo {
                samples: u32::try_from(g711::duration(payload)).ok()?,
                fec: false,
                pause: false,
            }),
        }
    }

    fn turn_to(&mut self, codec: Codec) {
        self.present = codec;
    }

    fn decode(&mut self, payload: &[u8], out: &mut Vec<f32>) -> bool {
        if let Some(decoder) = self.g711() {
            decoder.decode(payload, out);
            return true;
        }
        PacketDecoder::decode(self.opus.as_mut(), payload, out)
    }

    fn decode_fec(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>) -> bool {
        match self.present {
            Codec::Opus => PacketDecoder::decode_fec(self.opus.as_mut(), next, samples, out),
            Codec::Pcmu | Codec::Pcma => false,
        }
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        if let Some(decoder) = self.g711() {
            return decoder.conceal(samples, out);
        }
        PacketDecoder::conceal(self.opus.as_mut(), samples, out);
    }
}

impl PacketDecoder for opus::Decoder {
    fn inspect(&self, _: Codec, payload: &[u8]) -> Option<PacketInfo> {
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
