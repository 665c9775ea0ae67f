//! What is heard from a device, and what is said into it.

use std::fs;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use super::{Device, Ear, SoundServer};
use crate::wav::{self, Sound};

/// One channel of a device that has two.
#[derive(Debug, Clone, Copy)]
pub enum Channel {
    /// Of the front.
    Left,
    /// Of the front.
    Right,
}

/// A voice in front of a microphone; silent when dropped.
#[derive(Debug)]
pub struct Voice(Child);

impl Channel {
    /// Words for PulseAudio's tools: neither does this side become both, nor are both mixed into it.
    fn alone(self) -> [&'static str; 2] {
        let map = match self {
            Self::Left => "--channel-map=front-left",
            Self::Right => "--channel-map=front-right",
        };
        ["--no-remix", map]
    }
}

impl SoundServer {
    /// Hears what comes out of it, from now on, at so many samples a second.
    ///
    /// # Errors
    /// When `parec` cannot be started.
    pub fn listen(&self, device: &Device, rate: u32) -> Result<Ear> {
        let mut command = Command::new("parec");
        self.introduce(&mut command);
        Ear::open(command, &device.source, rate)
    }

    /// The same of one side alone.
    ///
    /// # Errors
    /// As [`Self::listen`].
    pub fn listen_to(&self, channel: Channel, device: &Device, rate: u32) -> Result<Ear> {
        let mut command = Command::new("parec");
        self.introduce(&mut command);
        command.args(channel.alone());
        Ear::open(command, &device.source, rate)
    }

    /// Hears what is said in front of a microphone.
    ///
    /// # Errors
    /// As [`Self::listen`].
    pub fn listen_beside(&self, device: &Device, rate: u32) -> Result<Ear> {
        let mut command = Command::new("parec");
        self.introduce(&mut command);
        Ear::open(command, &format!("{}.monitor", device.sink), rate)
    }

    /// Says this in front of a microphone.
    ///
    /// # Errors
    /// When `paplay` cannot be started.
    pub fn say(&self, device: &Device, what: &Sound) -> Result<Voice> {
        self.play(&device.sink, &[], device, what)
    }

    /// Says this into one side of a microphone, and nothing into the other.
    ///
    /// # Errors
    /// As [`Self::say`].
    pub fn say_to(&self, channel: Channel, device: &Device, what: &Sound) -> Result<Voice> {
        let name = format!("{}-{channel:?}", device.sink);
        self.play(&name, &channel.alone(), device, what)
    }

    fn play(&self, name: &str, words: &[&str], device: &Device, what: &Sound) -> Result<Voice> {
        let file = self.folder.file(&format!("{name}.wav"));
        fs::write(&file, wav::write(what))?;
        let mut command = Command::new("paplay");
        self.introduce(&mut command);
        command
            .args(["--latency-msec=50", "-d", &device.sink])
            .args(words)
            .arg(file);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        Ok(Voice(command.spawn().context("cannot start paplay")?))
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
