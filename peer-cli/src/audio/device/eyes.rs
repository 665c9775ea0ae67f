//! What devices there are just now, without opening any.

use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait as _, HostTrait as _};

use super::system::{self, SLOW};
use crate::audio::{DeviceKind, DeviceName, Sighting};

/// Each try to reach a server that hangs costs a thread, so the next one is far off.
const LONG_AFTER: Duration = Duration::from_secs(20);

/// Keeps its connection to the sound system: opening one for each look would leave a thread behind each time.
#[derive(Default)]
pub(crate) struct Eyes {
    host: Option<cpal::Host>,
    not_before: Option<Instant>,
}

impl Eyes {
    /// Looks for this device, and for one that `default` means.
    pub(crate) fn look(&mut self, kind: DeviceKind, wanted: &DeviceName) -> Sighting {
        let Some(seen) = self.host().and_then(|host| look(host, kind, wanted)) else {
            // Gone, or its connection is: the next look makes a new one.
            self.host = None;
            return Sighting::default();
        };
        seen
    }

    /// Whether a device can vanish without an error to whoever uses it: a sound server moves its streams elsewhere.
    pub(crate) fn must_guard(&mut self) -> bool {
        self.host().is_some_and(system::moves_streams)
    }

    fn host(&mut self) -> Option<&cpal::Host> {
        let now = Instant::now();
        if self.host.is_none() && self.not_before.is_none_or(|at| now >= at) {
            self.host = system::host().ok().flatten();
            self.not_before = (now.elapsed() > SLOW).then(|| now + LONG_AFTER);
        }
        self.host.as_ref()
    }
}

fn look(host: &cpal::Host, kind: DeviceKind, wanted: &DeviceName) -> Option<Sighting> {
    let id = |device: &cpal::Device| device.id().map(|id| id.id().to_owned()).ok();
    let of_kind = |device: &cpal::Device| match kind {
        DeviceKind::Input => device.supports_input(),
        DeviceKind::Output => device.supports_output(),
    };
    let is_wanted = |device: cpal::Device| {
        let same =
            id(&device).is_some_and(|id| id == wanted.id) || device.to_string() == wanted.title;
        same && of_kind(&device)
    };
    let default = match kind {
        DeviceKind::Input => host.default_input_device(),
        DeviceKind::Output => host.default_output_device(),
    };
    let default_id = default.as_ref().and_then(id);
    Some(Sighting {
        wanted: host.devices().ok()?.any(is_wanted),
        default: default.is_some(),
        is_default: default_id.is_some_and(|id| id == wanted.id),
    })
}
