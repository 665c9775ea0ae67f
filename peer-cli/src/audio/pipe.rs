//! Raw samples through standard input and output: signed 16 bit little-endian, 48 kHz, the channels by turns.
//!
//! Pipes block, and the threads that own the sound must not: each pipe has a thread of its own behind a bounded queue.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError, TrySendError};
use std::thread;
use std::time::Duration;

use super::{AudioError, FRAME, Read, Sink, Source, from_i16, to_i16};
use crate::proto::channels::Channels;

/// Bytes of each channel read at a time: 10 ms.
const CHUNK: usize = 2 * FRAME;
/// Chunks read ahead: 40 ms.
const AHEAD: usize = 4;
/// Frames that may wait for a slow reader of our output: 500 ms; then sound is lost.
const BEHIND: usize = 50;
/// How long the last frames may take to be written.
const FLUSH: Duration = Duration::from_secs(1);

/// Reads samples from a pipe.
pub(super) struct PipeSource {
    input: Option<Box<dyn io::Read + Send>>,
    chunks: Option<Receiver<io::Result<Vec<u8>>>>,
    chunk: usize,
    bytes: VecDeque<u8>,
}

impl PipeSource {
    pub(super) fn new(input: impl io::Read + Send + 'static, channels: Channels) -> PipeSource {
        PipeSource {
            input: Some(Box::new(input)),
            chunks: None,
            chunk: CHUNK * channels.count(),
            bytes: VecDeque::new(),
        }
    }
}

impl Source for PipeSource {
    /// Reading begins here and goes on over pauses: what a pipe gave once does not come back.
    fn start(&mut self) -> Result<(), AudioError> {
        let Some(input) = self.input.take() else {
            return Ok(());
        };
        let (sender, chunks) = mpsc::sync_channel(AHEAD);
        let size = self.chunk;
        thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || pump(input, size, &sender))
            .map_err(|error| AudioError::sound("stdin", error))?;
        self.chunks = Some(chunks);
        Ok(())
    }

    fn read(&mut self, frame: &mut [f32]) -> Result<Read, AudioError> {
        let Some(chunks) = &self.chunks else {
            return Ok(Read::NotYet);
        };
        while self.bytes.len() < 2 * frame.len() {
            match chunks.try_recv() {
                Ok(Ok(chunk)) => self.bytes.extend(chunk),
                Ok(Err(error)) => return Err(AudioError::sound("stdin", error)),
                Err(TryRecvError::Empty) => return Ok(Read::NotYet),
                Err(TryRecvError::Disconnected) => {
                    let samples = self.bytes.len() / 2;
                    self.take(frame);
                    return Ok(Read::Last(samples));
                }
            }
        }
        self.take(frame);
        Ok(Read::Full)
    }
}

impl PipeSource {
    fn take(&mut self, frame: &mut [f32]) {
        for sample in frame {
            *sample = match (self.bytes.pop_front(), self.bytes.pop_front()) {
                (Some(low), Some(high)) => from_i16(i16::from_le_bytes([low, high])),
                _ => 0.0,
            };
        }
    }
}

fn pump(
    mut input: Box<dyn io::Read + Send>,
    size: usize,
    chunks: &SyncSender<io::Result<Vec<u8>>>,
) {
    loop {
        let mut chunk = Vec::with_capacity(size);
        let read = input.by_ref().take(size as u64).read_to_end(&mut chunk);
        let ended = read.is_err() || chunk.len() < size;
        let sent = (chunk.is_empty() || chunks.send(Ok(chunk)).is_ok())
            && read.map_or_else(|error| chunks.send(Err(error)).is_ok(), |_| true);
        if ended || !sent {
            return;
        }
    }
}

/// Writes samples to a pipe.
pub(super) struct PipeSink {
    frames: Option<SyncSender<Vec<u8>>>,
    result: Receiver<io::Result<()>>,
}

