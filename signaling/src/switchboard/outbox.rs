//! A queue of frames for one client, bounded in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use crate::limits::bound;
use crate::metrics::Waiting;
use crate::text::Text;

/// Bytes that a queued frame costs beside its text, so that empty frames do not queue without end.
const FRAME_COST: usize = 64;

/// The end that fills it, without ever waiting.
pub(super) struct Inlet {
    frames: mpsc::UnboundedSender<Text>,
    held: Arc<Held>,
    limit: usize,
}

/// Bytes that wait here, which are some of all that wait.
struct Held {
    bytes: AtomicUsize,
    of_all: Waiting,
}

/// The end that empties it.
pub(crate) struct Outbox {
    frames: mpsc::UnboundedReceiver<Text>,
    held: Arc<Held>,
    /// Cost of the frame that was taken last: it counts until the next one is asked for, that is until it is written.
    in_hand: usize,
}

/// The queue was full.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

/// A queue of at most `limit` bytes (0: unbounded); one frame always fits.
pub(super) fn outbox(limit: usize, of_all: Waiting) -> (Inlet, Outbox) {
    let (inlet, frames) = mpsc::unbounded_channel();
    let held = Arc::new(Held {
        bytes: AtomicUsize::new(0),
        of_all,
    });
    (
        Inlet {
            frames: inlet,
            held: Arc::clone(&held),
            limit: bound(limit),
        },
        Outbox {
            frames,
            held,
            in_hand: 0,
        },
    )
}

fn cost(text: &Text) -> usize {
    text.len() + FRAME_COST
}

impl Inlet {
    pub(super) fn push(&self, text: Text) -> Result<(), Overflow> {
        let cost = cost(&text);
        // One sender: between the two lines the number can only fall.
        let held = self.held.bytes.load(Ordering::Acquire);
        if held > 0 && held.saturating_add(cost) > self.limit {
            return Err(Overflow);
        }
        self.held.bytes.fetch_add(cost, Ordering::AcqRel);
        self.held.of_all.more(cost);
        // A reader that has gone says so itself, by its `Gone`.
        let _ = self.frames.send(text);
        Ok(())
    }
}

impl Outbox {
    /// The next frame, in order; `None` once the switchboard has let go of this connection and all is read.
    pub(crate) async fn next(&mut self) -> Option<Text> {
        self.release();
        let text = self.frames.recv().await?;
        self.in_hand = cost(&text);
        Some(text)
    }

    /// The next frame if there is one already.
    pub(crate) fn next_ready(&mut self) -> Option<Text> {
        self.release();
        let text = self.frames.try_recv().ok()?;
        self.in_hand = cost(&text);
        Some(text)
    }

    fn release(&mut self) {
        let written = std::mem::take(&mut self.in_hand);
        self.held.bytes.fetch_sub(written, Ordering::AcqRel);
        self.held.of_all.less(written);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of_all.less(*self.bytes.get_mut());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn bytes_count_until_they_are_written() {
        let (inlet, mut outbox) = outbox(2 * (FRAME_COST + 10), Waiting::default());
        let frame = || Text::from("0123456789");
        assert_eq!(inlet.push(frame()), Ok(()));
        assert_eq!(inlet.push(frame()), Ok(()));
        assert_eq!(inlet.push("".into()), Err(Overflow));
        assert!(outbox.next().await.is_some());
        assert_eq!(
            inlet.push(frame()),
            Err(Overflow),
            "taken, but not yet written"
        );
        assert!(outbox.next_ready().is_some());
        assert_eq!(inlet.push(frame()), Ok(()), "the first one was");
    }

    #[tokio::test]
    async fn what_all_queues_hold_is_known_also_when_some_end() {
        let all = Waiting::default();
        let ((one, mut out), (other, gone)) = (outbox(0, all.clone()), outbox(0, all.clone()));
        one.push("0123456789".into()).unwrap();
        other.push("0123456789".into()).unwrap();
        assert_eq!(all.bytes(), 2 * (FRAME_COST as i64 + 10));
        drop(gone);
        other.push("0123456789".into()).unwrap();
        drop(other);
        assert_eq!(all.bytes(), FRAME_COST as i64 + 10);
        assert!(out.next().await.is_some());
        assert!(out.next_ready().is_none());
        assert_eq!(all.bytes(), 0);
    }

    #[test]
    fn one_frame_always_fits_and_zero_is_no_limit() {
        let (inlet, _outbox) = outbox(1, Waiting::default());
        assert_eq!(inlet.push("longer than one byte".into()), Ok(()));
        assert_eq!(inlet.push("".into()), Err(Overflow));
        let (inlet, _outbox) = outbox(0, Waiting::default());
        assert!((0..10_000).all(|_| inlet.push("x".into()).is_ok()));
    }
}
