//! Processes in a namespace for network and mounts. Everything is gone with the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use lab::Namespace;

/// Nothing takes longer, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);

/// A namespace, without the settings and sound servers of this machine.
pub(crate) struct Machine(Namespace);

/// A process inside; killed when dropped.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<(Stream, String)>,
    heard: Vec<(Stream, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stream {
    Output,
    Words,
}

impl Machine {
    pub(crate) fn new() -> Result<Self, String> {
        Namespace::new().map(Self).map_err(|why| format!("{why:#}"))
    }

    pub(crate) fn start(&self, program: &str, arguments: &[&str]) -> Process {
        let mut child = self.command(program, arguments).spawn().unwrap();
        let (tx, lines) = channel();
        let forward = |stream, from: Box<dyn Read + Send>| {
            let tx = tx.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(from).lines().map_while(Result::ok) {
                    if tx.send((stream, line)).is_err() {
                        return;
                    }
                }
            });
        };
        forward(Stream::Output, Box::new(child.stdout.take().unwrap()));
        forward(Stream::Words, Box::new(child.stderr.take().unwrap()));
        let input = child.stdin.take();
        Process {
            child,
            input,
            lines,
            heard: Vec::new(),
        }
    }

    /// To the end: the exit code and what stands on standard output.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> (i32, String) {
        let output = self
            .command(program, arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = self.0.command(tests::program(program));
        command.args(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

impl Process {
    /// Waits for a line on standard error with these words in it.
    #[track_caller]
    pub(crate) fn says(&mut self, words: &str) {
        self.wait(Stream::Words, words);
    }

    /// Waits for a line on standard output with these words in it.
    #[track_caller]
    pub(crate) fn prints(&mut self, words: &str) {
        self.wait(Stream::Output, words);
    }

    pub(crate) fn writes(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let kill = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }

    /// Waits for the end; the exit code.
    #[track_caller]
    pub(crate) fn ends(mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        while self.read(deadline) {}
        self.child.wait().unwrap().code().unwrap()
    }

    #[track_caller]
    fn wait(&mut self, stream: Stream, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        let is_it = |(of, line): &(Stream, String)| *of == stream && line.contains(words);
        while !self.heard.iter().any(is_it) {
            assert!(
                self.read(deadline),
                "ended without \"{words}\": {:#?}",
                self.heard
            );
        }
    }

    /// False at the end of both streams.
    #[track_caller]
    fn read(&mut self, deadline: Instant) -> bool {
        match self
            .lines
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            Ok(line) => self.heard.push(line),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("took too long: {:#?}", self.heard),
        }
        true
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
