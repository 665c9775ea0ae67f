//! A room around one process: what it plays on its standard output comes back on its standard input, later, weaker, from many
//! walls, together with somebody who speaks there. In real time, without any sound card.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::wav::Sound;

/// Samples a second of raw sound on standard input and output (signed 16 bit little-endian, mono).
const RATE: usize = 48_000;
/// What is moved at a time: 10 ms.
const FRAME: usize = RATE / 100;
/// Echoes after the first, and until when they have faded by 60 dB.
const WALLS: usize = 80;
const FADED: f32 = 0.2 * RATE as f32;
/// Of one 16-bit sample.
const FULL_SCALE: f32 = 32_768.0;
/// Between two looks at whether the process has ended.
const LOOK: Duration = Duration::from_millis(5);

/// What is between a speaker and a microphone.
#[derive(Debug, Clone)]
pub struct Room {
    /// From playing a sample to capturing its first echo.
    pub delay: Duration,
    /// How much weaker all echoes together are than what is played, dB.
    pub loss_db: f32,
    /// White noise, dB below full scale.
    pub noise_db: f32,
    /// Who speaks at the microphone, from its sample 0; 48 kHz.
    pub near: Vec<f32>,
}

/// A process in its room; killed when dropped.
#[derive(Debug)]
pub struct Inside {
    child: Child,
    air: Option<JoinHandle<io::Result<Vec<f32>>>>,
}

impl Room {
    /// Starts a process that plays raw sound on its standard output and captures it on its standard input.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(self, mut command: Command) -> Result<Inside> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the process in the room")?;
        let ends = child.stdin.take().zip(child.stdout.take());
        let (microphone, speaker) = ends.context("a process without pipes")?;
        Ok(Inside {
            child,
            air: Some(self.between(speaker, microphone)),
        })
    }

    /// Carries raw sound from what a speaker plays to what a microphone hears, until either ends; what was heard.
    pub(crate) fn between(
        self,
        speaker: impl Read + Send + 'static,
        microphone: impl Write + Send + 'static,
    ) -> JoinHandle<io::Result<Vec<f32>>> {
        thread::spawn(move || Air::new(self).carry(speaker, microphone))
    }
}

impl Inside {
    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended well, and returns all that its microphone heard.
    ///
    /// # Errors
    /// When the limit passes, or it ends with anything but exit 0.
    pub fn finish(mut self, limit: Duration) -> Result<Sound> {
        let deadline = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                bail!("the process in the room does not end");
            }
            thread::sleep(LOOK);
        };
        if !status.success() {
            bail!("the process in the room ended with {status}");
        }
        let air = self.air.take().context("the room was left before")?;
        let samples = air.join().map_err(|_| anyhow!("the room broke down"))??;
        let rate = RATE as u32;
        Ok(Sound { rate, samples })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What moves from the speaker to the microphone.
struct Air {
    room: Room,
    taps: Vec<(usize, f32)>,
    /// The latest that was played, as far back as the last wall.
    played: Vec<f32>,
    captured: Vec<f32>,
    dice: Dice,
}

impl Air {
    fn new(room: Room) -> Self {
        let mut dice = Dice(3);
        let mut taps = vec![(0, 1.0)];
        for _ in 0..WALLS {
            let at = (dice.even() * dice.even()).abs() * FADED;
            let fading = 10_f32.powf(-3.0 * at / FADED);
            taps.push((at as usize, 0.3 * dice.even() * fading));
        }
        let sum: f32 = taps.iter().map(|(_, gain)| gain * gain).sum();
        let scale = 10_f32.powf(-room.loss_db / 20.0) / sum.sqrt();
        taps.iter_mut().for_each(|(_, gain)| *gain *= scale);
        Self {
            room,
            taps,
            played: vec![0.0; FADED as usize],
            captured: Vec::new(),
            dice,
        }
    }

    /// Until either end is closed.
    fn carry(mut self, mut speaker: impl Read, mut microphone: impl Write) -> io::Result<Vec<f32>> {
        let delay = self.room.delay.as_millis() as usize * RATE / 1000;
        let silence = self.frame(&vec![0.0; delay]);
        let mut open = microphone.write_all(&silence).is_ok();
        let mut bytes = [0; 2 * FRAME];
        while open && speaker.read_exact(&mut bytes).is_ok() {
            let heard: Vec<f32> = bytes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|sample| f32::from(i16::from_le_bytes(*sample)) / FULL_SCALE)
                .collect();
            let echo = self.echo(&heard);
            open = microphone.write_all(&self.frame(&echo)).is_ok();
        }
        // What it plays at its end has nowhere to go, but must not block it.
        io::copy(&mut speaker, &mut io::sink())?;
        Ok(self.captured)
    }

    fn echo(&mut self, heard: &[f32]) -> Vec<f32> {
        self.played.extend_from_slice(heard);
        let now = self.played.len() - heard.len();
        let echo = (now..self.played.len())
            .map(|at| {
                self.taps
                    .iter()
                    .map(|(t, gain)| self.played[at - t] * gain)
                    .sum()
            })
            .collect();
        self.played.drain(..heard.len());
        echo
    }

    /// What the microphone hears while this much echo arrives.
    fn frame(&mut self, echo: &[f32]) -> Vec<u8> {
        // Uniform noise has a third of its peak's power.
        let peak = 10_f32.powf(self.room.noise_db / 20.0) * 3_f32.sqrt();
        let mut bytes = Vec::with_capacity(2 * echo.len());
        for echo in echo {
            let near = self.room.near.get(self.captured.len()).copied();
            let sum = echo + near.unwrap_or(0.0) + self.dice.even() * peak;
            let sample = (sum * FULL_SCALE)
                .round()
                .clamp(-FULL_SCALE, FULL_SCALE - 1.0);
            self.captured.push(sample / FULL_SCALE);
            bytes.extend((sample as i16).to_le_bytes());
        }
        bytes
    }
}

/// The same room each time.
struct Dice(u64);

impl Dice {
    fn even(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 40) as f32 / 8_388_608.0 - 1.0
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::{FRAME, RATE, Room};

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn what_is_played_comes_back_later_and_weaker() {
        let room = Room {
            delay: Duration::from_millis(40),
            loss_db: 6.0,
            noise_db: -90.0,
            near: vec![0.25; RATE / 100],
        };
        // Half of full scale for 10 ms, then silence for a second.
        let mut command = Command::new("sh");
        // Then it listens until the room is still: one that ended would hear no more.
        let sound = "head -c 960 /dev/zero | tr '\\0' '@'; head -c 96000 /dev/zero; exec >&-; exec cat > /dev/null";
        command.args(["-c", sound]);
        let heard = room
            .start(command)
            .expect("a shell")
            .finish(LONG)
            .expect("an end")
            .samples;
        assert_eq!(heard.len(), 4 * FRAME + FRAME + RATE);
        let loudest = |part: &[f32]| part.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        assert!((0.24..0.26).contains(&loudest(&heard[..FRAME])));
        assert!(loudest(&heard[FRAME..4 * FRAME]) < 0.001);
        assert!((0.1..0.5).contains(&heard[4 * FRAME + 10]));
        assert!(loudest(&heard[4 * FRAME + RATE / 2..]) < 0.001);
    }

    #[test]
    fn who_ends_badly_is_told() {
        let room = Room {
            delay: Duration::ZERO,
            loss_db: 0.0,
            noise_db: -90.0,
            near: Vec::new(),
        };
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]);
        assert!(room.start(command).expect("a shell").finish(LONG).is_err());
    }
}
