//! Between a call and a terminal: what was pressed, and what is shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::sound::Control;
use crate::media::Levels;

/// The call's end of a terminal with keys and a meter.
#[derive(Debug)]
pub struct Console {
    /// What was pressed.
    pub controls: mpsc::Receiver<Control>,
    /// What the meter shows.
    pub meter: Arc<Meter>,
}

/// What a terminal shows of the sound; written by the call, read by whoever draws.
#[derive(Debug, Default)]
pub struct Meter {
    /// How loud it is.
    pub levels: Arc<Levels>,
    muted: AtomicBool,
    volume: AtomicI32,
    calls: AtomicUsize,
}

impl Meter {
    /// Whether silence is sent.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.muted.load(Ordering::Relaxed)
    }

    /// The volume, dB.
    #[must_use]
    pub fn volume(&self) -> i32 {
        self.volume.load(Ordering::Relaxed)
    }

    /// Whether there is a call.
    #[must_use]
    pub fn is_in_call(&self) -> bool {
        self.calls.load(Ordering::Relaxed) > 0
    }

    pub(super) fn set(&self, (muted, volume): (bool, i32)) {
        self.muted.store(muted, Ordering::Relaxed);
        self.volume.store(volume, Ordering::Relaxed);
    }

    pub(super) fn set_calls(&self, calls: usize) {
        self.calls.store(calls, Ordering::Relaxed);
    }
}
