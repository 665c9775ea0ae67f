//! `peer-cli devices`.

use crate::audio;
use crate::call::{Emitter, Outcome};
use crate::event::{Device, DeviceKind, Event};
use crate::exit::{Exit, Failure};

/// Tells each microphone and speaker.
pub(super) async fn list(emit: Emitter) -> Result<Outcome, Failure> {
    emit.emit(Event::Hello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        room: None,
        server: None,
    })
    .await;
    let devices = tokio::task::spawn_blocking(audio::devices)
        .await
        .map_err(|error| Failure::new(Exit::Internal, error.to_string()))?
        .map_err(|error| Failure::new(Exit::Device, error.to_string()))?;
    let count = devices.len();
    for device in devices {
        let kind = match device.kind {
            audio::DeviceKind::Input => DeviceKind::Input,
            audio::DeviceKind::Output => DeviceKind::Output,
        };
        emit.emit(Event::Device(Device {
            kind,
            index: device.index,
            name: device.name,
            default: device.default,
            rate: Some(device.rate).filter(|rate| *rate > 0),
            channels: Some(device.channels).filter(|channels| *channels > 0),
        }))
        .await;
    }
    if count == 0 {
        let hint = "calls work with --mic tone:440 and --speaker file:heard.wav";
        emit.emit(Event::warning_with(
            "no-devices",
            "no sound devices found",
            hint,
        ))
        .await;
    }
    Ok(Outcome {
        exit: Exit::Done,
        reason: format!("{count} devices"),
    })
}
