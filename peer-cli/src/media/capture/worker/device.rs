//! The microphone that comes and goes.

use std::time::Instant;

use super::Worker;
use crate::audio::spec::SourceSpec;
use crate::audio::{self, AudioError, DeviceKind, Sighting, Source};
use crate::media::MediaEvent;
use crate::media::capture::run::Phase;
use crate::media::standby::Place;

impl Worker {
    /// The source broke. A microphone is looked for, and silence is sent until then; anything else has ended.
    pub(super) fn broken(&mut self, error: AudioError) {
        let Some(run) = &mut self.run else { return };
        let is_microphone = error.is_of(DeviceKind::Input);
        match &mut self.standby {
            Some(standby) if is_microphone => {
                tracing::info!(%error, "the microphone broke");
                standby.broke(Instant::now());
                self.change(audio::silence());
            }
            _ => {
                run.phase = Phase::Ended;
                self.notices.send(MediaEvent::Failed(error));
                self.notices.send(MediaEvent::CaptureEnded);
            }
        }
    }

    /// What a look at the devices has shown: takes the best of what works.
    pub(super) fn seen(&mut self, seen: Sighting) {
        let (Some(standby), true) = (&self.standby, self.run.is_some()) else {
            return;
        };
        let found = standby.places(seen).into_iter().find_map(|place| {
            let mut source = self.open_at(place)?;
            source.start().ok()?;
            Some((place, source))
        });
        let place = found.as_ref().map(|(place, _)| *place);
        if let Some((_, source)) = found {
            self.change(source);
        }
        if let Some(news) = self.standby.as_mut().and_then(|s| s.settle(place)) {
            self.notices.send(news);
        }
    }

    fn open_at(&self, place: Place) -> Option<Box<dyn Source>> {
        let open = |spec| (self.open)(&spec, self.options.channels).ok().flatten();
        let named = |name| open(SourceSpec::Name(name));
        match place {
            Place::Wanted => self.standby.as_ref()?.names().into_iter().find_map(named),
            Place::Default => open(SourceSpec::Default),
            Place::Nowhere => Some(audio::silence()),
        }
    }

    /// Another source takes over in the middle.
    fn change(&mut self, source: Box<dyn Source>) {
        self.source.stop();
        self.overruns += self.source.overruns();
        if let Some(run) = &mut self.run {
            run.change_clock(Instant::now(), source.clock());
        }
        self.source = source;
    }
}
