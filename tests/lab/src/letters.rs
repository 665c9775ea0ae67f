//! Numbered messages: what was sent and when, what arrived and when, and what that says.                             PURE

use std::time::{Duration, Instant};

/// A message as it was sent or as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// When.
    pub at: Instant,
    /// Its whole text.
    pub text: String,
}

/// What became of all messages of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// How many were sent.
    pub sent: usize,
    /// How many of them never arrived.
    pub lost: usize,
    /// How many arrivals were not the first of their message.
    pub doubled: usize,
    /// How many arrived after one that was sent later.
    pub late: usize,
    /// How many arrivals nobody sent.
    pub foreign: usize,
    /// How long the slowest took, counted from when it was sent or, if that is later, from when the path was back.
    pub slowest: Duration,
}

impl Delivery {
    /// Compares the two lists; messages sent before `back` had no path until then.
    #[must_use]
    pub fn of(sent: &[Letter], arrived: &[Letter], back: Option<Instant>) -> Self {
        let mut found = Self {
            sent: sent.len(),
            ..Self::default()
        };
        let mut seen = vec![false; sent.len()];
        let mut last = None;
        for letter in arrived {
            let Some(index) = sent.iter().position(|other| other.text == letter.text) else {
                found.foreign += 1;
                continue;
            };
            if seen[index] {
                found.doubled += 1;
                continue;
            }
            seen[index] = true;
            if last.is_some_and(|last| index < last) {
                found.late += 1;
            }
            last = last.max(Some(index));
            // What came through before the path broke is not measured against its return.
            let from = match back {
                Some(back) if letter.at >= back => sent[index].at.max(back),
                _ => sent[index].at,
            };
            let is_cut_off = back.is_some_and(|back| letter.at < back);
            if !is_cut_off {
                found.slowest = found.slowest.max(letter.at.saturating_duration_since(from));
            }
        }
        found.lost = seen.iter().filter(|there| !**there).count();
        found
    }

    /// Each once, in order, and nothing else.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        [self.lost, self.doubled, self.late, self.foreign] == [0; 4]
    }
}

impl std::fmt::Display for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            sent,
            lost,
            doubled,
            late,
            foreign,
            ..
        } = self;
        write!(
            f,
            "{sent} sent: {lost} lost, {doubled} doubled, {late} out of order"
        )?;
        if *foreign > 0 {
            write!(f, ", {foreign} that nobody sent")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Delivery, Letter};
    use std::time::{Duration, Instant};

    fn letters(start: Instant, list: &[(u64, &str)]) -> Vec<Letter> {
        let letter = |(ms, text): &(u64, &str)| Letter {
            at: start + Duration::from_millis(*ms),
            text: (*text).to_owned(),
        };
        list.iter().map(letter).collect()
    }

    #[test]
    fn all_in_order_and_timed_from_the_return_of_the_path() {
        let start = Instant::now();
        let sent = letters(start, &[(0, "a"), (100, "b"), (900, "c")]);
        let arrived = letters(start, &[(5, "a"), (870, "b"), (910, "c")]);
        let back = Some(start + Duration::from_millis(800));
        let found = Delivery::of(&sent, &arrived, back);
        assert!(found.is_exact(), "{found}");
        assert_eq!(found.slowest, Duration::from_millis(70));
        let found = Delivery::of(&sent, &arrived, None);
        assert_eq!(found.slowest, Duration::from_millis(770));
    }

    #[test]
    fn every_fault_is_counted() {
        let start = Instant::now();
        let sent = letters(start, &[(0, "a"), (1, "b"), (2, "c"), (3, "d")]);
        let arrived = letters(start, &[(4, "b"), (5, "a"), (6, "b"), (7, "x"), (8, "d")]);
        let found = Delivery::of(&sent, &arrived, None);
        assert_eq!(
            found.to_string(),
            "4 sent: 1 lost, 1 doubled, 1 out of order, 1 that nobody sent"
        );
        assert!(!found.is_exact());
    }
}
