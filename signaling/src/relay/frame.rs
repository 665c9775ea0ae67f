//! Where a TURN message ends in a stream (RFC 8656 section 12.5, RFC 8489 section 6.2.2).

/// What no TURN client says: the stream cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotTurn;

/// One message at the beginning of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// Bytes of the message.
    pub(super) length: usize,
    /// Bytes to take away: over a stream ChannelData is padded to a multiple of four.
    pub(super) padded: usize,
}

const STUN_HEADER: usize = 20;
const CHANNEL_HEADER: usize = 4;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// Bytes of one message: more than any datagram that is relayed, and all that a client can make us keep for it.
const MAX: usize = 16 << 10;

/// The first message of the buffer if all of it is there, else nothing yet.
pub(super) fn first(buffer: &[u8]) -> Result<Option<Frame>, NotTurn> {
    let [kind, _, high, low, rest @ ..] = buffer else {
        return Ok(None);
    };
    let body = usize::from(u16::from_be_bytes([*high, *low]));
    let length = match kind {
        0x00..=0x3f => {
            let cookie = &rest[..rest.len().min(MAGIC_COOKIE.len())];
            if body % 4 != 0 || !MAGIC_COOKIE.starts_with(cookie) {
                return Err(NotTurn);
            }
            STUN_HEADER + body
        }
        0x40..=0x7f => CHANNEL_HEADER + body,
        _ => return Err(NotTurn),
    };
    let padded = length.next_multiple_of(4);
    if padded > MAX {
        return Err(NotTurn);
    }
    Ok((buffer.len() >= padded).then_some(Frame { length, padded }))
}

/// Pads a message as a stream wants it.
pub(super) fn pad(message: &mut Vec<u8>) {
    message.resize(message.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stun(body: u16) -> Vec<u8> {
        let mut bytes = vec![0, 1];
        bytes.extend(body.to_be_bytes());
        bytes.extend(MAGIC_COOKIE);
        bytes.resize(STUN_HEADER + usize::from(body), 7);
        bytes
    }

    #[test]
    fn messages_are_found_whole_or_waited_for() {
        for (bytes, length, padded) in [
            (stun(0), 20, 20),
            (stun(8), 28, 28),
            (vec![0x40, 0, 0, 0], 4, 4),
            (vec![0x40, 0, 0, 4, 1, 2, 3, 4], 8, 8),
            (vec![0x4f, 0xff, 0, 1, 9, 0, 0, 0], 5, 8),
        ] {
            assert_eq!(first(&bytes), Ok(Some(Frame { length, padded })));
            for part in 0..bytes.len() {
                assert_eq!(first(&bytes[..part]), Ok(None), "{part} of {bytes:?}");
            }
            let two = [bytes.clone(), bytes].concat();
            assert_eq!(first(&two), Ok(Some(Frame { length, padded })));
        }
    }

    #[test]
    fn other_protocols_are_seen_at_once() {
        for bytes in [
            &[0x16, 3, 1, 2, 0, 1, 0, 1][..],
            &[0x80, 0, 0, 0],
            &[0xff; 8],
            &[0, 1, 0, 1, 0x21],
            b"GET / HTTP/1.1\r\n",
            &[0x40, 0, 0x40, 0],
        ] {
            assert_eq!(first(bytes), Err(NotTurn), "{bytes:?}");
        }
    }

    #[test]
    fn padding_is_to_four() {
        for (length, padded) in [(0, 0), (1, 4), (4, 4), (5, 8)] {
            let mut message = vec![1; length];
            pad(&mut message);
            assert_eq!(message.len(), padded);
        }
    }
}
