//! The recorder's thread.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Shared;
use crate::audio::{AudioError, Recording};
use crate::media::MediaEvent;
use crate::proto::two_tracks::{Side, TwoTracks};

/// Between two looks at what is complete.
const LOOK: Duration = Duration::from_millis(50);

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Order {
    Resume(Instant),
    Pause,
    Piece(Side, u64, Instant, Vec<f32>),
    Finish,
}

/// Writes until told to finish. A disk that is full ends the recording, not the call.
pub(super) fn record(file: Box<dyn Recording>, shared: &Shared) -> Result<(), AudioError> {
    let mut writer = Writer {
        file,
        shared,
        tracks: TwoTracks::default(),
        zero: None,
    };
    let outcome = writer.run();
    if let Err(error) = &outcome {
        shared.over.store(true, Ordering::Relaxed);
        shared.orders.arrange(VecDeque::clear);
        let warning = MediaEvent::Warning {
            code: "recording-failed",
            text: error.to_string(),
            hint: Some("the call goes on without being recorded".to_owned()),
        };
        // With a full queue the error is still told at the end.
        let _ = shared.events.try_send(warning);
    }
    outcome
}

struct Writer<'a> {
    file: Box<dyn Recording>,
    shared: &'a Shared,
    tracks: TwoTracks,
    /// When the time line would have begun, had there been no pauses; nothing between calls.
    zero: Option<Instant>,
}

impl Writer<'_> {
    fn run(&mut self) -> Result<(), AudioError> {
        let mut look = Instant::now() + LOOK;
        loop {
            let orders = self.shared.orders.wait(Some(look));
            // What was given until now is among them: whatever comes later belongs later.
            let now = Instant::now();
            for order in orders {
                match order {
                    Order::Resume(now) => self.zero = now.checked_sub(self.tracks.length()),
                    Order::Piece(side, giver, at, piece) => {
                        if let Some(zero) = self.zero {
                            let at = at.saturating_duration_since(zero);
                            self.tracks.put(side, giver, at, &piece);
                        }
                    }
                    Order::Pause => {
                        self.zero = None;
                        self.rest()?;
                        self.file.flush()?;
                    }
                    Order::Finish => {
                        self.rest()?;
                        return self.file.finish();
                    }
                }
            }
            if now >= look {
                look = now + LOOK;
                self.complete(now)?;
            }
        }
    }

    /// Writes what is complete.
    fn complete(&mut self, now: Instant) -> Result<(), AudioError> {
        let Some(zero) = self.zero else {
            return Ok(());
        };
        let now = now.saturating_duration_since(zero);
        loop {
            let sound = self.tracks.take(now);
            if sound.is_empty() {
                return Ok(());
            }
            self.write(&sound)?;
        }
    }

    /// Writes all that is left.
    fn rest(&mut self) -> Result<(), AudioError> {
        let sound = self.tracks.finish();
        self.write(&sound)
    }

    fn write(&mut self, sound: &[f32]) -> Result<(), AudioError> {
        self.file.write(sound)?;
        let frames = sound.len() as u64 / 2;
        self.shared.written.fetch_add(frames, Ordering::Relaxed);
        Ok(())
    }
}
