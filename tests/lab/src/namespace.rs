//! A network of its own, with a loopback interface and nothing else, and no sound card: the plainest machine there is.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::shell;

/// A namespace for the network and one for mounts, held by a process that waits inside until its input ends.
#[derive(Debug)]
pub struct Namespace {
    holder: Child,
    as_root: bool,
}

/// An empty folder over the sound devices, where there are any, so that nothing inside finds them.
const ENTER: &str = "ip link set lo up && { [ ! -d /dev/snd ] || mount -t tmpfs none /dev/snd; } && echo ready && exec cat";

/// Settings of whoever runs the laboratory that the programs in it must not see.
const FOREIGN: [&str; 3] = ["PEER_", "SIGNALING_", "RUST_LOG"];

impl Namespace {
    /// As root.
    ///
    /// # Errors
    /// With what the system said, when none can be made here.
    pub fn new() -> Result<Self> {
        Self::enter(true)
    }

    /// Without being root: a user namespace around it.
    ///
    /// # Errors
    /// As [`Self::new`]; not every system allows it.
    pub fn unprivileged() -> Result<Self> {
        Self::enter(false)
    }

    fn enter(as_root: bool) -> Result<Self> {
        ensure!(
            cfg!(target_os = "linux"),
            "only Linux has network namespaces"
        );
        let mut command = Command::new("unshare");
        if !as_root {
            command.args(["--user", "--map-root-user"]);
        }
        let holder = command
            .args(["--net", "--mount", "sh", "-c", ENTER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start unshare")?;
        let mut namespace = Self { holder, as_root };
        let mut answer = String::new();
        if let Some(output) = namespace.holder.stdout.as_mut() {
            BufReader::new(output).read_line(&mut answer)?;
        }
        if answer.trim() != "ready" {
            let mut why = String::new();
            if let Some(mut errors) = namespace.holder.stderr.take() {
                errors.read_to_string(&mut why).ok();
            }
            anyhow::bail!(
                "no namespace can be made here (run as root): {}",
                why.trim()
            );
        }
        Ok(namespace)
    }

    /// By this process id other tools name the namespace.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.holder.id()
    }

    /// A program, to be run inside, named by an absolute path or found on the search path: the working folder is the root.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.id()));
        if !self.as_root {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(["--net", "--mount", "--"]).arg(program);
        for (name, _) in std::env::vars_os() {
            let foreign = |name: &str| FOREIGN.iter().any(|start| name.starts_with(start));
            if name.to_str().is_some_and(foreign) {
                command.env_remove(&name);
            }
        }
        // Sound servers are reached by files, which no namespace of this kind hides.
        command
            .env("PULSE_SERVER", "unix:/nonexistent")
            .env_remove("XDG_RUNTIME_DIR");
        command
    }

    /// Runs a line of words, without any quoting, to its end; gives its output.
    pub(crate) fn run(&self, line: &str) -> Result<String> {
        self.feed(line, "")
    }

    /// As [`Self::run`], with a standard input.
    pub(crate) fn feed(&self, line: &str, input: &str) -> Result<String> {
        let mut words = line.split_whitespace();
        let program = words.next().context("an empty command")?;
        shell::feed(self.command(program).args(words), input)
    }

    /// Link-local addresses would otherwise come a second or two after their interface (RFC 4862 5.4), also where nobody wants
    /// them; and Chromium breaks off what it loads when they do. For a place that has no interface yet.
    pub(crate) fn without_address_detection(&self) -> Result<()> {
        self.run("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0")
            .map(drop)
    }

    /// Many lines of `ip` at once.
    pub(crate) fn ip(&self, lines: &str) -> Result<()> {
        self.feed("ip -batch -", lines).map(drop)
    }

    /// A file laid over one that all namespaces share.
    pub(crate) fn lay_over(&self, file: &std::path::Path, over: &str) -> Result<()> {
        self.run(&format!("mount --bind {} {over}", file.display()))
            .map(drop)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        self.holder.kill().ok();
        self.holder.wait().ok();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Namespace;

    #[test]
    fn there_is_a_loopback_interface_and_nothing_else() {
        let namespace = match Namespace::new() {
            Ok(namespace) => namespace,
            Err(reason) => {
                println!("not tried: {reason:#}");
                return;
            }
        };
        let links = namespace.run("ip -oneline link").unwrap();
        assert_eq!(links.lines().count(), 1, "{links}");
        assert!(links.contains("lo:") && links.contains("UP"), "{links}");
    }

    #[test]
    fn what_fails_inside_is_told() {
        let Ok(namespace) = Namespace::new() else {
            return;
        };
        let error = namespace.run("ip link show nowhere").unwrap_err();
        assert!(error.to_string().contains("nowhere"), "{error:#}");
    }
}
