//! Microphones and speakers. With the files in the folder of this name it is the only place that knows the system's sound.

mod bounded;
mod eyes;
mod format;
mod input;
mod output;
mod spare;
mod stream;
mod system;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use cpal::traits::{DeviceTrait as _, HostTrait as _};

use super::{AudioError, DeviceInfo, DeviceKind, DeviceName, Sink, Source};
use crate::proto::channels::Channels;
use bounded::bounded;
pub(super) use eyes::Eyes;
use system::{Hangs, words};

/// How long the sound system may take to tell what devices there are.
const LOOKING: Duration = Duration::from_secs(4);
/// What is said when it does not.
const HANGS: &str = "the sound server does not answer (it is stopped, or hangs: restart it)";

/// Which device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    Default,
    Name(String),
    Index(usize),
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::Default => f.write_str("default"),
            Choice::Name(name) => f.write_str(name),
            Choice::Index(index) => write!(f, "#{index}"),
        }
    }
}

/// A device, and what the user calls it.
struct Found {
    device: cpal::Device,
    info: DeviceInfo,
    id: String,
}

pub(super) fn devices() -> Result<Vec<DeviceInfo>, AudioError> {
    let both = |host: &cpal::Host| {
        let mut all = list(host, DeviceKind::Input)?;
        all.extend(list(host, DeviceKind::Output)?);
        Ok(all.into_iter().map(|found| found.info).collect())
    };
    match ask(both) {
        Ok(listed) => listed.unwrap_or(Ok(Vec::new())),
        Err(Hangs) => Err(AudioError::sound("list of devices", HANGS)),
    }
}

/// Asks the sound system; nothing where there is none.
fn ask<T: Send + 'static>(
    question: impl FnOnce(&cpal::Host) -> T + Send + 'static,
) -> Result<Option<T>, Hangs> {
    let asked = bounded(LOOKING, || {
        system::host().map(|host| host.as_ref().map(question))
    });
    asked.unwrap_or(Err(Hangs))
}

pub(super) fn open_source(
    choice: &Choice,
    channels: Channels,
) -> Result<Box<dyn Source>, AudioError> {
    let (device, name) = find(DeviceKind::Input, choice)?;
    system::quiet();
    let opened = input::Microphone::open(device, name, channels);
    Ok(Box::new(opened.map_err(|error| unusable(error, choice))?))
}

pub(super) fn open_sink(choice: &Choice, channels: Channels) -> Result<Box<dyn Sink>, AudioError> {
    let (device, name) = find(DeviceKind::Output, choice)?;
    system::quiet();
    let opened = output::Speaker::open(device, name, channels);
    Ok(Box::new(opened.map_err(|error| unusable(error, choice))?))
}

/// A device that nobody named may be missing: the call goes on without.
fn unusable(error: AudioError, choice: &Choice) -> AudioError {
    let AudioError::Device {
        kind, name, reason, ..
    } = error
    else {
        return error;
    };
    if *choice == Choice::Default {
        let reason = format!("{name:?}: {reason}");
        return AudioError::NoDevice { kind, reason };
    }
    match ask(move |host| list(host, kind)) {
        Ok(listed) => AudioError::Device {
            kind,
            name,
            reason,
            devices: names(listed.and_then(Result::ok).unwrap_or_default()),
        },
        Err(Hangs) => unanswered(kind, choice),
    }
}

fn unanswered(kind: DeviceKind, choice: &Choice) -> AudioError {
    let reason = HANGS.to_owned();
    match choice {
        Choice::Default => AudioError::NoDevice { kind, reason },
        choice => AudioError::Unanswered {
            kind,
            name: choice.to_string(),
            reason,
        },
    }
}

