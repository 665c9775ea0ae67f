//! The one thread that sends for all calls: each every 20 ms, spread evenly over them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::line::Line;

/// One wake-up sends for every twentieth call.
const BEAT: Duration = Duration::from_millis(1);
const BEATS: usize = 20;

/// Stopped when dropped.
#[derive(Debug)]
pub(crate) struct Metronome {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    lines: Mutex<Vec<Line>>,
    stopped: AtomicBool,
}

impl Metronome {
    /// Beats at once.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("metronome".to_owned())
            .spawn(move || of_thread.run())?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Sends for this one, too, until the end.
    pub(crate) fn add(&self, line: Line) {
        let mut lines = self.shared.lines.lock();
        lines
            .as_mut()
            .unwrap_or_else(|poisoned| poisoned.get_mut())
            .push(line);
    }
}

impl Drop for Metronome {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic over there has been reported by its own thread.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self) {
        let start = Instant::now();
        for beat in 0_u32.. {
            let due = start + BEAT * beat;
            // A late beat does not move those that follow: no packet is left out.
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if self.stopped.load(Ordering::Relaxed) {
                return;
            }
            let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = beat as usize % BEATS;
            for line in lines.iter().skip(turn).step_by(BEATS) {
                line.send(Instant::now());
            }
        }
    }
}
