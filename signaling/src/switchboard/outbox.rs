//! A queue of frames for one client, bounded in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use crate::limits::bound;
use crate::metrics::Waiting;
use crate::text::Text;

/// Bytes that a queued frame costs beside its text, so that empty frames do not queue without end.
const FRAME_COST: usize = 64;

/// Bytes that every queue may hold, however much waits for others.
const FLOOR: usize = 64 * 1024;

/// Bounds in bytes; 0 bounds nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Of one queue.
    pub(super) one: usize,
    /// Of all together: a queue may hold what is still free of it, and at least [`FLOOR`]. So those who do not read take
    /// the room from each other, and hardly any from those who do.
    pub(super) all: usize,
}

impl Bounds {
    /// Of one queue while so much waits in all of them.
    fn now(self, waiting: usize) -> usize {
        let free = bound(self.all).saturating_sub(waiting);
        bound(self.one).min(free.max(FLOOR))
    }
}

/// The end that fills it, without ever waiting.
pub(super) struct Inlet {
    frames: mpsc::UnboundedSender<Text>,
    held: Arc<Held>,
    bounds: Bounds,
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

/// A queue within these bounds; one frame always fits.
pub(super) fn outbox(bounds: Bounds, of_all: Waiting) -> (Inlet, Outbox) {
    let (inlet, frames) = mpsc::unbounded_channel();
    let held = Arc::new(Held {
        bytes: AtomicUsize::new(0),
        of_all,
    });
    (
        Inlet {
            frames: inlet,
            held: Arc::clone(&held),
            bounds,
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
        let limit = self.bounds.now(self.held.of_all.bytes());
        if held > 0 && held.saturating_add(cost) > limit {
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

    fn queue(one: usize, all: Waiting) -> (Inlet, Outbox) {
        outbox(Bounds { one, all: 0 }, all)
    }

    #[test]
    fn who_does_not_read_leaves_room_for_who_does() {
        let all = Waiting::default();
        let bounds = Bounds {
            one: 1 << 20,
            all: 1 << 20,
        };
        let fill = |inlet: &Inlet| {
            while inlet.push("x".repeat(1000).as_str().into()).is_ok() {}
        };
        let hogs: Vec<_> = (0..20).map(|_| outbox(bounds, all.clone())).collect();
        hogs.iter().for_each(|(inlet, _)| fill(inlet));
        let most = (1 << 20) + 20 * FLOOR;
        assert!(all.bytes() <= most, "{} of {most}", all.bytes());
        let (honest, _outbox) = outbox(bounds, all.clone());
        let burst = "x".repeat(FLOOR / 4);
        assert!((0..3).all(|_| honest.push(burst.as_str().into()).is_ok()));
    }

    #[tokio::test]
    async fn bytes_count_until_they_are_written() {
        let (inlet, mut outbox) = queue(2 * (FRAME_COST + 10), Waiting::default());
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
        let ((one, mut out), (other, gone)) = (queue(0, all.clone()), queue(0, all.clone()));
        one.push("0123456789".into()).unwrap();
        other.push("0123456789".into()).unwrap();
        assert_eq!(all.bytes(), 2 * (FRAME_COST + 10));
        drop(gone);
        other.push("0123456789".into()).unwrap();
        drop(other);
        assert_eq!(all.bytes(), FRAME_COST + 10);
        assert!(out.next().await.is_some());
        assert!(out.next_ready().is_none());
        assert_eq!(all.bytes(), 0);
    }

    #[test]
    fn one_frame_always_fits_and_zero_is_no_limit() {
        let (inlet, _outbox) = queue(1, Waiting::default());
        assert_eq!(inlet.push("longer than one byte".into()), Ok(()));
        assert_eq!(inlet.push("".into()), Err(Overflow));
        let (inlet, _outbox) = queue(0, Waiting::default());
        assert!((0..10_000).all(|_| inlet.push("x".into()).is_ok()));
    }
}
