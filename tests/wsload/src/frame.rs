//! WebSocket frames (RFC 6455 section 5), as little of them as a load needs: whole ones, and what a server says is believed. PURE

/// Text, from either side.
pub(crate) const TEXT: u8 = 1;
/// The end, with a code.
pub(crate) const CLOSE: u8 = 8;
/// To be answered with [`PONG`].
pub(crate) const PING: u8 = 9;
/// The answer.
pub(crate) const PONG: u8 = 10;

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
/// Length bytes of 126 and 127 say that 2 and 8 more bytes hold the length.
const TWO_BYTES: u8 = 126;
const EIGHT_BYTES: u8 = 127;
const MASK: usize = 4;

/// One frame at the front of what has arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    /// As it came: still masked, if it was.
    pub(crate) payload: &'a [u8],
    /// Bytes of all of it.
    pub(crate) size: usize,
}

/// The frame at the front; `None` until it is there as a whole.
pub(crate) fn parse(bytes: &[u8]) -> Option<Frame<'_>> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (length, mut start) = match second & !MASKED {
        TWO_BYTES => (
            usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
            4,
        ),
        EIGHT_BYTES => {
            let length = u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?);
            (usize::try_from(length).ok()?, 10)
        }
        short => (usize::from(short), 2),
    };
    if second & MASKED != 0 {
        start += MASK;
    }
    let size = start.checked_add(length)?;
    Some(Frame {
        opcode: first & 0x0f,
        payload: bytes.get(start..size)?,
        size,
    })
}

/// As a client sends it. The mask is zero: it protects proxies (section 5.3), of which there is none, and the server has the
/// same work with it.
pub(crate) fn of_client(opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame(opcode, payload, MASKED)
}

/// As a server sends it.
pub(crate) fn of_server(opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame(opcode, payload, 0)
}

fn frame(opcode: u8, payload: &[u8], masked: u8) -> Vec<u8> {
    let mut bytes = vec![FINAL | opcode];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < TWO_BYTES => bytes.push(masked | short),
        (_, Ok(length)) => {
            bytes.push(masked | TWO_BYTES);
            bytes.extend(length.to_be_bytes());
        }
        _ => {
            bytes.push(masked | EIGHT_BYTES);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    if masked != 0 {
        bytes.extend([0; MASK]);
    }
    bytes.extend(payload);
    bytes
}

/// The code of a close frame; none was said in an empty one.
pub(crate) fn close_code(payload: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(payload.get(..2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_written_is_read_and_half_of_it_is_not() {
        for size in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; size];
            for bytes in [of_client(TEXT, &payload), of_server(TEXT, &payload)] {
                let frame = parse(&bytes).unwrap();
                assert_eq!((frame.opcode, frame.size), (TEXT, bytes.len()));
                assert_eq!(frame.payload, payload);
                assert_eq!(parse(&bytes[..bytes.len() - 1]), None);
            }
        }
    }

    #[test]
    fn the_examples_of_the_rfc() {
        // RFC 6455 section 5.7.
        assert_eq!(parse(b"\x81\x05Hello").unwrap().payload, b"Hello");
        assert_eq!(of_server(TEXT, b"Hello"), b"\x81\x05Hello");
        let masked = parse(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58").unwrap();
        assert_eq!((masked.payload.len(), masked.size), (5, 11));
        assert_eq!(close_code(&4008u16.to_be_bytes()), Some(4008));
    }
}
