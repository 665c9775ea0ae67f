//! A queue of frames for one client, bounded in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use crate::limits::bound;
use crate::text::Text;

/// Bytes that a queued frame costs beside its text, so that empty frames do not queue without end.
const FRAME_COST: usize = 64;

/// The end that fills it, without ever waiting.
pub(super) struct Inlet {
    frames: mpsc::UnboundedSender<Text>,
    held: Arc<AtomicUsize>,
    limit: usize,
}

/// The end that empties it.
pub(crate) struct Outbox {
    frames: mpsc::UnboundedReceiver<Text>,
    held: Arc<AtomicUsize>,
    /// Cost of the frame that was taken last: it counts until the next one is asked for, that is until it is written.
    in_hand: usize,
}

/// The queue was full.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

/// A queue of at most `limit` bytes (0: unbounded); one frame always fits.
pub(super) fn outbox(limit: usize) -> (Inlet, Outbox) {
    let (inlet, frames) = mpsc::unbounded_channel();
    let held = Arc::<AtomicUsize>::default();
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
        let held = self.held.load(Ordering::Acquire);
        if held > 0 && held.saturating_add(cost) > self.limit {
            return Err(Overflow);
        }
        self.held.fetch_add(cost, Ordering::AcqRel);
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
        self.held
            .fetch_sub(std::mem::take(&mut self.in_hand), Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_count_until_they_are_written() {
        let (inlet, mut outbox) = outbox(2 * (FRAME_COST + 10));
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

    #[test]
    fn one_frame_always_fits_and_zero_is_no_limit() {
        let (inlet, _outbox) = outbox(1);
        assert_eq!(inlet.push("longer than one byte".into()), Ok(()));
        assert_eq!(inlet.push("".into()), Err(Overflow));
        let (inlet, _outbox) = outbox(0);
        assert!((0..10_000).all(|_| inlet.push("x".into()).is_ok()));
    }
}
