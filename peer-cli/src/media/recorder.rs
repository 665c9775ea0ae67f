//! The recorder: what is sent on the left, what is heard on the right, on a thread of its own, since disks take their time.
//! Whatever they do, nobody waits for them: not who gives the sound, and not who ends a call.

mod loss;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::MediaEvent;
use super::mailbox::Mailbox;
use crate::audio::{self, AudioError, Recording, SAMPLE_RATE};
use crate::proto::two_tracks::Side;
use loss::Losses;
use writer::{Order, record};

/// Pieces that wait for a slow disk: some seconds; then sound is lost. As many may be in the hands of the writer.
const QUEUE: usize = 1024;
/// How long a file may take to open, and to be complete at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// A file that grows while there is a call.
#[derive(Debug)]
pub struct Recorder {
    shared: Arc<Shared>,
    givers: AtomicU64,
    patience: Duration,
    /// How it ended; nothing once that has been told. Never locked: it lets a recorder be shared.
    ended: Option<Mutex<Receiver<Result<(), AudioError>>>>,
}

/// Where one giver of sound puts what it has.
#[derive(Debug, Clone)]
pub struct RecordTap {
    sides: &'static [Side],
    giver: u64,
    shared: Arc<Shared>,
}

/// What the recorder, its givers and the writer have in common.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    orders: Mailbox<Order>,
    losses: Mutex<Losses>,
    /// Samples of each side that the file has.
    written: AtomicU64,
    /// It failed: nothing is taken any more.
    over: AtomicBool,
    events: Sender<MediaEvent>,
}

impl Recorder {
    /// Creates the file; nothing is recorded before [`Self::resume`]. What goes wrong with it later is told to `events`.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path, events: Sender<MediaEvent>) -> Result<Recorder, AudioError> {
        let place = path.to_owned();
        Recorder::open(path, events, PATIENCE, move || {
            audio::create_recording(&place)
        })
    }

    fn open(
        path: &Path,
        events: Sender<MediaEvent>,
        patience: Duration,
        create: impl FnOnce() -> Result<Box<dyn Recording>, AudioError> + Send + 'static,
    ) -> Result<Recorder, AudioError> {
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            orders: Mailbox::new(),
            losses: Mutex::default(),
            written: AtomicU64::new(0),
            over: AtomicBool::new(false),
            events,
        });
        let theirs = shared.clone();
        let (opened, result) = sync_channel(1);
        let (end, ended) = sync_channel(1);
        // The writer stays on the thread that opened it.
        let work = move || match create() {
            Ok(file) => {
                // Whoever asked may have given up waiting.
                let _ = opened.send(Ok(()));
                let _ = end.send(record(file, &theirs));
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(work)
            .map_err(|error| AudioError::sound("recorder thread", error))?;
        let result = result.recv_timeout(patience);
        result.unwrap_or_else(|_| Err(shared.never_opened(patience)))?;
        Ok(Recorder {
            shared,
            givers: AtomicU64::new(0),
            patience,
            ended: Some(Mutex::new(ended)),
        })
    }

    /// For one more giver of sound; each side is the sum of its givers.
    pub fn tap(&self, sides: &'static [Side]) -> RecordTap {
        RecordTap {
            sides,
            giver: self.givers.fetch_add(1, Ordering::Relaxed),
            shared: self.shared.clone(),
        }
    }

    /// A call begins: here the file goes on.
    pub fn resume(&self) {
        let now = Instant::now();
        self.shared
            .order(|orders| orders.push_back(Order::Resume(now)));
    }

    /// The last call has ended: until the next one nothing is added.
    pub fn pause(&self) {
        self.shared.order(|orders| match orders.back() {
            // Nothing found room in between: with a disk that hangs these two would be all that piles up.
            Some(Order::Resume(_)) => drop(orders.pop_back()),
            _ => orders.push_back(Order::Pause),
        });
        // Nothing is missing between calls.
        self.shared.losses().kept(Instant::now());
    }

    /// Completes the file.
    ///
    /// # Errors
    /// When that fails or takes too long, when something failed before, or when sound is missing from it.
    pub fn close(mut self) -> Result<(), AudioError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), AudioError> {
        let Some(ended) = self.ended.take() else {
            return Ok(());
        };
        self.shared.orders.post(Order::Finish);
        let ended = ended.into_inner();
        let ended = ended.unwrap_or_else(|poisoned| poisoned.into_inner());
        match ended.recv_timeout(self.patience) {
            Ok(outcome) => outcome?,
            // A thread that hangs is left to itself.
            Err(RecvTimeoutError::Timeout) => return Err(self.shared.never_ended(self.patience)),
            // A panic over there has been reported by its own thread.
            Err(RecvTimeoutError::Disconnected) => {}
        }
        self.shared.is_whole()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Whoever wants to know closes it.
        let _ = self.end();
    }
}

