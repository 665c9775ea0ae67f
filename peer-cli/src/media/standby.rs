//! Which device works: the one that was asked for, the default one in its place, or none; and what people are told of it.

use std::time::{Duration, Instant};

use super::MediaEvent;
use crate::audio::{AudioError, DeviceKind, DeviceName, Lookout, Sighting};

#[cfg(test)]
mod tests;

/// A look that takes longer says that there is nothing.
const PATIENCE: Duration = Duration::from_secs(3);

/// What works just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The device that was asked for.
    Wanted,
    /// The default one, in its place.
    Default,
    /// None.
    Nowhere,
}

/// The wanted device and its stand-ins.
#[derive(Debug)]
pub(super) struct Standby {
    kind: DeviceKind,
    wanted: DeviceName,
    /// Nobody asked for this very device: it was the default one.
    by_default: bool,
    place: Place,
    /// What broke, and until when a look may find something better to tell.
    broken: Option<(Place, Instant)>,
    lookout: Lookout,
}

impl Standby {
    /// Of a device that works.
    pub(super) fn new(
        kind: DeviceKind,
        wanted: DeviceName,
        by_default: bool,
        tell: impl FnMut(Sighting) + Send + 'static,
    ) -> Result<Standby, AudioError> {
        Ok(Standby {
            kind,
            lookout: Lookout::new(kind, wanted.clone(), tell)?,
            wanted,
            by_default,
            place: Place::Wanted,
            broken: None,
        })
    }

    /// The names by which the wanted device is opened again, the surest first.
    pub(super) fn names(&self) -> [String; 2] {
        [self.wanted.id.clone(), self.wanted.title.clone()]
    }

    /// The device begins to work.
    pub(super) fn start(&self) {
        match self.place {
            Place::Wanted => self.lookout.guard(),
            Place::Default | Place::Nowhere => self.lookout.search(),
        }
    }

    /// Nobody uses it for now.
    pub(super) fn rest(&mut self) {
        self.broken = None;
        self.lookout.rest();
    }

    /// What worked has failed; nothing works until something was found.
    pub(super) fn broke(&mut self, now: Instant) {
        let first = self.broken.map_or(self.place, |(first, _)| first);
        self.broken = Some((first, now + PATIENCE));
        self.place = Place::Nowhere;
        self.lookout.search();
    }

    /// What to try, the best first. Where none of it works everything stays as it is.
    pub(super) fn places(&self, seen: Sighting) -> Vec<Place> {
        let wanted = seen.wanted && (!self.by_default || seen.is_default);
        // A default that is the device just lost is the news of a moment ago.
        let stands_in = seen.default && (seen.wanted || !seen.is_default);
        match self.place {
            Place::Wanted if seen.wanted => vec![],
            Place::Wanted if stands_in => vec![Place::Default, Place::Nowhere],
            Place::Wanted => vec![Place::Nowhere],
            Place::Default if wanted => vec![Place::Wanted],
            Place::Default => vec![],
            Place::Nowhere => {
                let possible = [(Place::Wanted, wanted), (Place::Default, stands_in)];
                let possible = possible.into_iter().filter(|(_, there)| *there);
                possible.map(|(place, _)| place).collect()
            }
        }
    }

    /// This works from now on; [`None`]: nothing that was tried. What is to be told about it.
    pub(super) fn settle(&mut self, place: Option<Place>) -> Option<MediaEvent> {
        let place = place.unwrap_or(self.place);
        let (from, broke) = match self.broken.take() {
            Some((from, _)) => (from, true),
            None => (self.place, false),
        };
        if place != self.place {
            self.place = place;
            self.start();
        }
        if from == place && !broke {
            return None;
        }
        let (kind, name) = (self.kind, self.wanted.title.clone());
        let now_on = (place == Place::Default).then(|| "default".to_owned());
        Some(match (from, place) {
            (_, Place::Wanted) => MediaEvent::DeviceBack { kind, name, now_on },
            (Place::Nowhere, Place::Nowhere) => return None,
            (Place::Nowhere | Place::Default, Place::Default) => {
                MediaEvent::DeviceBack { kind, name, now_on }
            }
            (Place::Default, Place::Nowhere) => MediaEvent::DeviceLost {
                kind,
                name: "default".to_owned(),
                now_on,
            },
            (Place::Wanted, Place::Default | Place::Nowhere) => {
                MediaEvent::DeviceLost { kind, name, now_on }
            }
        })
    }

    /// When to call [`Self::overdue`].
    pub(super) fn due(&self) -> Option<Instant> {
        self.broken.map(|(_, until)| until)
    }

    /// What is to be told when no look has ended in time.
    pub(super) fn overdue(&mut self, now: Instant) -> Option<MediaEvent> {
        self.due().filter(|due| *due <= now)?;
        self.settle(None)
    }
}
