//! RFC 6455 section 5.2, both ways.

/// What the server says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(Vec<u8>),
    Ping(Vec<u8>),
    Close(Option<u16>),
    Other,
}

/// The first frame and the bytes that it took, if it is whole.
pub(crate) fn first(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (opcode, short) = (bytes.first()? & 0x0f, bytes.get(1)? & 0x7f);
    let (head, length) = match short {
        126 => (4, bytes.get(2..4)?.iter().fold(0, shift)),
        127 => (10, bytes.get(2..10)?.iter().fold(0, shift)),
        short => (2, usize::from(short)),
    };
    let data = bytes.get(head..head + length)?;
    let frame = match opcode {
        1 => Frame::Text(data.to_vec()),
        8 => Frame::Close(data.get(..2).map(|c| u16::from_be_bytes([c[0], c[1]]))),
        9 => Frame::Ping(data.to_vec()),
        _ => Frame::Other,
    };
    Some((frame, head + length))
}

fn shift(sum: usize, byte: &u8) -> usize {
    sum << 8 | usize::from(*byte)
}

/// A frame of a client; `first` is its first byte. The mask is nothing, which is a mask, too.
pub(crate) fn masked(first: u8, data: &[u8]) -> Vec<u8> {
    let mut frame = head(first, data.len() as u64);
    frame.extend(data);
    frame
}

/// Of a frame that promises so many bytes.
pub(crate) fn head(first: u8, length: u64) -> Vec<u8> {
    let mut head = vec![first];
    match u16::try_from(length) {
        Ok(short @ 0..126) => head.push(0x80 | short.to_be_bytes()[1]),
        Ok(middle) => {
            head.push(0x80 | 126);
            head.extend(middle.to_be_bytes());
        }
        Err(_) => {
            head.push(0x80 | 127);
            head.extend(length.to_be_bytes());
        }
    }
    head.extend([0; 4]);
    head
}

/// One text message.
pub(crate) fn text(text: &str) -> Vec<u8> {
    masked(0x81, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_all_sizes() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let data = vec![b'x'; length];
            let mut frame = masked(0x81, &data);
            // As the server says it: without the mask.
            frame[1] &= 0x7f;
            let mask = frame.len() - length - 4;
            frame.drain(mask..mask + 4);
            let whole = frame.len();
            assert_eq!(first(&frame), Some((Frame::Text(data), whole)));
            assert_eq!(first(&frame[..whole - 1]), None);
        }
        assert_eq!(
            first(b"\x88\x02\x0f\xa0"),
            Some((Frame::Close(Some(4000)), 4))
        );
        assert_eq!(first(b"\x88\x00"), Some((Frame::Close(None), 2)));
    }
}
