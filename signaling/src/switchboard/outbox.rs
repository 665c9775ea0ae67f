//! A queue of frames for one client, bounded in bytes.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use futures_util::task::AtomicWaker;

use crate::limits::{FRAME_COST, bound};
use crate::metrics::Waiting;
use crate::text::Text;

/// Frames for which an empty queue keeps room.
const KEPT: usize = 32;

/// Bytes after which written ones are taken off while others of the same batch still wait.
const STEP: usize = 4 * 1024;

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
    shared: Arc<Shared>,
    bounds: Bounds,
}

/// What both ends hold.
struct Shared {
    // Held to push one frame or to take all, never across an await.
    queue: Mutex<Queue>,
    reader: AtomicWaker,
    /// Bytes that wait here, which are some of all that wait.
    held: AtomicUsize,
    of_all: Waiting,
}

#[derive(Default)]
struct Queue {
    frames: Vec<Text>,
    closed: bool,
}

/// The end that empties it.
pub(crate) struct Outbox {
    shared: Arc<Shared>,
    /// Cost of the frames that were taken and written: they count until it is asked for more, or are many.
    written: usize,
}

/// The queue was full.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

/// The switchboard has let go of this connection, and all is read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// A queue within these bounds; one frame always fits.
pub(super) fn outbox(bounds: Bounds, of_all: Waiting) -> (Inlet, Outbox) {
    let shared = Arc::new(Shared {
        queue: Mutex::default(),
        reader: AtomicWaker::new(),
        held: AtomicUsize::new(0),
        of_all,
    });
    (
        Inlet {
            shared: Arc::clone(&shared),
            bounds,
        },
        Outbox { shared, written: 0 },
    )
}

fn cost(text: &Text) -> usize {
    text.len() + FRAME_COST
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Never left half changed: a panic elsewhere does not spoil it.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn less(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::AcqRel);
        self.of_all.less(bytes);
    }
}

impl Inlet {
    pub(super) fn push(&self, text: Text) -> Result<(), Overflow> {
        let cost = cost(&text);
        // One sender: between the two lines the number can only fall.
        let held = self.shared.held.load(Ordering::Acquire);
        let limit = self.bounds.now(self.shared.of_all.bytes());
        if held > 0 && held.saturating_add(cost) > limit {
            return Err(Overflow);
        }
        self.shared.held.fetch_add(cost, Ordering::AcqRel);
        self.shared.of_all.more(cost);
        let mut queue = self.shared.queue();
        queue.frames.push(text);
        let first = queue.frames.len() == 1;
        drop(queue);
        // Of those that come before the reader wakes, the first has woken it.
        if first {
            self.shared.reader.wake();
        }
        Ok(())
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.reader.wake();
    }
}

impl Outbox {
    /// All frames that wait, in order, into `batch`, which is empty; waits for one. Nothing is lost when this is dropped.
    pub(crate) async fn next(&mut self, batch: &mut Vec<Text>) -> Result<(), Closed> {
        self.release();
        if batch.capacity() > KEPT {
            *batch = Vec::new();
        }
        poll_fn(|context| {
            // Before looking, so that whoever pushes after the look wakes us.
            self.shared.reader.register(context.waker());
            let mut queue = self.shared.queue();
            std::mem::swap(&mut queue.frames, batch);
            match (batch.is_empty(), queue.closed) {
                (false, _) => Poll::Ready(Ok(())),
                (true, true) => Poll::Ready(Err(Closed)),
                (true, false) => Poll::Pending,
            }
        })
        .await
    }

    /// A frame of the batch is on its way.
    pub(crate) fn wrote(&mut self, text: &Text) {
        self.written += cost(text);
        if self.written >= STEP {
            self.release();
        }
    }

    fn release(&mut self) {
        self.shared.less(std::mem::take(&mut self.written));
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.of_all.less(*self.held.get_mut());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures_util::FutureExt;

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

    /// What waits, written at once; `None` where there is nothing.
    fn written(outbox: &mut Outbox) -> Option<Result<usize, Closed>> {
        let mut batch = Vec::new();
        let next = outbox.next(&mut batch).now_or_never()?;
        batch.iter().for_each(|text| outbox.wrote(text));
        Some(next.map(|()| batch.len()))
    }

    #[test]
    fn bytes_count_until_they_are_written() {
        let (inlet, mut outbox) = queue(2 * (FRAME_COST + 10), Waiting::default());
        let frame = || Text::from("0123456789");
        assert_eq!(inlet.push(frame()), Ok(()));
        assert_eq!(inlet.push(frame()), Ok(()));
        assert_eq!(inlet.push("".into()), Err(Overflow));
        assert_eq!(written(&mut outbox), Some(Ok(2)));
        assert_eq!(
            inlet.push(frame()),
            Err(Overflow),
            "fed, but not yet flushed"
        );
        assert_eq!(written(&mut outbox), None);
        assert_eq!(inlet.push(frame()), Ok(()), "they were");
    }

    #[test]
    fn of_a_large_batch_what_is_written_makes_room_for_more() {
        let (inlet, mut outbox) = queue(3 * STEP, Waiting::default());
        let frame = || Text::from("x".repeat(STEP).as_str());
        assert_eq!(inlet.push(frame()), Ok(()));
        assert_eq!(inlet.push(frame()), Ok(()));
        assert_eq!(inlet.push(frame()), Err(Overflow));
        let mut batch = Vec::new();
        outbox.next(&mut batch).now_or_never().unwrap().unwrap();
        outbox.wrote(&batch[0]);
        assert_eq!(inlet.push(frame()), Ok(()));
    }

    #[test]
    fn what_all_queues_hold_is_known_also_when_some_end() {
        let all = Waiting::default();
        let ((one, mut out), (other, gone)) = (queue(0, all.clone()), queue(0, all.clone()));
        one.push("0123456789".into()).unwrap();
        other.push("0123456789".into()).unwrap();
        assert_eq!(all.bytes(), 2 * (FRAME_COST + 10));
        drop(gone);
        other.push("0123456789".into()).unwrap();
        drop(other);
        assert_eq!(all.bytes(), FRAME_COST + 10);
        assert_eq!(written(&mut out), Some(Ok(1)));
        assert_eq!(written(&mut out), None);
        assert_eq!(all.bytes(), 0);
    }

    #[tokio::test]
    async fn a_reader_that_waits_hears_of_the_first_frame_and_of_the_end_in_order() {
        let (inlet, mut outbox) = queue(0, Waiting::default());
        let reading = tokio::spawn(async move {
            let (mut batch, mut all) = (Vec::new(), Vec::new());
            while outbox.next(&mut batch).await.is_ok() {
                all.append(&mut batch);
            }
            all
        });
        for number in 0..100 {
            inlet.push(number.to_string().into()).unwrap();
            tokio::task::yield_now().await;
        }
        drop(inlet);
        let all = reading.await.unwrap();
        let read: Vec<_> = all.iter().map(Text::as_str).collect();
        let sent: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        assert_eq!(read, sent);
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
