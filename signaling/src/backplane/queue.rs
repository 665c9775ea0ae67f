//! A queue that is bounded in bytes and never waited for by who fills it.

use std::sync::Arc;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that wait at most, each way: half a second of 1,000 full frames, or a second of 20,000 short ones many times over.
const LIMIT: usize = 32 * 1024 * 1024;
/// Bytes that a message costs beside its own.
const COST: usize = 256;

/// The end that fills it.
#[derive(Debug)]
pub(crate) struct Inlet<T> {
    items: UnboundedSender<Queued<T>>,
    space: Arc<Semaphore>,
}

/// The end that empties it.
pub(crate) type Outlet<T> = UnboundedReceiver<Queued<T>>;

/// One of them; its space is free once it is dropped.
#[derive(Debug)]
pub(crate) struct Queued<T> {
    pub(crate) item: T,
    _space: OwnedSemaphorePermit,
}

/// There was no space.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

pub(crate) fn queue<T>() -> (Inlet<T>, Outlet<T>) {
    bounded(LIMIT)
}

fn bounded<T>(limit: usize) -> (Inlet<T>, Outlet<T>) {
    let (items, outlet) = mpsc::unbounded_channel();
    let space = Arc::new(Semaphore::new(limit));
    (Inlet { items, space }, outlet)
}

impl<T> Inlet<T> {
    /// Puts something of so many bytes into it, or drops it.
    pub(crate) fn push(&self, item: T, bytes: usize) -> Result<(), Full> {
        let cost = u32::try_from(bytes.saturating_add(COST)).map_err(|_| Full)?;
        let space = Arc::clone(&self.space).try_acquire_many_owned(cost);
        let _space = space.map_err(|_| Full)?;
        // Nobody empties it any more: the server stops.
        let _ = self.items.send(Queued { item, _space });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn space_is_free_again_once_a_message_is_done() {
        let (inlet, mut outlet) = bounded(2 * COST + 20);
        assert_eq!(inlet.push(1, 10), Ok(()));
        assert_eq!(inlet.push(2, 10), Ok(()));
        assert_eq!(inlet.push(3, 0), Err(Full));
        let first = outlet.recv().await.unwrap();
        assert_eq!((first.item, inlet.push(3, 10)), (1, Err(Full)));
        drop(first);
        assert_eq!(inlet.push(4, 10), Ok(()));
        assert_eq!(outlet.recv().await.unwrap().item, 2);
    }
}
