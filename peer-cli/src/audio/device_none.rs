//! A build without microphones and speakers.

use super::{AudioError, DeviceInfo, DeviceKind, DeviceName, Sighting, Sink, Source};
use crate::proto::channels::Channels;

/// Which device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    Default,
    Name(String),
    Index(usize),
}

pub(super) fn devices() -> Result<Vec<DeviceInfo>, AudioError> {
    Ok(Vec::new())
}

pub(super) fn open_source(choice: &Choice, _: Channels) -> Result<Box<dyn Source>, AudioError> {
    Err(missing(DeviceKind::Input, choice))
}

pub(super) fn open_sink(choice: &Choice, _: Channels) -> Result<Box<dyn Sink>, AudioError> {
    Err(missing(DeviceKind::Output, choice))
}

/// There is nothing to see.
#[derive(Default)]
pub(crate) struct Eyes(());

impl Eyes {
    pub(crate) fn look(&mut self, _: DeviceKind, _: &DeviceName) -> Sighting {
        Sighting::default()
    }

    pub(crate) fn must_guard(&mut self) -> bool {
        false
    }
}

fn missing(kind: DeviceKind, choice: &Choice) -> AudioError {
    let reason =
        "this build has no support for devices (it was made without the feature \"devices\")";
    let reason = reason.to_owned();
    let name = match choice {
        Choice::Default => return AudioError::NoDevice { kind, reason },
        Choice::Name(name) => name.clone(),
        Choice::Index(index) => format!("#{index}"),
    };
    AudioError::Device {
        kind,
        name,
        reason,
        devices: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::ErrorClass;

    #[test]
    fn the_default_is_missing_and_a_named_device_is_an_error() {
        let class = |choice| {
            open_source(&choice, Channels::Mono)
                .err()
                .map(|error| error.class())
        };
        assert_eq!(class(Choice::Default), Some(ErrorClass::NoDevice));
        assert_eq!(class(Choice::Index(0)), Some(ErrorClass::Device));
        let error = open_sink(&Choice::Name("USB".to_owned()), Channels::Mono)
            .err()
            .map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("USB") && error.contains("feature")));
    }
}
