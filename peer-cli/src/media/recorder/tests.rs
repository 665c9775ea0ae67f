#![allow(clippy::unwrap_used)]

use std::sync::mpsc::{Sender as Gate, channel};

use super::*;

/// Left and right of a wav file.
fn read(path: &Path) -> Vec<[i16; 2]> {
    let bytes = std::fs::read(path).unwrap();
    let data = u32::from_le_bytes(bytes[40..44].try_into().unwrap());
    assert_eq!(
        data as usize,
        bytes.len() - 44,
        "the header tells the length"
    );
    assert_eq!(bytes[22], 2, "two channels");
    let half = |at: usize| i16::from_le_bytes([bytes[at], bytes[at + 1]]);
    (44..bytes.len())
        .step_by(4)
        .map(|at| [half(at), half(at + 2)])
        .collect()
}

#[test]
fn each_side_has_its_channel_and_pauses_cost_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.wav");
    let (events, _told) = tokio::sync::mpsc::channel(1);
    let recorder = Recorder::create(&path, events).unwrap();
    let (us, them) = (recorder.tap(&[Side::Us]), recorder.tap(&[Side::Them]));
    us.put(Instant::now(), &[0.9; 480]);
    for _ in 0..2 {
        recorder.resume();
        let now = Instant::now();
        us.put(now, &[0.5; 4800]);
        them.put(now + Duration::from_millis(50), &[-0.25; 4800]);
        recorder.pause();
    }
    us.put(Instant::now(), &[0.9; 480]);
    recorder.close().unwrap();
    let sound = read(&path);
    let count = |value: [i16; 2]| sound.iter().filter(|frame| **frame == value).count();
    // Threads take a moment between the resumption and the piece.
    assert!(sound.len().abs_diff(14_400) < 4800, "{}", sound.len());
    assert!(count([16_384, -8192]).abs_diff(4800) < 100);
    assert!(count([16_384, 0]).abs_diff(4800) < 100);
    assert!(count([0, -8192]).abs_diff(4800) < 100);
}

#[test]
fn a_place_that_cannot_be_written_is_known_at_once() {
    let (events, _told) = tokio::sync::mpsc::channel(1);
    let error = Recorder::create(Path::new("/no/such/folder/a.wav"), events).unwrap_err();
    assert!(
        error.to_string().contains("/no/such/folder/a.wav"),
        "{error}"
    );
}

/// A disk that hangs as long as the gate is shut, and is full afterwards if it says so.
struct Disk {
    hangs: Gate<()>,
    gate: Receiver<()>,
    full: bool,
}

impl Recording for Disk {
    fn write(&mut self, _: &[f32]) -> Result<(), AudioError> {
        // Whoever wants to know may have gone; so has who holds the gate once it is open.
        let _ = (self.hangs.send(()), self.gate.recv());
        match self.full {
            true => Err(full()),
            false => Ok(()),
        }
    }
    fn flush(&mut self) -> Result<(), AudioError> {
        Ok(())
    }
    fn finish(&mut self) -> Result<(), AudioError> {
        Ok(())
    }
}

fn full() -> AudioError {
    AudioError::File {
        path: "a.wav".into(),
        reason: "cannot be written: no space left on device".to_owned(),
    }
}

/// A recorder whose disk hangs until its gate is dropped.
struct Slow {
    recorder: Recorder,
    tap: RecordTap,
    told: tokio::sync::mpsc::Receiver<MediaEvent>,
    gate: Gate<()>,
}

/// Far more than anything here takes.
const LIMIT: Duration = Duration::from_secs(20);

