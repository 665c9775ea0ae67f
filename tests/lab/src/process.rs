//! A child process that tells what happens line by line: JSON events on its standard output, words for people on the other one.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::record::{self, Record};

/// Killed when dropped, so that no job leaves a process behind.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    /// Held open: the end of input means something to a peer.
    input: Option<ChildStdin>,
    lines: Receiver<Line>,
    said: VecDeque<String>,
    started: Instant,
}

/// One JSON event and when it was read.
#[derive(Debug)]
pub struct Event {
    /// When it was read.
    pub at: Instant,
    /// The whole object.
    pub value: Value,
}

#[derive(Debug)]
enum Line {
    Output(Instant, String),
    Words(Instant, String),
}

/// How many of the last lines of either output an error repeats, and how many characters of each.
const REPEATED: usize = 12;
const SHOWN: usize = 240;
/// Between two looks at whether a process has ended.
const LOOK: Duration = Duration::from_millis(5);

impl Event {
    /// Whether it has this name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.value["event"] == name
    }
}

impl Process {
    /// Starts it; `name` is what errors call it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &'static str, mut command: Command) -> Result<Self> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        record::prepare(&mut command);
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| {
            format!(
                "cannot start {}",
                Path::new(command.get_program()).display()
            )
        })?;
        let (sender, lines) = channel();
        let record = Record::of(name, child.id(), &command)?;
        forward(
            child.stdout.take(),
            sender.clone(),
            Line::Output,
            record.clone(),
        );
        forward(child.stderr.take(), sender, Line::Words, record);
        let input = child.stdin.take();
        Ok(Self {
            name,
            child,
            input,
            lines,
            said: VecDeque::new(),
            started,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// When it was started: just before the system was asked to.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Its standard input, for another thread; what is written here afterwards goes nowhere.
    pub fn take_input(&mut self) -> Option<ChildStdin> {
        self.input.take()
    }

    /// Writes a line to its standard input.
    ///
    /// # Errors
    /// When it no longer reads, or the input was taken.
    pub fn write(&mut self, line: &str) -> Result<()> {
        let input = self
            .input
            .as_mut()
            .with_context(|| format!("{} has no standard input", self.name))?;
        writeln!(input, "{line}").with_context(|| format!("cannot write to {}", self.name))
    }

    /// SIGINT, as Ctrl-C sends.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn interrupt(&self) -> Result<()> {
        self.signal("-INT")
    }

    /// SIGSTOP: it does nothing until [`Self::resume`].
    ///
    /// # Errors
    /// When it has ended already.
    pub fn pause(&self) -> Result<()> {
        self.signal("-STOP")
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn resume(&self) -> Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        crate::shell::signal(self.id(), signal)
    }

    /// SIGKILL: it is gone without a word.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn kill(&mut self) -> Result<()> {
        self.child
            .kill()
            .with_context(|| format!("cannot kill {}", self.name))?;
        self.child.wait()?;
        Ok(())
    }

    /// The next event, whatever it is; `None` at the end of its output.
    ///
    /// # Errors
    /// At the deadline, and when what it printed is no event.
    pub fn next(&mut self, deadline: Instant) -> Result<Option<Event>> {
        loop {
            match self.line(deadline)? {
                None => return Ok(None),
                Some(Line::Words(..)) => {}
                Some(Line::Output(at, text)) => {
                    let value = serde_json::from_str(&text)
                        .with_context(|| format!("{} printed no JSON event: {text}", self.name))?;
                    return Ok(Some(Event { at, value }));
                }
            }
        }
    }

    /// Waits for the event of this name and passes over the others.
    ///
    /// # Errors
    /// When the limit passes or it ends; with what it said last.
    pub fn wait_for(&mut self, name: &str, limit: Duration) -> Result<Event> {
        self.wait_for_one(&[name], limit)
    }

    /// Waits for whichever of these events comes first.
    ///
    /// # Errors
    /// As [`Self::wait_for`].
    pub fn wait_for_one(&mut self, names: &[&str], limit: Duration) -> Result<Event> {
        let deadline = Instant::now() + limit;
        let what = names.join("\" or \"");
        loop {
            match self
                .next(deadline)
                .with_context(|| format!("waiting for \"{what}\""))?
            {
                Some(event) if names.iter().any(|name| event.is(name)) => return Ok(event),
                Some(_) => {}
                None => return Err(self.complaint(&format!("ended without \"{what}\""))),
            }
        }
    }

    /// Waits until these words stand in a line for people.
    ///
    /// # Errors
    /// As [`Self::wait_for`].
    pub fn wait_for_words(&mut self, words: &str, limit: Duration) -> Result<Instant> {
        let deadline = Instant::now() + limit;
        loop {
            match self
                .line(deadline)
                .with_context(|| format!("waiting for the words \"{words}\""))?
            {
                Some(Line::Words(at, text)) if text.contains(words) => return Ok(at),
                Some(_) => {}
                None => return Err(self.complaint(&format!("ended without saying \"{words}\""))),
            }
        }
    }

    /// Waits for the end and returns the exit code.
    ///
    /// # Errors
    /// When the limit passes, or a signal ended it.
    pub fn finish(&mut self, limit: Duration) -> Result<i32> {
        let deadline = Instant::now() + limit;
        while self
            .line(deadline)
            .context("waiting for its end")?
            .is_some()
        {}
        loop {
            if let Some(status) = self.child.try_wait()? {
                return status
                    .code()
                    .with_context(|| format!("{} was ended by a signal", self.name));
            }
            if Instant::now() > deadline {
                bail!("{} closed its output but does not end", self.name);
            }
            sleep(LOOK);
        }
    }

    /// Like [`Self::finish`], but anything but exit 0 is an error.
    ///
    /// # Errors
    /// As [`Self::finish`], and for every other exit code.
    pub fn succeed(&mut self, limit: Duration) -> Result<()> {
        match self.finish(limit)? {
            0 => Ok(()),
            code => Err(self.complaint(&format!("ended with exit code {code}"))),
        }
    }

    fn line(&mut self, deadline: Instant) -> Result<Option<Line>> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) => {
                let (Line::Words(_, text) | Line::Output(_, text)) = &line;
                if self.said.len() == REPEATED {
                    self.said.pop_front();
                }
                self.said.push_back(text.chars().take(SHOWN).collect());
                Ok(Some(line))
            }
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(self.complaint("took too long")),
        }
    }

    /// What went wrong, followed by the last things that the process itself said.
    #[must_use]
    pub fn complaint(&self, what: &str) -> anyhow::Error {
        if self.said.is_empty() {
            anyhow!("{} {what}", self.name)
        } else {
            let last: Vec<&str> = self.said.iter().map(String::as_str).collect();
            anyhow!("{} {what}; it said:\n  {}", self.name, last.join("\n  "))
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn forward(
    pipe: Option<impl Read + Send + 'static>,
    sender: Sender<Line>,
    line: fn(Instant, String) -> Line,
    record: Record,
) {
    let Some(pipe) = pipe else { return };
    spawn(move || {
        for text in BufReader::new(pipe).lines().map_while(Result::ok) {
            record.keep(&text);
            if sender.send(line(Instant::now(), text)).is_err() {
                return;
            }
        }
    });
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::Process;

    const LONG: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start("script", command).expect("a shell")
    }

    #[test]
    fn finds_the_event_among_others_and_the_exit_code() {
        let mut process = shell(
            r#"echo '{"event":"hello"}'; echo hm >&2; echo '{"event":"listening","addr":"a:1"}'; exit 8"#,
        );
        assert_eq!(
            process.wait_for("listening", LONG).expect("said").value["addr"],
            "a:1"
        );
        assert_eq!(process.finish(LONG).expect("ended"), 8);
    }

    #[test]
    fn an_early_end_repeats_what_was_said() {
        let mut process = shell("echo no microphone >&2; exit 7");
        let error = format!(
            "{:#}",
            process.wait_for("connected", LONG).expect_err("no event")
        );
        assert!(
            error.contains("without \"connected\"") && error.contains("no microphone"),
            "{error}"
        );
        assert!(process.succeed(LONG).is_err());
    }

    #[test]
    fn a_silent_process_is_given_up_and_killed() {
        let mut process = shell("exec sleep 600");
        assert!(
            process
                .wait_for("hello", Duration::from_millis(50))
                .is_err()
        );
        let before = Instant::now();
        drop(process);
        assert!(before.elapsed() < LONG);
    }

    #[test]
    fn input_stays_open_and_words_are_found() {
        let mut process = shell("echo waiting here >&2; cat; echo gone >&2");
        process.wait_for_words("waiting", LONG).expect("said");
        assert!(
            process
                .wait_for_words("gone", Duration::from_millis(50))
                .is_err()
        );
    }
}
