//! The recorder: what is sent on the left, what is heard on the right, on a thread of its own, since disks take their time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::MediaEvent;
use crate::audio::{self, AudioError, Recording};
use crate::proto::two_tracks::{Side, TwoTracks};

/// Pieces that wait for a slow disk: some seconds; then sound is lost.
const QUEUE: usize = 1024;
/// Between two looks at what is complete.
const LOOK: Duration = Duration::from_millis(50);

/// A file that grows while there is a call.
#[derive(Debug)]
pub struct Recorder {
    orders: SyncSender<Order>,
    lost: Arc<AtomicU64>,
    givers: AtomicU64,
    thread: Option<JoinHandle<Result<(), AudioError>>>,
}

/// Where one giver of sound puts what it has.
#[derive(Debug, Clone)]
pub struct RecordTap {
    sides: &'static [Side],
    giver: u64,
    orders: SyncSender<Order>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Order {
    Resume(Instant),
    Pause,
    Piece(Side, u64, Instant, Vec<f32>),
    Finish,
}

impl Recorder {
    /// Creates the file; nothing is recorded before [`Self::resume`]. A full disk is told to `events`.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(path: &Path, events: Sender<MediaEvent>) -> Result<Recorder, AudioError> {
        let (orders, received) = sync_channel(QUEUE);
        let (path, (opened, result)) = (path.to_owned(), sync_channel(1));
        // The writer stays on the thread that opened it.
        let work = move || match audio::create_recording(&path) {
            Ok(file) => {
                // Whoever asked waits for it.
                let _ = opened.send(Ok(()));
                record(file, &received, &events)
            }
            Err(error) => {
                let _ = opened.send(Err(error));
                Ok(())
            }
        };
        let thread = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(work);
        let thread = thread.map_err(|error| AudioError::sound("recorder thread", error))?;
        let ended = || AudioError::sound("recorder thread", "it ended before the file was open");
        result.recv().unwrap_or_else(|_| Err(ended()))?;
        Ok(Recorder {
            orders,
            lost: Arc::default(),
            givers: AtomicU64::new(0),
            thread: Some(thread),
        })
    }

    /// For one more giver of sound; each side is the sum of its givers.
    pub fn tap(&self, sides: &'static [Side]) -> RecordTap {
        RecordTap {
            sides,
            giver: self.givers.fetch_add(1, Ordering::Relaxed),
            orders: self.orders.clone(),
            lost: self.lost.clone(),
        }
    }

    /// A call begins: here the file goes on.
    pub fn resume(&self) {
        // Only a thread that has ended takes no orders, and has said why.
        let _ = self.orders.send(Order::Resume(Instant::now()));
    }

    /// The last call has ended: until the next one nothing is added.
    pub fn pause(&self) {
        let _ = self.orders.send(Order::Pause);
    }

    /// Completes the file.
    ///
    /// # Errors
    /// When that fails, or something failed before.
    pub fn close(mut self) -> Result<(), AudioError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), AudioError> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        let _ = self.orders.send(Order::Finish);
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(
                lost,
                "pieces are missing from the recording: the disk was too slow"
            );
        }
        // A panic over there has been reported by its own thread.
        thread.join().unwrap_or(Ok(()))
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
            if self.orders.try_send(order).is_err() {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Writes until told to finish.
fn record(
    mut file: Box<dyn Recording>,
    orders: &Receiver<Order>,
    events: &Sender<MediaEvent>,
) -> Result<(), AudioError> {
    let outcome = take_orders(file.as_mut(), orders);
    if let Err(error) = &outcome {
        // With a full queue the error is still told at the end.
        let _ = events.try_send(MediaEvent::Failed(error.clone()));
        // Whoever still gives shall not wait for room.
        while !matches!(orders.recv(), Ok(Order::Finish) | Err(_)) {}
    }
    outcome
}

fn take_orders(file: &mut dyn Recording, orders: &Receiver<Order>) -> Result<(), AudioError> {
    let mut tracks = TwoTracks::default();
    // When the time line would have begun, had there been no pauses.
    let mut zero: Option<Instant> = None;
    let mut look = Instant::now();
    loop {
        let left = look.saturating_duration_since(Instant::now());
        match orders.recv_timeout(left) {
            Ok(Order::Resume(now)) => zero = now.checked_sub(tracks.length()),
            Ok(Order::Piece(side, giver, at, piece)) => {
                if let Some(zero) = zero {
                    tracks.put(side, giver, at.saturating_duration_since(zero), &piece);
                }
            }
            Ok(Order::Pause) => {
                zero = None;
                file.write(&tracks.finish())?;
                file.flush()?;
            }
            Ok(Order::Finish) | Err(RecvTimeoutError::Disconnected) => {
                file.write(&tracks.finish())?;
                return file.finish();
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if Instant::now() >= look {
            look = Instant::now() + LOOK;
            if let Some(zero) = zero {
                let now = Instant::now().saturating_duration_since(zero);
                file.write(&tracks.take(now))?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Left and right of a wav file.
    fn read(path: &Path) -> Vec<[i16; 2]> {
        let bytes = std::fs::read(path).unwrap();
        let data = u32::from_le_bytes(bytes[40..44].try_into().unwrap());
        assert_eq!(
            data as usize,
            bytes.len() - 44,
            "the header tells the length"
        );
        assert_eq!(bytes[22], 2, "two channels");
        let half = |at: usize| i16::from_le_bytes([bytes[at], bytes[at + 1]]);
        (44..bytes.len())
            .step_by(4)
            .map(|at| [half(at), half(at + 2)])
            .collect()
    }

    #[test]
    fn each_side_has_its_channel_and_pauses_cost_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("both.wav");
        let (events, _told) = tokio::sync::mpsc::channel(1);
        let recorder = Recorder::create(&path, events).unwrap();
        let (us, them) = (recorder.tap(&[Side::Us]), recorder.tap(&[Side::Them]));
        us.put(Instant::now(), &[0.9; 480]);
        for _ in 0..2 {
            recorder.resume();
            let now = Instant::now();
            us.put(now, &[0.5; 4800]);
            them.put(now + Duration::from_millis(50), &[-0.25; 4800]);
            recorder.pause();
        }
        us.put(Instant::now(), &[0.9; 480]);
        recorder.close().unwrap();
        let sound = read(&path);
        let count = |value: [i16; 2]| sound.iter().filter(|frame| **frame == value).count();
        // Threads take a moment between the resumption and the piece.
        assert!(sound.len().abs_diff(14_400) < 4800, "{}", sound.len());
        assert!(count([16_384, -8192]).abs_diff(4800) < 100);
        assert!(count([16_384, 0]).abs_diff(4800) < 100);
        assert!(count([0, -8192]).abs_diff(4800) < 100);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_known_at_once() {
        let (events, _told) = tokio::sync::mpsc::channel(1);
        let error = Recorder::create(Path::new("/no/such/folder/a.wav"), events).unwrap_err();
        assert!(
            error.to_string().contains("/no/such/folder/a.wav"),
            "{error}"
        );
    }
}