impl PipeSink {
    pub(super) fn new(mut output: impl io::Write + Send + 'static) -> Result<PipeSink, AudioError> {
        let (frames, waiting) = mpsc::sync_channel::<Vec<u8>>(BEHIND);
        let (done, result) = mpsc::sync_channel(1);
        thread::Builder::new()
            .name("stdout".to_owned())
            .spawn(move || {
                let written = waiting
                    .iter()
                    .try_for_each(|frame| output.write_all(&frame).and_then(|()| output.flush()));
                // Nobody may be left to hear it.
                let _ = done.send(written);
            })
            .map_err(|error| AudioError::sound("stdout", error))?;
        Ok(PipeSink {
            frames: Some(frames),
            result,
        })
    }

    fn outcome(&self, wait: Duration) -> Result<(), AudioError> {
        match self.result.recv_timeout(wait) {
            Ok(Err(error)) => Err(AudioError::sound("stdout", error)),
            _ => Ok(()),
        }
    }
}

impl Sink for PipeSink {
    fn write(&mut self, frame: &[f32]) -> Result<(), AudioError> {
        let bytes = frame
            .iter()
            .flat_map(|sample| to_i16(*sample).to_le_bytes())
            .collect();
        match self.frames.as_ref().map(|frames| frames.try_send(bytes)) {
            Some(Err(TrySendError::Disconnected(_))) => self.outcome(Duration::ZERO),
            // A reader that is too slow loses sound; it must not hold up the call.
            _ => Ok(()),
        }
    }

    fn close(mut self: Box<Self>) -> Result<(), AudioError> {
        self.frames = None;
        self.outcome(FLUSH)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use super::*;

    fn read_all(source: &mut PipeSource) -> (Vec<f32>, usize) {
        let started = Instant::now();
        let (mut sound, mut frame) = (Vec::new(), [9.0; 960]);
        while started.elapsed() < Duration::from_secs(20) {
            match source.read(&mut frame).unwrap() {
                Read::Full => sound.extend_from_slice(&frame),
                Read::Last(samples) => {
                    assert!(frame[samples..].iter().all(|s| *s == 0.0));
                    sound.extend_from_slice(&frame[..samples]);
                    return (sound, samples);
                }
                Read::NotYet => thread::yield_now(),
            }
        }
        panic!("the pipe never ended");
    }

    #[test]
    fn input_is_read_to_its_last_sample_after_the_start_and_not_before() {
        let numbers: Vec<i16> = (0..2500).map(|n| n * 13 - 9000).collect();
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        bytes.push(7);
        let mut source = PipeSource::new(io::Cursor::new(bytes), Channels::Mono);
        assert_eq!(source.read(&mut [0.0; 960]).unwrap(), Read::NotYet);
        source.start().unwrap();
        let (sound, last) = read_all(&mut source);
        assert_eq!(last, 2500 - 2 * 960);
        assert_eq!(
            sound.iter().map(|s| to_i16(*s)).collect::<Vec<_>>(),
            numbers
        );
    }

    struct Broken;

    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }

    impl io::Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn output_is_written_in_full_by_the_time_it_is_closed() {
        let shared = Shared::default();
        let mut sink = PipeSink::new(shared.clone()).unwrap();
        sink.write(&[0.5; FRAME]).unwrap();
        sink.write(&[-2.0; FRAME]).unwrap();
        Box::new(sink).close().unwrap();
        let bytes = shared.0.lock().unwrap();
        assert_eq!(bytes.len(), 4 * FRAME);
        assert_eq!(
            (&bytes[..2], &bytes[4 * FRAME - 2..]),
            (&[0, 64][..], &[0, 128][..])
        );
    }

    #[test]
    fn broken_pipes_are_errors() {
        let mut source = PipeSource::new(Broken, Channels::Mono);
        source.start().unwrap();
        let started = Instant::now();
        let error = loop {
            match source.read(&mut [0.0; 480]) {
                Err(error) => break error,
                Ok(_) => assert!(started.elapsed() < Duration::from_secs(20)),
            }
        };
        assert_eq!(error.to_string(), "stdin: gone");
        let mut sink = PipeSink::new(Broken).unwrap();
        sink.write(&[0.0; FRAME]).unwrap();
        assert!(Box::new(sink).close().is_err());
    }
}
