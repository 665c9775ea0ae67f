#![allow(clippy::unwrap_used)]

use tokio::sync::mpsc;

use super::*;
use crate::audio::{DeviceKind, DeviceName, Sighting};
use crate::media::ListenerId;
use crate::proto::packet::Packet;

/// A microphone that gives one frame and is then unplugged, or a file that turns out to be broken.
struct Breaking {
    error: AudioError,
    frames: u32,
}

impl Source for Breaking {
    fn start(&mut self) -> Result<(), AudioError> {
        Ok(())
    }
    fn read(&mut self, frame: &mut [f32]) -> Result<Read, AudioError> {
        frame.fill(0.1);
        self.frames += 1;
        if self.frames > 1 {
            Err(self.error.clone())
        } else {
            Ok(Read::Full)
        }
    }
}

fn run(error: AudioError) -> (Vec<MediaEvent>, Vec<Packet>) {
    let (events, mut receiver) = mpsc::channel(16);
    let options = CaptureOptions {
        source: SourceSpec::Silence,
        ..CaptureOptions::default()
    };
    let mailbox = Arc::new(Mailbox::new());
    let notices = Notices::new(events);
    let mut worker = Worker::open(&options, None, notices, Arc::default(), &mailbox).unwrap();
    let is_microphone = error.is_of(DeviceKind::Input);
    worker.source = Box::new(Breaking { error, frames: 0 });
    let (id, title) = ("usb.0".into(), "USB".into());
    let standby = Standby::new(DeviceKind::Input, DeviceName { id, title }, false, |_| {});
    worker.standby = is_microphone.then(|| standby.unwrap());
    worker.open = |spec, _| match spec {
        SourceSpec::Default => Ok(Some(audio::silence())),
        other => Err(AudioError::sound("no such microphone", other)),
    };
    let (packets, mut sent) = mpsc::channel(16);
    worker.obey(Command::Add(
        ListenerId(0),
        (Codec::Opus, Channels::Mono),
        packets,
    ));
    let started = Instant::now();
    let done = |worker: &Worker| {
        let ended = worker
            .run
            .as_ref()
            .is_some_and(|run| run.phase == Phase::Ended);
        ended || worker.stats.lock().unwrap().packets > 3
    };
    while !done(&worker) && started.elapsed() < Duration::from_secs(30) {
        worker.work();
        let default = true;
        worker.obey(Command::Seen(Sighting {
            default,
            ..Sighting::default()
        }));
        std::thread::sleep(Duration::from_millis(1));
    }
    let events = std::iter::from_fn(|| receiver.try_recv().ok())
        .skip(1)
        .collect();
    (
        events,
        std::iter::from_fn(|| sent.try_recv().ok()).collect(),
    )
}

#[test]
fn a_lost_microphone_is_replaced_and_the_stream_goes_on() {
    let kind = DeviceKind::Input;
    let error = AudioError::Device {
        kind,
        name: "USB".into(),
        reason: "gone".into(),
        devices: Vec::new(),
    };
    let (events, packets) = run(error);
    let lost = MediaEvent::DeviceLost {
        kind,
        name: "USB".into(),
        now_on: Some("default".into()),
    };
    assert_eq!(events, [lost]);
    assert!(packets.len() >= 3, "{}", packets.len());
    assert!(
        packets
            .windows(2)
            .all(|pair| pair[1].sequence == pair[0].sequence + 1)
    );
}

#[test]
fn a_broken_file_is_reported_and_ends_the_source() {
    let error = AudioError::File {
        path: "a.wav".into(),
        reason: "is broken".into(),
    };
    let (events, packets) = run(error.clone());
    assert_eq!(
        events,
        [MediaEvent::Failed(error), MediaEvent::CaptureEnded]
    );
    assert_eq!(packets.len(), 1);
}

#[test]
fn of_what_was_seen_while_a_device_hung_only_the_newest_counts_and_nothing_at_the_end() {
    let mailbox = Mailbox::new();
    let look = |wanted| {
        let seen = Sighting {
            wanted,
            ..Sighting::default()
        };
        Command::look(&mailbox, seen);
    };
    look(true);
    mailbox.post(Command::Muted(true));
    look(false);
    let waiting = mailbox.wait(None);
    assert!(
        matches!(
            waiting.iter().collect::<Vec<_>>()[..],
            [
                Command::Muted(true),
                Command::Seen(Sighting { wanted: false, .. })
            ]
        ),
        "{waiting:?}"
    );
    look(true);
    Command::quit(&mailbox);
    let waiting = mailbox.wait(None);
    assert!(
        matches!(waiting.iter().collect::<Vec<_>>()[..], [Command::Quit]),
        "{waiting:?}"
    );
}
