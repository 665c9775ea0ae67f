//! How much one client may say.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Instant;

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;

use crate::http::wire::Fate;
use crate::limits::{Bucket, Limits};

/// More bytes than one client may send.
pub(super) struct Flood;

/// What one client may send. Bytes count as they arrive: a message of endless fragments is never whole.
pub(super) struct Ration<'a> {
    pub(super) messages: Bucket,
    bytes: Bucket,
    fate: &'a Fate,
    /// Bytes that are counted already.
    counted: u64,
}

impl<'a> Ration<'a> {
    pub(super) fn new(limits: &Limits, fate: &'a Fate) -> Self {
        let now = Instant::now();
        Self {
            messages: Bucket::new(limits.max_rate, now),
            bytes: Bucket::new(limits.max_bytes, now),
            fate,
            counted: fate.heard(),
        }
    }

    /// The next message, unless more has come than may come.
    pub(super) async fn next(
        &mut self,
        stream: &mut SplitStream<WebSocket>,
    ) -> Result<Option<Result<Message, axum::Error>>, Flood> {
        poll_fn(|cx| {
            let next = stream.poll_next_unpin(cx);
            let heard = self.fate.heard();
            let new = usize::try_from(heard - self.counted).unwrap_or(usize::MAX);
            self.counted = heard;
            if new > 0 && !self.bytes.take_many(Instant::now(), new) {
                return Poll::Ready(Err(Flood));
            }
            next.map(Ok)
        })
        .await
    }
}
