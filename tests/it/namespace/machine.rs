//! Namespaces for network and mounts, and processes inside them. Everything is gone with the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Nothing takes longer, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);

/// The loopback interface is brought up, and an empty folder laid over the sound devices where there are any.
const ENTER: &str = "ip link set lo up && { [ ! -d /dev/snd ] || mount -t tmpfs none /dev/snd; } && echo ready && exec cat";

/// A process that waits inside holds the namespaces.
pub(crate) struct Machine {
    holder: Child,
}

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
        let child = Command::new("unshare")
            .args(["--net", "--mount", "sh", "-c", ENTER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut holder = child.map_err(|error| format!("unshare: {error}"))?;
        let mut answer = String::new();
        BufReader::new(holder.stdout.as_mut().unwrap())
            .read_line(&mut answer)
            .unwrap();
        if answer.trim() == "ready" {
            return Ok(Self { holder });
        }
        let mut why = String::new();
        holder
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut why)
            .unwrap();
        holder.wait().unwrap();
        Err(why.trim().to_owned())
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
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.holder.id()));
        command
            .args(["--net", "--mount", "--"])
            .arg(tests::program(program))
            .args(arguments);
        for (name, _) in std::env::vars_os() {
            let foreign = ["PEER_", "SIGNALING_", "RUST_LOG"];
            if name
                .to_str()
                .is_some_and(|name| foreign.iter().any(|start| name.starts_with(start)))
            {
                command.env_remove(&name);
            }
        }
        // Sound servers are reached by files, which no namespace of this kind hides.
        command
            .env("PULSE_SERVER", "unix:/nonexistent")
            .env_remove("XDG_RUNTIME_DIR");
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

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
