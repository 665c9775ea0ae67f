#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::*;
use crate::audio::{DeviceKind, DeviceName, Sighting};

/// Frames that the default speaker got.
static SPARE_FRAMES: AtomicUsize = AtomicUsize::new(0);

/// A machine on which the default speaker is all there is.
fn open(spec: &SinkSpec, _: Channels) -> Result<Box<dyn Sink>, AudioError> {
    match spec {
        SinkSpec::Default => Ok(Box::new(Spare)),
        other => Err(AudioError::sound("no such speaker", other)),
    }
}

fn worker(events: mpsc::Sender<MediaEvent>, is_speaker: bool) -> Worker {
    let mailbox = Arc::new(Mailbox::new());
    let mut worker = Worker::open(&null(), Notices::new(events), &mailbox).unwrap();
    let (id, title) = ("usb.0".into(), "USB".into());
    let standby = Standby::new(DeviceKind::Output, DeviceName { id, title }, false, |_| {});
    worker.standby = is_speaker.then(|| standby.unwrap());
    worker.open = open;
    worker
}

/// A sink that breaks at its third frame.
struct Breaking {
    error: AudioError,
    frames: u32,
}

impl Sink for Breaking {
    fn write(&mut self, _: &[f32]) -> Result<(), AudioError> {
        self.frames += 1;
        if self.frames == 3 {
            Err(self.error.clone())
        } else {
            Ok(())
        }
    }
}

struct Spare;

impl Sink for Spare {
    fn write(&mut self, _: &[f32]) -> Result<(), AudioError> {
        SPARE_FRAMES.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn run(error: AudioError) -> Vec<MediaEvent> {
    let (events, mut receiver) = mpsc::channel(16);
    let mut worker = worker(events, error.is_of(DeviceKind::Output));
    worker.sink = Box::new(Breaking { error, frames: 0 });
    let (_packets, arriving) = mpsc::channel(16);
    worker.obey(Command::Add(StreamId(5), arriving, Vec::new()));
    for frame in 0..10 {
        worker.tick(Instant::now());
        if frame == 5 {
            let default = true;
            worker.obey(Command::Seen(Sighting {
                default,
                ..Sighting::default()
            }));
        }
    }
    worker.obey(Command::Drain(StreamId(5)));
    worker.tick(Instant::now());
    assert!(worker.streams.is_empty() && worker.pace.is_none());
    std::iter::from_fn(|| receiver.try_recv().ok())
        .skip(1)
        .collect()
}

#[test]
fn a_lost_speaker_is_replaced_and_a_full_disk_is_reported() {
    let kind = DeviceKind::Output;
    let error = AudioError::Device {
        kind,
        name: "USB".into(),
        reason: "gone".into(),
        devices: Vec::new(),
    };
    let drained = MediaEvent::Drained {
        stream: StreamId(5),
    };
    let lost = MediaEvent::DeviceLost {
        kind,
        name: "USB".into(),
        now_on: Some("default".into()),
    };
    assert_eq!(run(error), [lost, drained.clone()]);
    assert_eq!(SPARE_FRAMES.load(Ordering::Relaxed), 5);

    let full = AudioError::File {
        path: "got.wav".into(),
        reason: "no space left".into(),
    };
    assert_eq!(run(full.clone()), [MediaEvent::Failed(full), drained]);
    assert_eq!(SPARE_FRAMES.load(Ordering::Relaxed), 5);
}

#[test]
fn results_outlive_their_streams_up_to_a_bound() {
    let (events, _receiver) = mpsc::channel(16);
    let mut worker = worker(events, false);
    for id in 0..300 {
        let (_packets, arriving) = mpsc::channel(1);
        worker.obey(Command::Add(
            StreamId(id),
            arriving,
            vec![SoundCheck::Audio],
        ));
        worker.obey(Command::Remove(StreamId(id)));
    }
    assert_eq!((worker.streams.len(), worker.past.len()), (0, REMEMBERED));
    assert!(worker.stats(StreamId(299)).is_some() && worker.stats(StreamId(0)).is_none());
    assert_eq!(
        (
            worker.meters(StreamId(299)).len(),
            worker.meters(StreamId(0)).len()
        ),
        (1, 0)
    );
}

#[test]
fn of_what_was_seen_while_a_device_hung_only_the_newest_counts_and_nothing_at_the_end() {
    let mailbox = Mailbox::new();
    for _ in 0..3 {
        Command::look(&mailbox, Sighting::default());
    }
    let waiting = mailbox.wait(None);
    assert!(
        matches!(waiting.iter().collect::<Vec<_>>()[..], [Command::Seen(_)]),
        "{waiting:?}"
    );
    Command::look(&mailbox, Sighting::default());
    Command::quit(&mailbox, None);
    let waiting = mailbox.wait(None);
    assert!(
        matches!(
            waiting.iter().collect::<Vec<_>>()[..],
            [Command::Quit(None)]
        ),
        "{waiting:?}"
    );
}

fn null() -> PlaybackOptions {
    PlaybackOptions {
        sink: SinkSpec::Null,
        ..PlaybackOptions::default()
    }
}
