//! What a packet of Opus tells without being decoded.

use opusic_c::utils;

use super::{MS, RATE};

/// Duration of a packet in samples at 48 kHz; nothing if it is not Opus.
pub fn duration(packet: &[u8]) -> Option<usize> {
    utils::get_nb_samples(packet, RATE)
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
    let (Some(first), Some(samples)) = (first_frame(packet), duration(packet)) else {
        return false;
    };
    let Some(first) = first.first() else {
        return false;
    };
    let frames = utils::get_nb_frames(packet).unwrap_or(1).max(1);
    let parts = (samples / frames).div_ceil(20 * MS);
    let flag = |bit: usize| (first >> (7 - bit)) & 1 == 1;
    let stereo = toc & 0b100 != 0;
    flag(parts) || (stereo && flag((2 * parts + 1).min(7)))
}

/// The first frame of a packet, and what follows it (RFC 6716, section 3.2).
fn first_frame(packet: &[u8]) -> Option<&[u8]> {
    let (toc, mut rest) = packet.split_first()?;
    let lengths = match toc & 0b11 {
        0 | 1 => 0,
        2 => 1,
        _ => {
            let (head, after) = rest.split_first()?;
            rest = after;
            if head & 0x40 != 0 {
                // The length of the padding, which stands at the end; its last byte is not 255.
                let last = rest.iter().position(|byte| *byte != 255)?;
                rest = &rest[last + 1..];
            }
            let has_lengths = head & 0x80 != 0;
            if has_lengths {
                (head & 0x3f).saturating_sub(1)
            } else {
                0
            }
        }
    };
    for _ in 0..lengths {
        // From 252 on a length has a second byte.
        let bytes = if *rest.first()? < 252 { 1 } else { 2 };
        rest = rest.get(bytes..)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::first_frame;

    #[test]
    fn the_first_frame_is_found_behind_every_kind_of_head() {
        let first = |packet: &[u8]| first_frame(packet).and_then(|frame| frame.first().copied());
        // One frame; two of one length; two of which the first has 1 byte, and 253 bytes.
        assert_eq!(first(&[0x00, 7]), Some(7));
        assert_eq!(first(&[0x01, 7, 8]), Some(7));
        assert_eq!(first(&[0x02, 1, 7, 8]), Some(7));
        assert_eq!(first(&[0x02, 253, 0, 7]), Some(7));
        // Three of one length; with two lengths; with padding of 300 bytes; with both.
        assert_eq!(first(&[0x03, 3, 7, 8, 9]), Some(7));
        assert_eq!(first(&[0x03, 0x83, 1, 1, 7, 8, 9]), Some(7));
        assert_eq!(first(&[0x03, 0x43, 255, 46, 7]), Some(7));
        assert_eq!(first(&[0x03, 0xc3, 2, 252, 1, 1, 7, 8]), Some(7));
        for broken in [&[][..], &[0x03], &[0x02], &[0x02, 253], &[0x03, 0x43, 255]] {
            assert_eq!(first(broken), None);
        }
    }
}
