//! `aiortc` as the listener: a Python program of ours that answers and keeps every frame that its track hands out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use lab::Process;
use serde_json::Value;

use super::super::chirp::RATE;
use super::recording::{Count, Piece, Recording};
use super::{Listener, Other};
use crate::prove::Bench;
use crate::prove::python::AIORTC;
use crate::shell;

const LIMIT: Duration = Duration::from_secs(60);

struct Program {
    process: Process,
    samples: PathBuf,
}

/// Sees to it that it is installed.
pub(super) fn ready(bench: &Bench) -> Result<Other> {
    let python = AIORTC.interpreter(bench.workspace)?;
    let question = "import aiortc; print(aiortc.__version__)";
    let version = shell::read(Command::new(&python).args(["-c", question]))?;
    Ok(Other {
        name: "aiortc",
        title: format!("aiortc {}", version.trim()),
        listen: Box::new(move |url, path| listen(&python, url, path)),
    })
}

fn listen(python: &Path, url: &str, path: &Path) -> Result<Box<dyn Listener>> {
    let (script, samples) = (path.with_extension("py"), path.with_extension("pcm"));
    fs::write(&script, include_str!("listener.py"))
        .with_context(|| format!("cannot write {}", script.display()))?;
    let mut command = Command::new(python);
    command.arg(&script).arg(url).arg(&samples);
    let mut process = Process::start("aiortc", command)?;
    process.wait_for("listening", LIMIT)?;
    Ok(Box::new(Program { process, samples }))
}

impl Listener for Program {
    fn process(&self) -> u32 {
        self.process.id()
    }

    fn finish(mut self: Box<Self>) -> Result<Recording> {
        self.process.write("enough")?;
        let heard = self.process.wait_for("heard", LIMIT)?;
        self.process.succeed(LIMIT)?;
        let bytes = fs::read(&self.samples)
            .with_context(|| format!("cannot read {}", self.samples.display()))?;
        let samples: Vec<i16> = bytes
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        let frames = heard.value["frames"].as_array().context("no frames")?;
        let pieces: Option<Vec<Piece>> = frames.iter().map(piece).collect();
        let pieces = pieces.with_context(|| format!("no frames in {}", heard.value))?;
        Recording::lay(&pieces, &samples, missing(&pieces))
    }
}

/// When, where, and how many samples.
fn piece(frame: &Value) -> Option<Piece> {
    Some(Piece {
        at: frame[0].as_f64()? / 1e6,
        first: frame[1].as_u64()?.try_into().ok()?,
        length: frame[2].as_u64()?.try_into().ok()?,
    })
}

/// It makes nothing up: what it never hands out is missing.
fn missing(pieces: &[Piece]) -> Vec<Count> {
    let mut heard = 0;
    let count = |piece: &Piece| {
        heard += piece.length;
        let all = piece.first + piece.length;
        Count {
            at: all as f64 / f64::from(RATE),
            made_up: all as f64 - heard as f64,
            all: all as f64,
        }
    };
    pieces.iter().map(count).collect()
}
