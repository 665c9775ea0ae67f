//! How others talk to a thread that sleeps until its next deadline.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Instant;

/// Commands for one thread. Whoever could leave any number of them says what to do about those that wait: see
/// [`Self::replace`] and [`Self::arrange`]. All others are calls of the owner, who makes few.
#[derive(Debug)]
pub(super) struct Mailbox<T> {
    letters: Mutex<VecDeque<T>>,
    arrived: Condvar,
}

impl<T> Mailbox<T> {
    pub(super) fn new() -> Mailbox<T> {
        Mailbox {
            letters: Mutex::new(VecDeque::new()),
            arrived: Condvar::new(),
        }
    }

    /// Leaves a command and wakes the thread.
    pub(super) fn post(&self, letter: T) {
        self.arrange(|letters| letters.push_back(letter));
    }

    /// The same, in place of those that it makes obsolete.
    pub(super) fn replace(&self, letter: T, obsolete: impl Fn(&T) -> bool) {
        self.arrange(|letters| {
            letters.retain(|letter| !obsolete(letter));
            letters.push_back(letter);
        });
    }

    /// Changes what waits for the thread, and wakes it.
    pub(super) fn arrange<R>(&self, change: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
        let result = change(&mut self.lock());
        self.arrived.notify_one();
        result
    }

    /// Sleeps until there are commands or the deadline has passed; without one as long as it takes.
    pub(super) fn wait(&self, until: Option<Instant>) -> VecDeque<T> {
        let mut letters = self.lock();
        while letters.is_empty() {
            letters = match until {
                None => self
                    .arrived
                    .wait(letters)
                    .unwrap_or_else(|poisoned| poisoned.into_inner()),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    let waited = self.arrived.wait_timeout(letters, left);
                    waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
                }
            };
        }
        std::mem::take(&mut letters)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        // A queue has no half-done state that a panic elsewhere could leave behind.
        self.letters
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn commands_wake_the_sleeper_and_deadlines_end_the_sleep() {
        let mailbox = Arc::new(Mailbox::new());
        let other = mailbox.clone();
        let poster = std::thread::spawn(move || other.post(7));
        assert_eq!(mailbox.wait(None), [7]);
        assert!(poster.join().is_ok());
        let until = Instant::now() + Duration::from_millis(5);
        assert!(mailbox.wait(Some(until)).is_empty());
        assert!(Instant::now() >= until);
    }

    #[test]
    fn what_is_obsolete_does_not_wait() {
        let mailbox = Mailbox::new();
        let is_even = |letter: &i32| letter % 2 == 0;
        for letter in [1, 2, 3] {
            mailbox.post(letter);
        }
        mailbox.replace(4, is_even);
        mailbox.replace(6, is_even);
        assert_eq!(mailbox.wait(None), [1, 3, 6]);
    }
}
