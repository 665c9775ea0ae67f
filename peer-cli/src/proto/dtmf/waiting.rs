//! Digits that come before the call is up on our side.

use super::Digit;

/// So many wait: more than fingers dial in that time.
const MOST: usize = 32;

/// Digits that came and were not told yet. Those that come before the call is up on our side wait for that: the other side may
/// be up a round trip earlier, or, where packets are lost, a second.
#[derive(Debug, Default)]
pub struct Waiting(Vec<Digit>);

impl Waiting {
    /// One more came.
    pub fn came(&mut self, digit: Digit) {
        if self.0.len() < MOST {
            self.0.push(digit);
        }
    }

    /// What is to be told now; nothing before the call was up.
    pub fn due(&mut self, was_up: bool) -> Vec<Digit> {
        if was_up {
            std::mem::take(&mut self.0)
        } else {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn digit(code: usize) -> Digit {
        Digit::from_code(u8::try_from(code % 16).unwrap()).unwrap()
    }

    #[test]
    fn digits_that_come_early_are_told_once_the_call_is_up() {
        let mut digits = Waiting::default();
        digits.came(digit(1));
        assert_eq!(digits.due(false), []);
        digits.came(digit(11));
        digits.came(digit(1));
        assert_eq!(digits.due(false), []);
        // In their order, and once.
        assert_eq!(digits.due(true), [1, 11, 1].map(digit));
        assert_eq!(digits.due(true), []);
        digits.came(digit(2));
        assert_eq!(digits.due(true), [digit(2)]);
    }

    #[test]
    fn a_peer_that_is_never_up_fills_no_memory() {
        let mut digits = Waiting::default();
        (0..1000).for_each(|code| digits.came(digit(code)));
        let first: Vec<_> = (0..MOST).map(digit).collect();
        assert_eq!(digits.due(true), first);
    }
}