fn find(kind: DeviceKind, choice: &Choice) -> Result<(cpal::Device, DeviceName), AudioError> {
    let wanted = choice.clone();
    let found = ask(move |host| match wanted {
        Choice::Default => default(host, kind),
        wanted => named(list(host, kind)?, kind, &wanted),
    });
    match found {
        Ok(Some(found)) => found,
        Ok(None) if *choice == Choice::Default => Err(AudioError::NoDevice {
            kind,
            reason: "no sound system found".to_owned(),
        }),
        Ok(None) => named(Vec::new(), kind, choice),
        Err(Hangs) => Err(unanswered(kind, choice)),
    }
}

fn default(host: &cpal::Host, kind: DeviceKind) -> Result<(cpal::Device, DeviceName), AudioError> {
    let device = match kind {
        DeviceKind::Input => host.default_input_device(),
        DeviceKind::Output => host.default_output_device(),
    };
    let device = device.ok_or_else(|| AudioError::NoDevice {
        kind,
        reason: "none found".to_owned(),
    })?;
    let name = DeviceName {
        id: identifier(&device),
        title: device.to_string(),
    };
    Ok((device, name))
}

fn named(
    mut all: Vec<Found>,
    kind: DeviceKind,
    choice: &Choice,
) -> Result<(cpal::Device, DeviceName), AudioError> {
    let known: Vec<_> = all
        .iter()
        .map(|found| (found.info.name.as_str(), found.id.as_str()))
        .collect();
    match pick(&known, choice) {
        Ok(at) => {
            let Found { device, info, id } = all.swap_remove(at);
            let title = info.name;
            Ok((device, DeviceName { id, title }))
        }
        Err(reason) => Err(AudioError::Device {
            kind,
            name: choice.to_string(),
            reason,
            devices: names(all),
        }),
    }
}

/// The device meant, among (name, identifier): by number, name, identifier, or a part of the name that no other has.
fn pick(all: &[(&str, &str)], choice: &Choice) -> Result<usize, String> {
    let name = match choice {
        Choice::Index(index) if *index < all.len() => return Ok(*index),
        Choice::Name(name) => name,
        Choice::Index(_) | Choice::Default => return Err(missing()),
    };
    if let Some(at) = all
        .iter()
        .position(|(other, id)| other == name || id == name)
    {
        return Ok(at);
    }
    let part = name.to_lowercase();
    let mut alike = (0..all.len()).filter(|at| all[*at].0.to_lowercase().contains(&part));
    match (alike.next(), alike.next()) {
        (Some(at), None) => Ok(at),
        (Some(_), Some(_)) => Err("several devices are called so".to_owned()),
        (None, _) => Err(missing()),
    }
}

fn identifier(device: &cpal::Device) -> String {
    device.id().map(|id| id.id().to_owned()).unwrap_or_default()
}

fn missing() -> String {
    "not found".to_owned()
}

fn names(all: Vec<Found>) -> Vec<String> {
    all.into_iter().map(|found| found.info.name).collect()
}

/// All devices of a kind, in the order of their numbers.
fn list(host: &cpal::Host, kind: DeviceKind) -> Result<Vec<Found>, AudioError> {
    let failed = |error: cpal::Error| AudioError::sound("list of devices", words(&error));
    let (devices, default): (Vec<cpal::Device>, _) = match kind {
        DeviceKind::Input => (
            host.input_devices().map_err(failed)?.collect(),
            host.default_input_device(),
        ),
        DeviceKind::Output => (
            host.output_devices().map_err(failed)?.collect(),
            host.default_output_device(),
        ),
    };
    let default = default.map(|device| identifier(&device));
    let useful = devices
        .into_iter()
        .filter(|device| system::is_useful(&identifier(device)));
    let found = useful.enumerate().map(|(index, device)| {
        let config = match kind {
            DeviceKind::Input => device.default_input_config(),
            DeviceKind::Output => device.default_output_config(),
        };
        let (rate, channels) =
            config.map_or((0, 0), |config| (config.sample_rate(), config.channels()));
        let id = identifier(&device);
        let default = default.as_deref() == Some(&id);
        let info = DeviceInfo {
            index,
            name: device.to_string(),
            kind,
            default,
            rate,
            channels,
        };
        Found { device, info, id }
    });
    Ok(found.collect())
}
