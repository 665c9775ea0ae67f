//! Where things are, and how the two programs are built.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell;

/// The checkout that this xtask was built from.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

/// The programs of one build: the two, and what loads and attacks them.
pub(crate) struct Programs {
    pub(crate) signaling: PathBuf,
    pub(crate) peer: PathBuf,
    pub(crate) load: PathBuf,
    pub(crate) hostile: PathBuf,
    pub(crate) wsload: PathBuf,
}

/// How the programs are built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Every target with the development profile: what the tests run too, so that nothing is compiled twice.
    Tested,
    /// These programs alone, optimised.
    Release,
}

/// How the settings begin that cargo gives to the program it runs.
const OURS: [&str; 2] = ["CARGO_PKG_", "CARGO_MANIFEST_"];

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here
            .ancestors()
            .nth(2)
            .with_context(|| format!("no workspace above {}", here.display()))?
            .to_owned();
        let listing =
            shell::read(cargo(&root).args(["metadata", "--no-deps", "--format-version", "1"]))?;
        let metadata: Value =
            serde_json::from_str(&listing).context("cargo metadata is no JSON")?;
        let target = metadata["target_directory"]
            .as_str()
            .context("cargo metadata names no target directory")?
            .into();
        Ok(Self { root, target })
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside)
    }

    /// A folder under the target directory for what a job leaves behind.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target.join(name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }

    pub(crate) fn cargo(&self) -> Command {
        cargo(&self.root)
    }

    /// Builds and asks cargo itself where the programs lie: a target triple or another target directory moves them.
    pub(crate) fn build(&self, profile: Profile) -> Result<Programs> {
        let selection: &[&str] = match profile {
            Profile::Tested => &["--workspace", "--all-targets"],
            Profile::Release => &[
                "--release",
                "--package",
                "signaling",
                "--package",
                "peer-cli",
                "--package",
                "load",
                "--package",
                "hostile",
                "--package",
                "wsload",
            ],
        };
        let mut command = self.cargo();
        command
            .arg("build")
            .args(selection)
            .arg("--message-format=json-render-diagnostics")
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        let output = command
            .output()
            .with_context(|| format!("cannot start {}", shell::shown(&command)))?;
        anyhow::ensure!(output.status.success(), "{} failed", shell::shown(&command));
        let messages = String::from_utf8_lossy(&output.stdout);
        Ok(Programs {
            signaling: executable(&messages, "signaling")?,
            peer: executable(&messages, "peer-cli")?,
            load: executable(&messages, "load")?,
            hostile: executable(&messages, "hostile")?,
            wsload: executable(&messages, "wsload")?,
        })
    }
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    // `cargo xtask` tells us who we are. Handed on, that makes cargo build every crate anew whose build script asks for it
    // (ring does), and again when it is called without us.
    for (name, _) in env::vars_os() {
        let ours = |name: &str| OURS.iter().any(|start| name.starts_with(start));
        if name.to_str().is_some_and(ours) {
            command.env_remove(name);
        }
    }
    command
}

/// The program named so among cargo's messages; its unit-test harness has the same name and is passed over.
fn executable(messages: &str, name: &str) -> Result<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|message| {
            message["target"]["name"] == name
                && message["target"]["kind"][0] == "bin"
                && message["profile"]["test"] == false
        })
        .and_then(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo built no program named {name}"))
}

#[cfg(test)]
mod tests {
    use super::executable;

    #[test]
    fn finds_the_program_and_not_its_test_harness() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"peer-cli","kind":["bin"]},"profile":{"test":true},"executable":"/t/peer-1"}"#,
            "\nnot json\n",
            r#"{"reason":"compiler-artifact","target":{"name":"peer-cli","kind":["bin"]},"profile":{"test":false},"executable":"/t/peer"}"#,
        );
        assert_eq!(
            executable(messages, "peer-cli").expect("there").to_str(),
            Some("/t/peer")
        );
        assert!(executable(messages, "signaling").is_err());
    }
}
