//! How loud it is just now, for whoever wants to show it.

use std::sync::atomic::{AtomicU32, Ordering};

/// Levels from 0 to 1 of full scale; written by the threads of the sound path, read by anybody.
#[derive(Debug, Default)]
pub struct Levels {
    sent: AtomicU32,
    heard: AtomicU32,
}

impl Levels {
    /// Of the latest packet that was sent.
    pub fn sent(&self) -> f32 {
        f32::from_bits(self.sent.load(Ordering::Relaxed))
    }

    /// Of the latest 10 ms that were played.
    pub fn heard(&self) -> f32 {
        f32::from_bits(self.heard.load(Ordering::Relaxed))
    }

    pub(super) fn set_sent(&self, level: f32) {
        self.sent.store(level.to_bits(), Ordering::Relaxed);
    }

    pub(super) fn set_heard(&self, level: f32) {
        self.heard.store(level.to_bits(), Ordering::Relaxed);
    }
}
