//! What every message carries: who sent it, which one it is, when it left; of fixed width, written and read in place.   PURE

use std::time::Duration;

/// Where a stamp begins; nothing else in a message holds it.
const MARK: &[u8; 2] = b"@@";
const NUMBER: usize = 8;
const TIME: usize = 16;
/// Characters of a stamp.
pub(crate) const WIDTH: usize = MARK.len() + 2 * NUMBER + TIME;

/// Of one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The sender, by its number in this run.
    pub(crate) sender: u32,
    /// Which of its messages, from 0.
    pub(crate) number: u32,
    /// When it was handed to the socket, nanoseconds since the run began.
    pub(crate) sent: u64,
}

/// A message that has arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery {
    /// Whose it is now, by its number in this run.
    pub(crate) to: usize,
    pub(crate) stamp: Stamp,
    /// Since the run began.
    pub(crate) at: Duration,
}

impl Stamp {
    /// As text.
    pub(crate) fn text(self) -> String {
        let mut text = [0; WIDTH];
        self.write(&mut text);
        text.iter().map(|byte| char::from(*byte)).collect()
    }

    /// Into a place of [`WIDTH`] bytes.
    pub(crate) fn write(self, place: &mut [u8]) {
        let (mark, rest) = place.split_at_mut(MARK.len());
        let (sender, rest) = rest.split_at_mut(NUMBER);
        let (number, sent) = rest.split_at_mut(NUMBER);
        mark.copy_from_slice(MARK);
        hex(self.sender.into(), sender);
        hex(self.number.into(), number);
        hex(self.sent, sent);
    }

    /// The first one in a text, and where it begins.
    pub(crate) fn find(text: &[u8]) -> Option<(Self, usize)> {
        let at = text.windows(MARK.len()).position(|pair| pair == MARK)?;
        let digits = text.get(at + MARK.len()..at + WIDTH)?;
        let (sender, rest) = digits.split_at(NUMBER);
        let (number, sent) = rest.split_at(NUMBER);
        let stamp = Self {
            sender: u32::try_from(unhex(sender)?).ok()?,
            number: u32::try_from(unhex(number)?).ok()?,
            sent: unhex(sent)?,
        };
        Some((stamp, at))
    }
}

fn hex(mut value: u64, place: &mut [u8]) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}

fn unhex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(value << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_found_wherever_it_stands() {
        let stamp = Stamp {
            sender: 0xdead_beef,
            number: 7,
            sent: u64::MAX,
        };
        let text = format!("{{\"m\":\"{}\"}}", stamp.text());
        assert_eq!(Stamp::find(text.as_bytes()), Some((stamp, 6)));
        assert_eq!(Stamp::find(&text.as_bytes()[..20]), None);
        assert_eq!(Stamp::find(b"@@ no digits at all, but long enough"), None);
        assert_eq!(Stamp::find(b""), None);
    }
}
