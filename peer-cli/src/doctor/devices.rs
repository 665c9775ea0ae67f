//! Microphone and speaker, opened and used for a moment.

use std::time::{Duration, Instant};

use super::facts::{Device, Heard};
use crate::audio::spec::{SinkSpec, SourceSpec};
use crate::audio::{self, AudioError, DeviceInfo, DeviceKind, FRAME, Read};
use crate::proto::channels::Channels;

/// Sound of a microphone that is looked at.
const LISTEN: Duration = Duration::from_millis(300);

/// A device that has done nothing by then does not work; a sound server may take two seconds at once.
const PATIENCE: Duration = Duration::from_secs(4);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// Opens and hears a microphone; nothing if it is off. Blocks for about half a second.
pub(super) fn hear(mic: &SourceSpec) -> Option<Device> {
    mic.is_device().then(|| Device {
        kind: DeviceKind::Input,
        named: *mic != SourceSpec::Default,
        result: listen(mic),
    })
}

/// Opens a speaker and plays silence; likewise.
pub(super) fn speak(speaker: &SinkSpec) -> Option<Device> {
    speaker.is_device().then(|| Device {
        kind: DeviceKind::Output,
        named: *speaker != SinkSpec::Default,
        result: play(speaker),
    })
}

fn listen(spec: &SourceSpec) -> Result<Heard, AudioError> {
    let silent = || broken(DeviceKind::Input, "gives no sound at all, not even silence");
    let mut source = audio::open_source(spec, Channels::Mono)?.ok_or_else(silent)?;
    source.start()?;
    let start = Instant::now();
    let (mut first, mut peak) = (None, 0_f32);
    let mut frame = [0_f32; FRAME];
    loop {
        match source.read(&mut frame)? {
            Read::NotYet if first.is_none() && start.elapsed() > PATIENCE => return Err(silent()),
            Read::NotYet => std::thread::sleep(LOOK),
            Read::Full | Read::Last(_) => {
                first.get_or_insert_with(|| start.elapsed());
                peak = frame
                    .iter()
                    .fold(peak, |peak, sample| peak.max(sample.abs()));
            }
        }
        if let Some(took) = first
            && start.elapsed() > took + LISTEN
        {
            source.stop();
            let name = name(DeviceKind::Input, |device| spec_is(device, spec));
            return Ok(Heard {
                name,
                took,
                peak: Some(peak),
            });
        }
    }
}

fn play(spec: &SinkSpec) -> Result<Heard, AudioError> {
    let mut sink = audio::open_sink(spec, Channels::Mono)?;
    sink.start()?;
    let start = Instant::now();
    let mut filled = false;
    loop {
        let wanted = sink.wanted()?;
        // It was full: that it wants more means that it has played some.
        if filled && wanted > 0 {
            break;
        }
        for _ in 0..wanted {
            sink.write(&[0.0; FRAME])?;
        }
        filled |= wanted > 0;
        if start.elapsed() > PATIENCE {
            return Err(broken(DeviceKind::Output, "takes no sound"));
        }
        std::thread::sleep(LOOK);
    }
    let took = start.elapsed();
    sink.stop()?;
    let name = name(DeviceKind::Output, |device| sink_is(device, spec));
    Ok(Heard {
        name,
        took,
        peak: None,
    })
}

fn broken(kind: DeviceKind, reason: &str) -> AudioError {
    AudioError::NoDevice {
        kind,
        reason: format!("it {reason}"),
    }
}

/// What people call it.
fn name(kind: DeviceKind, is_it: impl Fn(&DeviceInfo) -> bool) -> String {
    let devices = audio::devices().unwrap_or_default();
    let mut ours = devices.into_iter().filter(|device| device.kind == kind);
    ours.find(|device| is_it(device)).map_or_else(
        || "default".to_owned(),
        |device| format!("\"{}\"", device.name),
    )
}

fn spec_is(device: &DeviceInfo, spec: &SourceSpec) -> bool {
    match spec {
        SourceSpec::Name(name) => device.name.contains(name.as_str()),
        SourceSpec::Index(index) => device.index == *index,
        _ => device.default,
    }
}

fn sink_is(device: &DeviceInfo, spec: &SinkSpec) -> bool {
    match spec {
        SinkSpec::Name(name) => device.name.contains(name.as_str()),
        SinkSpec::Index(index) => device.index == *index,
        _ => device.default,
    }
}
