//! Environments of Python packages, each made at its first use and kept.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::Result;

use crate::setup::{self, Job};
use crate::shell;
use crate::workspace::Workspace;

pub(super) struct Environment {
    /// Among the files of the build.
    pub(super) folder: &'static str,
    pub(super) packages: &'static [&'static str],
    /// What must be found once they are installed, as `import` takes it.
    pub(super) modules: &'static str,
    /// Its interpreter, once it is known to be there: to ask takes seconds.
    pub(super) found: OnceLock<PathBuf>,
}

/// `aiortc`, and the WebSocket that its programs reach a signaling server by.
pub(super) static AIORTC: Environment = Environment {
    folder: "python-aiortc",
    packages: &["aiortc==1.*", "websockets==15.*"],
    modules: "aiortc, websockets",
    found: OnceLock::new(),
};

impl Environment {
    /// Its interpreter.
    pub(super) fn interpreter(&self, workspace: &Workspace) -> Result<PathBuf> {
        if let Some(python) = self.found.get() {
            return Ok(python.clone());
        }
        let folder = workspace.scratch(self.folder)?;
        let python = folder.join(if cfg!(windows) {
            "Scripts/python.exe"
        } else {
            "bin/python"
        });
        let question = format!("import {}", self.modules);
        let ready = || {
            shell::capture(Command::new(&python).args(["-c", &question]))
                .is_ok_and(|output| output.status.success())
        };
        if !ready() {
            setup::ensure(&[Job::Quality])?;
            println!(
                "installing {} into {}",
                self.packages.join(" "),
                folder.display()
            );
            shell::read(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            shell::read(
                Command::new(&python)
                    .args(["-m", "pip", "install", "--quiet", "--retries", "5"])
                    .args(self.packages),
            )?;
        }
        Ok(self.found.get_or_init(|| python).clone())
    }
}
