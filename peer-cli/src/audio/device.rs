//! Microphones and speakers. With the files in the folder of this name it is the only place that knows the system's sound.

mod eyes;
mod format;
mod input;
mod output;
mod spare;
mod stream;
mod system;
#[cfg(test)]
mod tests;

use cpal::traits::{DeviceTrait as _, HostTrait as _};

use super::{AudioError, DeviceInfo, DeviceKind, DeviceName, Sink, Source};
use crate::proto::channels::Channels;
pub(super) use eyes::Eyes;
use system::words;

/// Which device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    Default,
    Name(String),
    Index(usize),
}

/// A device, and what the user calls it.
struct Found {
    device: cpal::Device,
    info: DeviceInfo,
    id: String,
}

pub(super) fn devices() -> Result<Vec<DeviceInfo>, AudioError> {
    let mut all = list(DeviceKind::Input)?;
    all.extend(list(DeviceKind::Output)?);
    Ok(all.into_iter().map(|found| found.info).collect())
}

pub(super) fn open_source(
    choice: &Choice,
    channels: Channels,
) -> Result<Box<dyn Source>, AudioError> {
    let (device, name) = find(DeviceKind::Input, choice)?;
    let opened = input::Microphone::open(device, name, channels);
    Ok(Box::new(opened.map_err(|error| unusable(error, choice))?))
}

pub(super) fn open_sink(choice: &Choice, channels: Channels) -> Result<Box<dyn Sink>, AudioError> {
    let (device, name) = find(DeviceKind::Output, choice)?;
    let opened = output::Speaker::open(device, name, channels);
    Ok(Box::new(opened.map_err(|error| unusable(error, choice))?))
}

/// A device that nobody named may be missing: the call goes on without.
fn unusable(error: AudioError, choice: &Choice) -> AudioError {
    match error {
        AudioError::Device {
            kind, name, reason, ..
        } if *choice == Choice::Default => AudioError::NoDevice {
            kind,
            reason: format!("{name:?}: {reason}"),
        },
        AudioError::Device {
            kind, name, reason, ..
        } => AudioError::Device {
            kind,
            name,
            reason,
            devices: names(kind),
        },
        other => other,
    }
}

fn find(kind: DeviceKind, choice: &Choice) -> Result<(cpal::Device, DeviceName), AudioError> {
    if *choice == Choice::Default {
        let host = system::host();
        let device = host.as_ref().and_then(|host| match kind {
            DeviceKind::Input => host.default_input_device(),
            DeviceKind::Output => host.default_output_device(),
        });
        let reason = || {
            if host.is_some() {
                "none found"
            } else {
                "no sound system found"
            }
        };
        let device = device.ok_or_else(|| AudioError::NoDevice {
            kind,
            reason: reason().to_owned(),
        })?;
        let name = DeviceName {
            id: identifier(&device),
            title: device.to_string(),
        };
        return Ok((device, name));
    }
    let mut all = list(kind)?;
    let names: Vec<_> = all
        .iter()
        .map(|found| (found.info.name.as_str(), found.id.as_str()))
        .collect();
    match pick(&names, choice) {
        Ok(at) => {
            let Found { device, info, id } = all.swap_remove(at);
            let title = info.name;
            Ok((device, DeviceName { id, title }))
        }
        Err(reason) => {
            let devices = all.into_iter().map(|found| found.info.name).collect();
            let name = match choice {
                Choice::Name(name) => name.clone(),
                Choice::Index(index) => format!("#{index}"),
                Choice::Default => "default".to_owned(),
            };
            Err(AudioError::Device {
                kind,
                name,
                reason,
                devices,
            })
        }
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

fn names(kind: DeviceKind) -> Vec<String> {
    list(kind)
        .map(|all| all.into_iter().map(|found| found.info.name).collect())
        .unwrap_or_default()
}

/// All devices of a kind, in the order of their numbers.
fn list(kind: DeviceKind) -> Result<Vec<Found>, AudioError> {
    let Some(host) = system::host() else {
        return Ok(Vec::new());
    };
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
