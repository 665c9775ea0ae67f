//! A stream of the sound system, whose calls may never return.

use std::time::Duration;

use cpal::traits::StreamTrait as _;
use cpal::{Error, ErrorKind};

use super::bounded::bounded;

/// How long a device may take to begin.
const BEGINNING: Duration = Duration::from_secs(5);
/// How long it is waited for when it ends; what takes longer ends by itself.
const ENDING: Duration = Duration::from_secs(1);

/// Ended when dropped.
pub(super) struct Stream(Option<cpal::Stream>);

impl Stream {
    pub(super) fn new(stream: cpal::Stream) -> Stream {
        Stream(Some(stream))
    }

    /// Sets it going.
    pub(super) fn play(&mut self) -> Result<(), Error> {
        let Some(stream) = self.0.take() else {
            return Err(Error::new(ErrorKind::StreamInvalidated));
        };
        let played = bounded(BEGINNING, move || {
            let result = stream.play();
            (stream, result)
        });
        let (stream, result) = played.ok_or_else(|| {
            Error::with_message(ErrorKind::DeviceNotAvailable, "it does not answer")
        })?;
        self.0 = Some(stream);
        result
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(stream) = self.0.take() {
            bounded(ENDING, move || drop(stream));
        }
    }
}
