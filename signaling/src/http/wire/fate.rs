//! What becomes of a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// How a connection is to end, and what it has brought; shared with whoever handles it.
#[derive(Clone, Default)]
pub(in crate::http) struct Fate(Arc<State>);

#[derive(Default)]
struct State {
    end: AtomicU8,
    heard: AtomicU64,
}

/// Answered and dropped.
pub(super) const HTTP: u8 = 0;
/// Lingers, so that the last word arrives.
pub(super) const SOCKET: u8 = 1;
/// Lingers and is then reset, whatever the kernel still holds for it.
pub(super) const SLOW: u8 = 2;
/// Reset at once.
pub(super) const DEAD: u8 = 3;

impl Fate {
    /// It is a WebSocket now.
    pub(in crate::http) fn upgraded(&self) {
        self.0.end.store(SOCKET, Ordering::Release);
    }

    /// It had its chance to read.
    pub(in crate::http) fn slow(&self) {
        self.0.end.store(SLOW, Ordering::Release);
    }

    /// Nobody is there to read.
    pub(in crate::http) fn dead(&self) {
        self.0.end.store(DEAD, Ordering::Release);
    }

    pub(super) fn now(&self) -> u8 {
        self.0.end.load(Ordering::Acquire)
    }

    /// Bytes that came, ever.
    pub(in crate::http) fn heard(&self) -> u64 {
        self.0.heard.load(Ordering::Relaxed)
    }

    pub(super) fn hears(&self, bytes: usize) {
        self.0.heard.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
