//! TURN over a stream: where one message ends and the next begins (RFC 8656 12.5).                                  PURE

/// STUN header, bytes (RFC 8489 5).
const STUN_HEADER: usize = 20;
/// What every STUN message has behind its length (RFC 8489 5).
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
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
    /// A STUN message has come. There is no channel before one has been answered, though the first letters of other
    /// protocols look like one.
    spoken: bool,
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
        let &[first, _, high, low, ref body @ ..] = rest else {
            return Ok(None);
        };
        let cookie = &body[..body.len().min(MAGIC_COOKIE.len())];
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (message, padded) = match first >> 6 {
            0 if MAGIC_COOKIE.starts_with(cookie) => (STUN_HEADER + length, STUN_HEADER + length),
            1 if self.spoken => {
                let whole = CHANNEL_HEADER + length;
                (whole, whole.next_multiple_of(ALIGNMENT))
            }
            _ => return Err(NotTurn),
        };
        if rest.len() < padded {
            return Ok(None);
        }
        self.spoken = true;
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

/// What a datagram carries: itself, or what is inside where it is ChannelData.
pub(in crate::rtc) fn payload(datagram: &[u8]) -> &[u8] {
    if is_channel_data(datagram) {
        datagram.get(CHANNEL_HEADER..).unwrap_or_default()
    } else {
        datagram
    }
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
        message[4..8].copy_from_slice(&MAGIC_COOKIE);
        message
    }

    fn channel(data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        [&[0x40, 1][..], &length, data].concat()
    }

    #[test]
    fn what_is_no_turn_is_told() {
        for other in [
            &b"HTTP/1.1 200"[..],
            b"SSH-2.0-",
            b"220 mail",
            &[0x15, 3, 3, 0, 2, 2, 70],
            &[0x80, 0, 0, 0],
            &channel(b"before any answer"),
            &[0, 1, 0, 0, 0x21, 0x13],
        ] {
            let mut frames = Frames::default();
            frames.push(other);
            assert_eq!(frames.next(), Err(NotTurn), "{other:?}");
        }
        let mut frames = Frames::default();
        frames.push(&stun(0)[..STUN_HEADER - 1]);
        assert_eq!(frames.next(), Ok(None), "the rest may come");
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
            let messages: Vec<_> = [vec![stun(0)], messages].concat();
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
