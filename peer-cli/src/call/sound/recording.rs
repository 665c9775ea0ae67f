//! The recording of all calls: it goes on while there is one, and rests in between.

use std::collections::HashSet;

use crate::call::session::Key;
use crate::media::{Capture, Playback, Recorder};
use crate::proto::two_tracks::Side;

/// What `--record` asked for, if it did.
pub(super) struct Recording {
    recorder: Option<Recorder>,
    calls: HashSet<Key>,
}

impl Recording {
    pub(super) fn new(recorder: Option<Recorder>) -> Self {
        Self {
            recorder,
            calls: HashSet::new(),
        }
    }

    /// Records what is heard; an echo sends the same.
    pub(super) fn of_playback(&self, playback: &Playback, echo: bool) {
        let sides: &[Side] = match echo {
            true => &[Side::Us, Side::Them],
            false => &[Side::Them],
        };
        if let Some(recorder) = &self.recorder {
            playback.record(recorder.tap(sides));
        }
    }

    /// Records what is sent.
    pub(super) fn of_capture(&self, capture: &Capture) {
        if let Some(recorder) = &self.recorder {
            capture.record(recorder.tap(&[Side::Us]));
        }
    }

    /// A call is connected.
    pub(super) fn start(&mut self, key: Key) {
        let first = self.calls.is_empty();
        self.calls.insert(key);
        if let Some(recorder) = self.recorder.as_ref().filter(|_| first) {
            recorder.resume();
        }
    }

    /// A call is over.
    pub(super) fn stop(&mut self, key: Key) {
        let last = self.calls.remove(&key) && self.calls.is_empty();
        if let Some(recorder) = self.recorder.as_ref().filter(|_| last) {
            recorder.pause();
        }
    }

    /// Completes the file.
    pub(super) fn close(self) -> Result<(), crate::audio::AudioError> {
        self.recorder.map_or(Ok(()), Recorder::close)
    }
}
