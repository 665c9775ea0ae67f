//! Mute and volume: of all calls at once, also of those that begin later.

use std::sync::Arc;

use super::SoundDesk;
use crate::media::{Capture, Levels};

/// One press of the volume, and how far it goes, dB.
const STEP: i32 = 3;
const VOLUMES: std::ops::RangeInclusive<i32> = -30..=12;

/// What somebody at the keyboard wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Send silence, or sound again.
    Mute,
    /// Play louder.
    Louder,
    /// Play softer.
    Softer,
}

/// How it stands.
#[derive(Debug, Default)]
pub(super) struct Controls {
    muted: bool,
    volume: i32,
    levels: Arc<Levels>,
}

impl Controls {
    pub(super) fn of_capture(&self, capture: &Capture) {
        capture.set_muted(self.muted);
        capture.show(self.levels.clone());
    }
}

impl SoundDesk {
    /// Shows from now on how loud it is.
    pub(in crate::call) fn show(&mut self, levels: Arc<Levels>) {
        self.playback.show(levels.clone());
        self.controls.levels = levels;
        self.control_captures();
    }

    /// Does it, and gives how it stands: muted, and the volume in dB.
    pub(in crate::call) fn control(&mut self, control: Control) -> (bool, i32) {
        let controls = &mut self.controls;
        let step = match control {
            Control::Mute => {
                controls.muted = !controls.muted;
                0
            }
            Control::Louder => STEP,
            Control::Softer => -STEP,
        };
        controls.volume = (controls.volume + step).clamp(*VOLUMES.start(), *VOLUMES.end());
        let gain = 10f32.powf(controls.volume as f32 / 20.0);
        let state = (controls.muted, controls.volume);
        self.playback.set_volume(gain);
        self.control_captures();
        state
    }

    fn control_captures(&self) {
        let own = self
            .own
            .values()
            .chain(&self.first)
            .map(|tagged| &tagged.capture);
        for capture in own.chain(&self.shared) {
            self.controls.of_capture(capture);
        }
    }
}
