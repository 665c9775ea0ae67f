//! Packages of Node: those of the lock files in `tests/others` and `tests/others/servers`, installed at their first use and kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Error, Result};
use serde_json::Value;

use crate::setup::{self, Job};
use crate::shell;
use crate::workspace::Workspace;

/// What they are, from the top of the checkout.
const OTHERS: &str = "tests/others";
/// Those that only the proof `signaling` wants.
const SERVERS: &str = "tests/others/servers";
const FILES: [&str; 2] = ["package.json", "package-lock.json"];
/// A copy of the lock file, once all of it is installed.
const STAMP: &str = "installed.json";

/// A mirror that fails once mostly answers a moment later; times in milliseconds.
const PATIENCE: [&str; 4] = [
    "--fetch-retries=3",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=4000",
    "--fetch-timeout=60000",
];

pub(crate) struct Packages {
    /// `node_modules`.
    folder: PathBuf,
    others: PathBuf,
}

impl Packages {
    /// Sees to it that they are installed; tried once, since a network that is not there takes its time to say so.
    pub(crate) fn install(workspace: &Workspace) -> Result<Self> {
        static TRIED: OnceLock<Result<(), String>> = OnceLock::new();
        let (others, folder) = (workspace.path(OTHERS), workspace.scratch("node-others")?);
        let tried =
            TRIED.get_or_init(|| install(&others, &folder).map_err(|why| format!("{why:#}")));
        tried.clone().map_err(Error::msg)?;
        Ok(Self {
            folder: folder.join("node_modules"),
            others,
        })
    }

    /// The same with signaling servers of others.
    pub(super) fn of_servers(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.scratch("node-servers")?;
        install(&workspace.path(SERVERS), &folder)?;
        Ok(Self {
            folder: folder.join("node_modules"),
            others: workspace.path(OTHERS),
        })
    }

    /// A program that a package brings along.
    pub(super) fn packaged(&self, path: &str) -> Command {
        let mut command = Command::new("node");
        command.arg(self.folder.join(path));
        command
    }

    /// One of the programs in `tests/others`.
    pub(super) fn program(&self, name: &str) -> Command {
        let mut command = Command::new("node");
        command
            .env("NODE_PATH", &self.folder)
            .arg(self.others.join(name));
        command
    }

    /// What an expression is in Node, as text.
    pub(super) fn ask(&self, expression: &str) -> Result<String> {
        let mut command = Command::new("node");
        command.env("NODE_PATH", &self.folder);
        let answer = shell::read(command.args(["--print", expression]))?;
        Ok(answer.trim().to_owned())
    }

    /// Of a package.
    pub(super) fn version(&self, package: &str) -> Result<String> {
        let file = self.folder.join(package).join("package.json");
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let about: Value = serde_json::from_str(&text)
            .with_context(|| format!("{} is no JSON", file.display()))?;
        let version = about["version"].as_str();
        Ok(version.context("a package without a version")?.to_owned())
    }
}

/// No script of theirs is run: what they need of the machine is in them.
fn install(others: &Path, folder: &Path) -> Result<()> {
    setup::ensure(&[Job::Node])?;
    let lock = others.join(FILES[1]);
    let wanted = fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let stamp = folder.join(STAMP);
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("installing packages of Node into {}", folder.display());
    for file in FILES {
        fs::copy(others.join(file), folder.join(file))
            .with_context(|| format!("cannot copy {file} to {}", folder.display()))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .args(PATIENCE)
        .current_dir(folder);
    shell::read(&mut npm)?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
