//! Nothing to send, nothing to open.

use super::*;
use crate::audio::ErrorClass;

#[test]
fn muting_and_off_are_silent() {
    let (off, mut events) = capture("off");
    let (packets, mut arriving) = mpsc::channel(64);
    let id = off.add(packets);
    off.set_muted(true);
    off.remove(id);
    assert!(arriving.try_recv().is_err() && events.try_recv().is_err());
    assert_eq!(off.stats(), CaptureStats::default());

    let (tone, _events) = capture("tone:440");
    tone.set_muted(true);
    let (packets, mut arriving) = mpsc::channel(64);
    tone.add(packets);
    next(&mut arriving);
    next(&mut arriving);
    assert_eq!(tone.stats().total_audio_energy, 0.0);
    tone.set_muted(false);
    while tone.stats().total_audio_energy == 0.0 {
        next(&mut arriving);
    }
}

#[test]
fn what_cannot_be_opened_is_said_at_once() {
    let (events, _receiver) = mpsc::channel(1);
    let source = "file:/nowhere/speech.wav".parse().unwrap();
    let options = CaptureOptions {
        source,
        ..CaptureOptions::default()
    };
    let error = Capture::open(&options, None, events.clone()).unwrap_err();
    assert_eq!(error.class(), ErrorClass::File);
    let options = PlaybackOptions {
        sink: "file:/nowhere/got.wav".parse().unwrap(),
        ..PlaybackOptions::default()
    };
    assert_eq!(
        Playback::open(&options, events.clone())
            .unwrap_err()
            .class(),
        ErrorClass::File
    );
    let options = CaptureOptions {
        source: SourceSpec::Silence,
        ptime_ms: 30,
        ..CaptureOptions::default()
    };
    assert!(
        Capture::open(&options, None, events)
            .unwrap_err()
            .to_string()
            .contains("30 ms")
    );
}
