//! The speaker that comes and goes.

use std::time::Instant;

use super::Worker;
use crate::audio::spec::SinkSpec;
use crate::audio::{self, AudioError, DeviceKind, Sighting, Sink};
use crate::media::MediaEvent;
use crate::media::standby::Place;

impl Worker {
    /// The sink broke. The call goes on without it, and a speaker is looked for.
    pub(super) fn broken(&mut self, error: AudioError) {
        self.change(audio::null());
        let is_speaker = error.is_of(DeviceKind::Output);
        match &mut self.standby {
            Some(standby) if is_speaker => {
                tracing::info!(%error, "the speaker broke");
                standby.broke(Instant::now());
            }
            _ => self.notices.send(MediaEvent::Failed(error)),
        }
    }

    /// What a look at the devices has shown: takes the best of what works.
    pub(super) fn seen(&mut self, seen: Sighting) {
        let (Some(standby), true) = (&self.standby, self.pace.is_some()) else {
            return;
        };
        let found = standby.places(seen).into_iter().find_map(|place| {
            let mut sink = self.open_at(place)?;
            sink.start().ok()?;
            Some((place, sink))
        });
        let place = found.as_ref().map(|(place, _)| *place);
        if let Some((_, sink)) = found {
            self.change(sink);
        }
        if let Some(news) = self.standby.as_mut().and_then(|s| s.settle(place)) {
            self.notices.send(news);
        }
    }

    fn open_at(&self, place: Place) -> Option<Box<dyn Sink>> {
        let named = |name: String| (self.open)(&SinkSpec::Name(name), self.channels).ok();
        match place {
            Place::Wanted => self.standby.as_ref()?.names().into_iter().find_map(named),
            Place::Default => (self.open)(&SinkSpec::Default, self.channels).ok(),
            Place::Nowhere => Some(audio::null()),
        }
    }

    /// Another sink takes over in the middle.
    fn change(&mut self, sink: Box<dyn Sink>) {
        self.output.leave(self.sink.as_ref());
        self.sink = sink;
        if let Some(pace) = &mut self.pace {
            pace.restart(Instant::now());
        }
    }
}
