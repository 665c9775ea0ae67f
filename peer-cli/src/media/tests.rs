#![allow(clippy::unwrap_used)]

mod edges;
mod network;
mod pauses;

use std::path::Path;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;

use super::*;
use crate::audio::Read;
use crate::audio::spec::{SinkSpec, SourceSpec};
use crate::proto::channels::Channels;
use crate::proto::packet::Packet;
use crate::proto::sound_check::CheckReport;

/// Long enough for a machine that does ten other things.
const PATIENCE: Duration = Duration::from_secs(30);

fn capture(source: &str) -> (Capture, mpsc::Receiver<MediaEvent>) {
    let (events, receiver) = mpsc::channel(64);
    let options = CaptureOptions {
        source: source.parse().unwrap(),
        ..CaptureOptions::default()
    };
    (Capture::open(&options, None, events).unwrap(), receiver)
}

fn playback(sink: &str) -> (Playback, mpsc::Receiver<MediaEvent>) {
    let (events, receiver) = mpsc::channel(64);
    let options = PlaybackOptions {
        sink: sink.parse().unwrap(),
        ..PlaybackOptions::default()
    };
    (Playback::open(&options, events).unwrap(), receiver)
}

/// Waits for something to come out of a queue.
fn next<T>(receiver: &mut mpsc::Receiver<T>) -> T {
    let started = Instant::now();
    loop {
        match receiver.try_recv() {
            Ok(item) => return item,
            Err(_) if started.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(1)),
            Err(error) => panic!("nothing came: {error}"),
        }
    }
}

/// Waits for a certain event; those before it are passed over.
fn wait_for(
    receiver: &mut mpsc::Receiver<MediaEvent>,
    wanted: impl Fn(&MediaEvent) -> bool,
) -> MediaEvent {
    loop {
        let event = next(receiver);
        assert!(
            !matches!(event, MediaEvent::Failed(_) | MediaEvent::Warning { .. }),
            "{event:?}"
        );
        if wanted(&event) {
            return event;
        }
    }
}

fn read_wav(path: &Path) -> Vec<f32> {
    let spec = SourceSpec::File {
        path: path.to_owned(),
        repeat: false,
    };
    let mut source = crate::audio::open_source(&spec, Channels::Mono)
        .unwrap()
        .unwrap();
    source.start().unwrap();
    let (mut sound, mut frame) = (Vec::new(), [0.0; 480]);
    loop {
        match source.read(&mut frame).unwrap() {
            Read::Full => sound.extend_from_slice(&frame),
            Read::Last(samples) => {
                sound.extend_from_slice(&frame[..samples]);
                return sound;
            }
            Read::NotYet => panic!("files never wait"),
        }
    }
}

/// Writes a tone of so many samples, loud from the first to the last.
fn write_tone(path: &Path, hz: u32, samples: usize) {
    let mut tone = crate::audio::open_source(&SourceSpec::Tone { hz }, Channels::Mono)
        .unwrap()
        .unwrap();
    let mut sink =
        crate::audio::open_sink(&SinkSpec::File(path.to_owned()), Channels::Mono).unwrap();
    let mut frame = [0.0; 480];
    for _ in 0..samples / 480 {
        tone.read(&mut frame).unwrap();
        sink.write(&frame).unwrap();
    }
    sink.close().unwrap();
}

#[test]
fn a_file_arrives_whole_from_its_first_to_its_last_sample() {
    let folder = tempfile::tempdir().unwrap();
    let (sent, got) = (
        folder.path().join("sent.wav"),
        folder.path().join("got.wav"),
    );
    // Not a whole number of packets: the rest must come, too.
    write_tone(&sent, 600, 48_480);
    let (capture, mut sending) = capture(&format!("file:{}", sent.display()));
    let (playback, mut playing) = playback(&format!("file:{}", got.display()));
    let (packets, arriving) = mpsc::channel(256);
    playback.add(StreamId(1), arriving, vec![SoundCheck::Audio]);
    wait_for(&mut playing, |e| {
        matches!(
            e,
            MediaEvent::PlaybackStarted {
                stream: StreamId(1),
                ..
            }
        )
    });
    capture.add(packets);
    wait_for(&mut sending, |e| {
        matches!(e, MediaEvent::CaptureStarted { .. })
    });
    wait_for(&mut sending, |e| *e == MediaEvent::CaptureEnded);
    assert_eq!(capture.stats().packets, 51);
    playback.drain(StreamId(1));
    wait_for(&mut playing, |e| {
        *e == MediaEvent::Drained {
            stream: StreamId(1),
        }
    });
    assert!(playback.checks(StreamId(1))[0].met);
    let stats = playback.stats(StreamId(1)).unwrap();
    assert_eq!((stats.packets_received, stats.packets_lost), (51, 0));
    playback.close().unwrap();

    let sound = read_wav(&got);
    let loud: Vec<usize> = (0..sound.len())
        .filter(|n| sound[*n].abs() > 0.05)
        .collect();
    let heard = loud.last().unwrap() - loud[0];
    let stretched = stats.inserted_samples_for_deceleration + stats.concealed_samples;
    let shortest = 48_480 - 480 - stats.removed_samples_for_acceleration as usize;
    assert!(
        (shortest..=48_480 + 480 + stretched as usize).contains(&heard),
        "{heard} {stats:?}"
    );
}

