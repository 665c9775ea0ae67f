//! The browser as a process, and what it said last.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Made to end when dropped, if it does not do so itself.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) child: Child,
    pub(super) words: LastWords,
}

/// The last lines of its standard error, for whoever reads why something failed.
#[derive(Clone, Debug, Default)]
pub(super) struct LastWords(Arc<Mutex<VecDeque<String>>>);

/// For a browser to end before it is made to.
const FAREWELL: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);
/// Lines that an error repeats.
const REPEATED: usize = 6;

impl Program {
    /// By a shell with this script, whose arguments the program and its own are. Input and output are pipes.
    pub(super) fn start(script: &str, browser: &Command) -> Result<Self> {
        let mut command = Command::new("sh");
        command
            .args(["-c", script, "sh"])
            .arg(browser.get_program());
        command.args(browser.get_args());
        for (name, value) in browser.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start a shell for a browser")?;
        let words = LastWords::default();
        if let Some(pipe) = child.stderr.take() {
            let words = words.clone();
            spawn(move || words.keep(pipe));
        }
        Ok(Self { child, words })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Its processes end with it only if it may say goodbye to them, which it does when its input ends.
        drop(self.child.stdin.take());
        let deadline = Instant::now() + FAREWELL;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            sleep(LOOK);
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl LastWords {
    /// To stand at the end of an error.
    pub(super) fn said(&self) -> String {
        let words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        words.iter().map(|line| format!("\n  {line}")).collect()
    }

    fn keep(&self, pipe: impl Read) {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if words.len() == REPEATED {
                words.pop_front();
            }
            words.push_back(line);
        }
    }
}
