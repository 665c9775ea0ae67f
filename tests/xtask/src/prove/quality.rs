//! How good recorded speech is, by measures that exist as Python packages; they live in an environment of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use serde_json::Value;

use super::python::Environment;
use crate::shell;
use crate::workspace::Workspace;

pub(super) struct Quality {
    /// ITU-T P.862.2: 1 to 4.64.
    pub(super) pesq: f64,
    /// Short-time objective intelligibility: 0 to 1.
    pub(super) stoi: f64,
}

static ENVIRONMENT: Environment = Environment {
    folder: "python",
    packages: &["numpy==2.*", "pesq==0.0.4", "pystoi==0.4.1"],
    modules: "numpy, pesq, pystoi",
    found: OnceLock::new(),
};

/// Both files are of one channel, 16 kHz and the same length.
pub(super) fn judge(workspace: &Workspace, sent: &Path, heard: &Path) -> Result<Quality> {
    let judged = judge_each(workspace, sent, &[heard.to_owned()])?;
    judged.into_iter().next().context("nothing was judged")
}

/// The same for many recordings of one sound.
pub(super) fn judge_each(
    workspace: &Workspace,
    sent: &Path,
    heard: &[PathBuf],
) -> Result<Vec<Quality>> {
    let python = ENVIRONMENT.interpreter(workspace)?;
    let script = workspace.scratch("prove")?.join("quality.py");
    let text = include_str!("quality.py");
    // Another one may be reading it.
    if !fs::read_to_string(&script).is_ok_and(|there| there == text) {
        fs::write(&script, text).with_context(|| format!("cannot write {}", script.display()))?;
    }
    let answer = shell::read(Command::new(python).arg(script).arg(sent).args(heard))?;
    let judged: Vec<Value> =
        serde_json::from_str(&answer).with_context(|| format!("no figures in {answer}"))?;
    let figure = |one: &Value, name: &str| {
        one[name]
            .as_f64()
            .with_context(|| format!("no {name} in {answer}"))
    };
    judged
        .iter()
        .map(|one| {
            Ok(Quality {
                pesq: figure(one, "pesq")?,
                stoi: figure(one, "stoi")?,
            })
        })
        .collect()
}