#[test]
fn the_right_tone_is_recognised_through_the_codec_and_the_wrong_one_is_not() {
    let (capture, _sending) = capture("tone:440");
    let (playback, mut playing) = playback("null");
    let (packets, arriving) = mpsc::channel(256);
    let (right, wrong) = (SoundCheck::Tone { hz: 440 }, SoundCheck::Tone { hz: 450 });
    let before = Instant::now();
    playback.add(StreamId(3), arriving, vec![wrong, right]);
    capture.add(packets);
    let first = wait_for(&mut playing, |e| matches!(e, MediaEvent::FirstSound { .. }));
    assert!(
        matches!(first, MediaEvent::FirstSound { stream: StreamId(3), at } if at > before && at < Instant::now())
    );
    let met = wait_for(&mut playing, |e| matches!(e, MediaEvent::CheckMet { .. }));
    assert!(
        matches!(met, MediaEvent::CheckMet { check, ref got, .. } if check == right && got.contains("440 Hz")),
        "{met:?}"
    );
    let reports = playback.checks(StreamId(3));
    assert_eq!((reports[0].met, reports[1].met), (false, true));
    assert!(reports[0].got.contains("440 Hz"), "{}", reports[0].got);
    playback.remove(StreamId(3));
    assert!(playback.stats(StreamId(3)).unwrap().total_audio_energy > 0.0);
    // Another 10 ms may have been played in between: that may move a share by one percent.
    let verdict = |reports: &[CheckReport]| -> Vec<_> {
        reports
            .iter()
            .map(|report| (report.check, report.met))
            .collect()
    };
    assert_eq!(verdict(&playback.checks(StreamId(3))), verdict(&reports));
    assert_eq!(
        (playback.stats(StreamId(4)), playback.checks(StreamId(4))),
        (None, Vec::new())
    );
}

#[test]
fn listeners_get_the_same_packets_and_a_slow_one_loses_only_its_own() {
    let (capture, mut sending) = capture("tone:440");
    let ((a, mut from_a), (b, mut from_b), (slow, _unread)) =
        (mpsc::channel(64), mpsc::channel(64), mpsc::channel(1));
    let a = capture.add(a);
    let first = next(&mut from_a);
    assert_eq!(
        (first.sequence, first.timestamp, first.ssrc, first.marker),
        (0, 0, 0, true)
    );
    capture.add(slow);
    capture.add(b);
    let shared = next(&mut from_b);
    let same =
        std::iter::from_fn(|| Some(next(&mut from_a))).find(|p| p.sequence == shared.sequence);
    assert_eq!(same.unwrap(), shared);
    while capture.stats().dropped == 0 {
        next(&mut from_b);
    }
    capture.remove(a);
    drop(from_b);
    drop(_unread);
    // With nobody left the source stops; the next listener hears it from the start.
    wait_for(&mut sending, |e| {
        matches!(e, MediaEvent::CaptureStarted { .. })
    });
    let again = loop {
        let (c, mut from_c) = mpsc::channel(64);
        let id = capture.add(c);
        let packet = next(&mut from_c);
        if packet.sequence == 0 {
            break packet;
        }
        capture.remove(id);
    };
    assert_eq!((again.timestamp, again.marker), (0, true));
    wait_for(&mut sending, |e| {
        matches!(e, MediaEvent::CaptureStarted { .. })
    });
}

#[test]
fn packets_keep_time_without_drift() {
    let (capture, _sending) = capture("silence");
    let (packets, mut arriving) = mpsc::channel(64);
    capture.add(packets);
    let first = next(&mut arriving);
    let last = std::iter::from_fn(|| Some(next(&mut arriving)))
        .nth(59)
        .unwrap();
    let took = last.arrival - first.arrival;
    assert_eq!((last.sequence, last.timestamp), (60, 60 * 960));
    assert!(
        took > Duration::from_millis(1100) && took < Duration::from_secs(10),
        "{took:?}"
    );
}

#[test]
fn streams_are_mixed_and_a_paused_file_does_not_grow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mix.wav");
    let (low, _low_events) = capture("tone:400");
    let (high, _high_events) = capture("tone:1900");
    let (playback, mut playing) = playback(&format!("file:{}", path.display()));
    for (id, capture, hz) in [(1, &low, 400), (2, &high, 1900)] {
        let (packets, arriving) = mpsc::channel(256);
        playback.add(StreamId(id), arriving, vec![SoundCheck::Tone { hz }]);
        capture.add(packets);
    }
    for _ in 0..2 {
        wait_for(&mut playing, |e| matches!(e, MediaEvent::CheckMet { .. }));
    }
    playback.remove(StreamId(1));
    playback.remove(StreamId(2));
    assert!(playback.stats(StreamId(2)).is_some());
    let length = std::fs::metadata(&path).unwrap().len();
    thread::sleep(Duration::from_millis(150));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), length);
    playback.close().unwrap();
    let sound = read_wav(&path);
    assert_eq!(sound.len() as u64, (length - 44) / 2);
    let peak = sound.iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
    assert!(peak > 0.4, "two tones of 0.25 each: {peak}");
}
