//! A program of `tests/others` as the other end; its README tells what it takes and what it tells.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use lab::{Process, Sound};
use serde_json::json;

use super::stack::Other;
use super::told::Told;

/// Samples a second of what it keeps.
const RATE: u32 = 48_000;

pub(super) struct Program {
    told: Told,
    samples: PathBuf,
}

impl Program {
    /// Starts it in the room with this URL; `name` is what errors call it.
    pub(super) fn start(
        name: &'static str,
        mut command: Command,
        url: &str,
        path: &Path,
    ) -> Result<Box<dyn Other>> {
        let samples = path.with_extension("pcm");
        // What a call before this one has left is not heard in this one.
        fs::write(&samples, []).with_context(|| format!("cannot write {}", samples.display()))?;
        command.arg(url).arg(&samples);
        let mut told = Told::by(Process::start(name, command)?);
        told.sees("listening")?;
        Ok(Box::new(Self { told, samples }))
    }
}

impl Other for Program {
    fn call(&mut self) -> Result<f64> {
        let command = json!({"command": "call"});
        self.told.process.write(&command.to_string())?;
        let connected = self.told.sees("connected")?;
        connected.value["ms"].as_f64().context("no time was told")
    }

    fn connected(&mut self) -> Result<()> {
        self.told.sees("connected").map(drop)
    }

    fn send(&mut self, text: &str) -> Result<()> {
        let command = json!({"command": "send", "text": text});
        self.told.process.write(&command.to_string())
    }

    fn texts(&mut self, number: usize) -> Result<Vec<String>> {
        self.told.texts(number)
    }

    fn heard(&mut self) -> Result<Sound> {
        let bytes = fs::read(&self.samples)
            .with_context(|| format!("cannot read {}", self.samples.display()))?;
        let samples = bytes
            .chunks_exact(2)
            .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0);
        Ok(Sound {
            rate: RATE,
            samples: samples.collect(),
        })
    }

    fn hang_up(&mut self) -> Result<()> {
        let command = json!({"command": "hang-up"});
        self.told.process.write(&command.to_string())
    }

    fn ended(&mut self) -> Result<Instant> {
        Ok(self.told.sees("ended")?.at)
    }
}
