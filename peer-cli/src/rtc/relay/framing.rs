//! TURN over a stream: where one message ends and the next begins (RFC 8656 12.5).                                  PURE

/// STUN header, bytes (RFC 8489 5).
const STUN_HEADER: usize = 20;
/// ChannelData header, bytes (RFC 8656 12.4).
const CHANNEL_HEADER: usize = 4;
/// Over a stream ChannelData is padded to a multiple of this.
const ALIGNMENT: usize = 4;

/// What comes out of a stream, cut into messages.
#[derive(Debug, Default)]
pub(super) struct Frames {
    buffer: Vec<u8>,
    /// Bytes at the front that have been given out.
    taken: usize,
}

/// The stream carries neither STUN nor ChannelData: it is of no use any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotTurn;

impl Frames {
    /// Adds what was read. Bounded by what one read brings and the longest message, 64 KiB.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, without padding.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, NotTurn> {
        let rest = &self.buffer[self.taken..];
        let &[first, _, high, low, ..] = rest else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (message, padded) = match first >> 6 {
            0 => (STUN_HEADER + length, STUN_HEADER + length),
            1 => {
                let whole = CHANNEL_HEADER + length;
                (whole, whole.next_multiple_of(ALIGNMENT))
            }
            _ => return Err(NotTurn),
        };
        if rest.len() < padded {
            return Ok(None);
        }
        let start = self.taken;
        self.taken += padded;
        Ok(Some(&self.buffer[start..start + message]))
    }
}

/// A message as it is written to a stream.
pub(super) fn padded(mut message: Vec<u8>) -> Vec<u8> {
    if is_channel_data(&message) {
        message.resize(message.len().next_multiple_of(ALIGNMENT), 0);
    }
    message
}

/// Whether this is ChannelData, by its first byte (RFC 8656 12: 0x40 to 0x4F).
pub(super) fn is_channel_data(message: &[u8]) -> bool {
    message.first().is_some_and(|first| first >> 4 == 4)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn stun(body: usize) -> Vec<u8> {
        let mut message = vec![0_u8; STUN_HEADER + body];
        message[2..4].copy_from_slice(&u16::try_from(body).unwrap().to_be_bytes());
        message
    }

    fn channel(data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        [&[0x40, 1][..], &length, data].concat()
    }

    #[test]
    fn what_is_no_turn_is_told() {
        let mut frames = Frames::default();
        frames.push(b"HTTP/1.1 200");
        assert_eq!(frames.next(), Ok(None), "0x48 could be a channel");
        let mut frames = Frames::default();
        frames.push(&[0x80, 0, 0, 0]);
        assert_eq!(frames.next(), Err(NotTurn));
    }

    proptest! {
        /// However a stream cuts them, the messages come out whole and in order.
        #[test]
        fn cuts_do_not_matter(
            lengths in proptest::collection::vec((any::<bool>(), 0_usize..300), 0..20),
            cuts in proptest::collection::vec(1_usize..400, 1..50),
        ) {
            let messages: Vec<Vec<u8>> = lengths
                .iter()
                .map(|(is_stun, length)| if *is_stun { stun(length / 4 * 4) } else { channel(&vec![7; *length]) })
                .collect();
            let stream: Vec<u8> = messages.iter().cloned().flat_map(padded).collect();
            let (mut frames, mut seen, mut rest) = (Frames::default(), vec![], &stream[..]);
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, others) = rest.split_at((*cut).min(rest.len()));
                rest = others;
                frames.push(piece);
                while let Some(message) = frames.next().unwrap() {
                    seen.push(message.to_vec());
                }
            }
            prop_assert_eq!(seen, messages);
        }
    }
}