impl Slow {
    fn new(full: bool, patience: Duration) -> Slow {
        let (gate, shut) = channel();
        let (hangs, hanging) = channel();
        let (events, told) = tokio::sync::mpsc::channel(16);
        let disk = move || {
            let disk = Disk {
                hangs,
                gate: shut,
                full,
            };
            Ok(Box::new(disk) as Box<dyn Recording>)
        };
        let recorder = Recorder::open(Path::new("a.wav"), events, patience, disk).unwrap();
        let tap = recorder.tap(&[Side::Us, Side::Them]);
        let slow = Slow {
            recorder,
            tap,
            told,
            gate,
        };
        slow.recorder.resume();
        slow.put(1);
        hanging.recv_timeout(LIMIT).unwrap();
        slow
    }

    fn put(&self, pieces: usize) {
        for _ in 0..pieces {
            self.tap.put(Instant::now(), &[0.5; 960]);
        }
    }

    fn waiting(&self) -> usize {
        self.recorder.shared.orders.arrange(|orders| orders.len())
    }
}

/// Does it on a thread of its own, so that a test whose code waits for the disk fails and does not hang.
fn without_waiting<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = channel();
    thread::spawn(move || done.send(work()));
    result.recv_timeout(LIMIT).unwrap()
}

#[test]
fn a_disk_that_hangs_holds_up_nobody_and_is_told() {
    let mut slow = Slow::new(false, Duration::from_secs(1));
    let (warning, most, error, gate) = without_waiting(move || {
        slow.put(QUEUE);
        for _ in 0..100 {
            slow.recorder.pause();
            slow.recorder.resume();
        }
        slow.put(QUEUE);
        let (warning, most) = (slow.told.try_recv().unwrap(), slow.waiting());
        assert!(slow.told.try_recv().is_err(), "told once");
        (warning, most, slow.recorder.close().unwrap_err(), slow.gate)
    });
    assert!(most <= QUEUE + 2, "{most}");
    let text = "the disk is too slow for a.wav: sound is missing from it";
    let expected = MediaEvent::Warning {
        code: "recording-slow",
        text: text.to_owned(),
        hint: Some("the call goes on".to_owned()),
    };
    assert_eq!(warning, expected);
    assert_eq!(
        error.to_string(),
        "a.wav: cannot be written: it has taken nothing for 1 s, and holds only the first 0.0 s"
    );
    drop(gate);
}

#[test]
fn what_a_slow_disk_missed_is_told_at_the_end() {
    let slow = Slow::new(false, LIMIT);
    let error = without_waiting(move || {
        slow.put(QUEUE);
        drop(slow.gate);
        slow.recorder.close().unwrap_err().to_string()
    });
    let seconds = error
        .strip_prefix("a.wav: ")
        .and_then(|text| text.strip_suffix(" s of it are missing: the disk was too slow"));
    assert!(
        seconds.is_some_and(|seconds| seconds.parse::<f64>().is_ok()),
        "{error}"
    );
}

#[test]
fn a_full_disk_ends_the_recording_and_not_the_call() {
    let mut slow = Slow::new(true, LIMIT);
    let (error, waiting) = without_waiting(move || {
        drop(slow.gate);
        let warning = slow.told.blocking_recv().unwrap();
        let expected = MediaEvent::Warning {
            code: "recording-failed",
            text: full().to_string(),
            hint: Some("the call goes on without being recorded".to_owned()),
        };
        assert_eq!(warning, expected);
        let shared = slow.recorder.shared.clone();
        // Who still gives fills no queue.
        slow.tap.put(Instant::now(), &[0.5; 960]);
        let waiting = shared.orders.arrange(|orders| orders.len());
        (slow.recorder.close().unwrap_err(), waiting)
    });
    assert_eq!((error, waiting), (full(), 0));
}

#[test]
fn a_file_that_does_not_open_is_not_waited_for() {
    let (gate, shut) = channel::<()>();
    let (events, _told) = tokio::sync::mpsc::channel(1);
    let error = without_waiting(move || {
        let limit = Duration::from_millis(50);
        let open = move || {
            let _ = shut.recv();
            Err(full())
        };
        Recorder::open(Path::new("a.wav"), events, limit, open).unwrap_err()
    });
    assert!(error.to_string().contains("has not opened"), "{error}");
    drop(gate);
}