impl RecordTap {
    /// Adds sound whose first sample was heard, or will be, at this time.
    pub(super) fn put(&self, at: Instant, piece: &[f32]) {
        for side in self.sides {
            let order = Order::Piece(*side, self.giver, at, piece.to_vec());
            let kept = self.shared.order(|orders| offer(orders, order));
            if let Some(kept) = kept {
                self.shared.count(at, kept);
            }
        }
    }
}

impl Shared {
    /// Changes what the writer is to do, as long as there is one.
    fn order<R>(&self, change: impl FnOnce(&mut VecDeque<Order>) -> R) -> Option<R> {
        let over = self.over.load(Ordering::Relaxed);
        (!over).then(|| self.orders.arrange(change))
    }

    /// Counts a piece that found room or none, and says so when sound is lost.
    fn count(&self, at: Instant, kept: bool) {
        let mut losses = self.losses();
        if kept {
            return losses.kept(at);
        }
        let Some(missing) = losses.lost(at) else {
            return;
        };
        let so_far = match missing {
            Duration::ZERO => String::new(),
            missing => format!(" ({:.1} s so far)", missing.as_secs_f64()),
        };
        let path = self.path.display();
        let warning = MediaEvent::Warning {
            code: "recording-slow",
            text: format!("the disk is too slow for {path}: sound is missing from it{so_far}"),
            hint: Some("the call goes on".to_owned()),
        };
        // Nobody is waited for; what is missing is told at the end as well.
        if self.events.try_send(warning).is_err() {
            losses.untold();
        }
    }

    /// Nothing is missing.
    fn is_whole(&self) -> Result<(), AudioError> {
        match self.losses().total(Instant::now()) {
            Duration::ZERO => Ok(()),
            missing => Err(self.failed(format!(
                "{:.1} s of it are missing: the disk was too slow",
                missing.as_secs_f64()
            ))),
        }
    }

    fn never_opened(&self, patience: Duration) -> AudioError {
        self.failed(format!(
            "cannot be written: it has not opened for {} s (a pipe that nobody reads, or a disk that hangs?)",
            patience.as_secs()
        ))
    }

    fn never_ended(&self, patience: Duration) -> AudioError {
        let there = self.written.load(Ordering::Relaxed) as f64 / f64::from(SAMPLE_RATE);
        self.failed(format!(
            "cannot be written: it has taken nothing for {} s, and holds only the first {there:.1} s",
            patience.as_secs()
        ))
    }

    fn failed(&self, reason: String) -> AudioError {
        AudioError::File {
            path: self.path.clone(),
            reason,
        }
    }

    fn losses(&self) -> MutexGuard<'_, Losses> {
        // Some numbers: a panic elsewhere leaves nothing half done.
        self.losses
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Puts it to the others if there is room.
fn offer(orders: &mut VecDeque<Order>, order: Order) -> bool {
    let room = orders.len() < QUEUE;
    if room {
        orders.push_back(order);
    }
    room
}
