//! A message broker: the real `nats-server`, on loopback.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::scratch::Scratch;

/// A running broker; killed when dropped.
#[derive(Debug)]
pub struct NatsServer {
    child: Child,
    folder: Scratch,
    words: Vec<String>,
    place: String,
}

/// From start to listening.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks at whether it listens.
const LOOK: Duration = Duration::from_millis(20);
/// It picks a port that is free.
const ANY_PORT: &str = "-1";

impl NatsServer {
    /// Whether there is such a program here; if not, that is said past the test harness, by the test's name.
    #[must_use]
    pub fn may_start(test: &str) -> bool {
        let mut version = program();
        version.arg("--version");
        let there = version.stdout(Stdio::null()).stderr(Stdio::null()).status();
        let there = there.is_ok_and(|status| status.success());
        if !there {
            crate::skipped(test, "nats-server is not here (Debian package nats-server)");
        }
        there
    }

    /// Starts it on a free port, with these words more.
    ///
    /// # Errors
    /// When it does not start; with its log.
    pub fn start(words: &[&str]) -> Result<Self> {
        let folder = Scratch::new()?;
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let child = spawn(&folder, ANY_PORT, &words)?;
        let mut broker = Self {
            child,
            folder,
            words,
            place: String::new(),
        };
        broker.place = broker.listens()?;
        Ok(broker)
    }

    /// Its HOST:PORT.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What `--backplane` is given.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.place)
    }

    /// Its process, for measuring what it costs.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: it is gone without a word.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().context("cannot kill nats-server")?;
        self.child.wait()?;
        fs::remove_file(self.ports()).ok();
        Ok(())
    }

    /// Starts it again after [`Self::kill`], where it was.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn restart(&mut self) -> Result<()> {
        let port = self.place.rsplit(':').next().unwrap_or_default();
        self.child = spawn(&self.folder, port, &self.words)?;
        self.listens().map(drop)
    }

    /// SIGSTOP: its connections stay and nothing comes, until [`Self::resume`].
    ///
    /// # Errors
    /// When it has ended already.
    pub fn pause(&self) -> Result<()> {
        crate::shell::signal(self.id(), "-STOP")
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn resume(&self) -> Result<()> {
        crate::shell::signal(self.id(), "-CONT")
    }

    /// Waits until it says where it listens, which it does in a file.
    fn listens(&mut self) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = fs::read_to_string(self.ports()).unwrap_or_default();
            let said: Value = serde_json::from_str(&said).unwrap_or_default();
            if let Some(place) = said["nats"][0]
                .as_str()
                .and_then(|u| u.strip_prefix("nats://"))
            {
                return Ok(place.to_owned());
            }
            let ended = self.child.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(self.folder.file("log")).unwrap_or_default();
                bail!("nats-server does not listen ({ended:?}): {log}");
            }
            sleep(LOOK);
        }
    }

    fn ports(&self) -> PathBuf {
        let name = format!("nats-server_{}.ports", self.child.id());
        self.folder.file(&name)
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// On the search path, or where Debian keeps it, which is not on everybody's.
fn program() -> Command {
    let kept = Path::new("/usr/sbin/nats-server");
    if kept.is_file() {
        Command::new(kept)
    } else {
        Command::new("nats-server")
    }
}

fn spawn(folder: &Scratch, port: &str, words: &[String]) -> Result<Child> {
    let log = File::create(folder.file("log")).context("cannot create the log of nats-server")?;
    let mut command = program();
    command
        .args(["-a", "127.0.0.1", "-p", port, "--ports_file_dir"])
        .arg(folder.path())
        .args(words)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    command.spawn().context("cannot start nats-server")
}
