//! Opus as the playout buffer wants it.

use crate::codec::opus::{Decoder, duration, has_fec, is_pause};
use crate::proto::playout::{PacketDecoder, PacketInfo};

impl PacketDecoder for Decoder {
    fn inspect(&self, payload: &[u8]) -> Option<PacketInfo> {
        let samples = u32::try_from(duration(payload)?).ok()?;
        Some(PacketInfo {
            samples,
            fec: has_fec(payload),
            pause: is_pause(payload),
        })
    }

    fn decode(&mut self, payload: &[u8], out: &mut Vec<f32>) -> bool {
        Decoder::decode(self, payload)
            .map(|sound| out.extend_from_slice(sound))
            .is_ok()
    }

    fn decode_fec(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>) -> bool {
        Decoder::decode_fec(self, next, samples)
            .map(|sound| out.extend_from_slice(sound))
            .is_ok()
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        // The playout buffer puts silence where nothing comes.
        if let Ok(sound) = Decoder::conceal(self, samples) {
            out.extend_from_slice(sound);
        }
    }
}
