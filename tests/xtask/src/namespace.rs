//! A network of its own, with a loopback interface and nothing else, and no sound card: the plainest machine there is.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::setup::{self, Job};

/// Kept alive by a process that waits inside it; gone with that process.
pub(crate) struct Namespace {
    holder: Child,
    as_root: bool,
}

/// An empty folder over the sound devices, where there are any, so that nothing inside finds them.
const ENTER: &str = "ip link set lo up && { [ ! -d /dev/snd ] || mount -t tmpfs none /dev/snd; } && echo ready && exec cat";

impl Namespace {
    pub(crate) fn new() -> Result<Self> {
        ensure!(
            cfg!(target_os = "linux"),
            "only Linux has network namespaces"
        );
        setup::ensure(&[Job::Namespaces])?;
        let as_root = setup::is_root();
        let mut command = Command::new("unshare");
        if !as_root {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--net", "--mount", "sh", "-c", ENTER]);
        let holder = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start unshare")?;
        let mut namespace = Self { holder, as_root };
        let mut answer = String::new();
        if let Some(output) = namespace.holder.stdout.as_mut() {
            BufReader::new(output).read_line(&mut answer)?;
        }
        ensure!(
            answer.trim() == "ready",
            "no namespace can be made here (run as root)"
        );
        Ok(namespace)
    }

    /// This program, to be run inside.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.holder.id()));
        if !self.as_root {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(["--net", "--mount", "--"]).arg(program);
        // Sound servers are reached by files, which no namespace of this kind hides.
        command
            .env("PULSE_SERVER", "unix:/nonexistent")
            .env_remove("XDG_RUNTIME_DIR");
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.holder.kill().ok();
        self.holder.wait().ok();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::path::Path;

    use super::Namespace;
    use crate::shell;

    #[test]
    fn there_is_a_loopback_interface_and_nothing_else() {
        let namespace = match Namespace::new() {
            Ok(namespace) => namespace,
            Err(reason) => {
                println!("not tried: {reason:#}");
                return;
            }
        };
        let links = shell::read(
            namespace
                .command(Path::new("ip"))
                .args(["-oneline", "link"]),
        )
        .expect("ip");
        assert_eq!(links.lines().count(), 1, "{links}");
        assert!(links.contains("lo:") && links.contains("UP"), "{links}");
    }
}
