//! What comes out of a device, and when.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::wav::Sound;

/// Listens until told to stop. While it does the device stays awake: one that falls asleep plays its first sound a second late.
#[derive(Debug)]
pub struct Ear {
    child: Child,
    rate: u32,
    reader: Option<JoinHandle<(Vec<f32>, Option<Instant>)>>,
    awake: Receiver<()>,
}

/// What was heard.
#[derive(Debug)]
pub struct Heard {
    /// One channel.
    pub sound: Sound,
    /// When its first sample was heard, as this process reckons: the least of what the arrival of each piece says.
    pub start: Instant,
}

/// How long the server may take for the first sound.
const PATIENCE: Duration = Duration::from_secs(15);

impl Ear {
    pub(super) fn open(mut command: Command, source: &str, rate: u32) -> Result<Self> {
        command
            .args(["--raw", "--format=s16le", "--channels=1"])
            .args(["--latency-msec=10", "-d", source])
            .arg(format!("--rate={rate}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start parec")?;
        let mut pipe = child.stdout.take().context("parec has no output")?;
        let (tell, awake) = sync_channel(1);
        let reader = spawn(move || {
            let (mut samples, mut start) = (Vec::new(), None::<Instant>);
            let (mut piece, mut held) = ([0; 4096], Vec::new());
            while let Ok(count) = pipe.read(&mut piece) {
                if count == 0 {
                    break;
                }
                let now = Instant::now();
                held.extend_from_slice(&piece[..count]);
                let whole = held.len() / 2 * 2;
                samples.extend(
                    held.drain(..whole)
                        .collect::<Vec<u8>>()
                        .chunks_exact(2)
                        .map(|sample| {
                            f32::from(i16::from_le_bytes([sample[0], sample[1]])) / 32_768.0
                        }),
                );
                let length = Duration::from_secs_f64(samples.len() as f64 / f64::from(rate));
                let begun = now.checked_sub(length).unwrap_or(now);
                start = Some(start.map_or(begun, |start| start.min(begun)));
                // Whoever waited has been told.
                let _ = tell.try_send(());
            }
            (samples, start)
        });
        let ear = Self {
            child,
            rate,
            reader: Some(reader),
            awake,
        };
        ear.awake
            .recv_timeout(PATIENCE)
            .with_context(|| format!("nothing comes out of {source}"))?;
        Ok(ear)
    }

    /// Stops, and tells what was heard.
    ///
    /// # Errors
    /// When the reader panicked.
    pub fn stop(mut self) -> Result<Heard> {
        self.child.kill().ok();
        let reader = self.reader.take().context("stopped twice")?;
        let (samples, start) = reader.join().map_err(|_| anyhow!("the ear panicked"))?;
        Ok(Heard {
            sound: Sound {
                rate: self.rate,
                samples,
            },
            start: start.context("nothing was heard")?,
        })
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
