//! One `peer-cli`: started, listened to, and ended with the test whatever happens.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::schema;

/// Nothing that a test waits for takes longer, on a machine that does other things too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at whether a process has ended.
const LOOK: Duration = Duration::from_millis(2);

/// Sound that needs no sound card.
pub(crate) const MUTE: [&str; 4] = ["--mic", "silence", "--speaker", "null"];

enum Line {
    Output(String),
    Words(String),
}

/// Killed when dropped.
pub(crate) struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Line>,
    out: Vec<String>,
    said: Vec<String>,
    json: bool,
}

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    /// Its standard output, line by line.
    pub(crate) out: Vec<String>,
    /// Its standard error.
    pub(crate) said: String,
    /// Its standard output as events, with `--json`.
    pub(crate) events: Vec<Value>,
    /// When it was seen to have ended.
    pub(crate) at: Instant,
}

/// The program with these arguments; it reaches nothing but this machine.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peer-cli"));
    command.args(arguments);
    for name in [
        "COLUMNS",
        "NO_COLOR",
        "PEER_CA",
        "PEER_NAME",
        "PEER_PEERS",
        "PEER_SERVER",
        "PEER_TURN",
        "PEER_TURN_PASSWORD",
        "PEER_TURN_USER",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    command
        .env("PEER_STUN", "off")
        .env("PEER_BIND", "127.0.0.1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs to its end.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    Peer::start(arguments).finish()
}

impl Peer {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        // Held open: the end of input means something.
        command.stdin(Stdio::piped());
        Self::spawn(command, arguments.contains(&"--json"))
    }

    pub(crate) fn spawn(mut command: Command, json: bool) -> Self {
        let mut child = command.spawn().unwrap();
        let (tx, lines) = channel();
        forward(child.stdout.take(), tx.clone(), Line::Output);
        forward(child.stderr.take(), tx, Line::Words);
        let input = child.stdin.take();
        Self {
            child,
            input,
            lines,
            out: Vec::new(),
            said: Vec::new(),
            json,
        }
    }

    /// The first event of this name, also if it came before.
    pub(crate) fn wait_for(&mut self, name: &str) -> Value {
        self.wait_until(name, |_| true)
    }

    /// The first event of this name that is as wanted.
    pub(crate) fn wait_until(&mut self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        assert!(self.json, "events come with --json");
        let mut seen = 0;
        let deadline = Instant::now() + PATIENCE;
        loop {
            for line in &self.out[seen..] {
                let event = schema::event(line);
                if event["event"] == name && wanted(&event) {
                    return event;
                }
            }
            seen = self.out.len();
            assert!(
                self.read(deadline),
                "ended without \"{name}\": {}",
                self.story()
            );
        }
    }

    /// Waits until this is in a line on standard error.
    pub(crate) fn wait_for_words(&mut self, words: &str) -> String {
        Self::find(self, |peer| &peer.said, words)
    }

    /// Waits until this is in a line on standard output.
    pub(crate) fn wait_for_output(&mut self, words: &str) -> String {
        Self::find(self, |peer| &peer.out, words)
    }

    fn find(&mut self, lines: fn(&Self) -> &Vec<String>, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(line) = lines(self).iter().find(|line| line.contains(words)) {
                return line.clone();
            }
            assert!(
                self.read(deadline),
                "ended without \"{words}\": {}",
                self.story()
            );
        }
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Ends its input.
    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    pub(crate) fn signal(&self, signal: &str) {
        send(signal, self.child.id());
    }

    /// Waits for the end. With `--json`, every line must be as the contract says.
    pub(crate) fn finish(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        while self.read(deadline) {}
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("it does not end: {}", self.story()),
                None => std::thread::sleep(LOOK),
            }
        };
        let code = status
            .code()
            .unwrap_or_else(|| panic!("{status}: {}", self.story()));
        let events = if self.json {
            schema::check(&self.out, code)
        } else {
            Vec::new()
        };
        Ended {
            code,
            out: std::mem::take(&mut self.out),
            said: self.said.join("\n"),
            events,
            at: Instant::now(),
        }
    }

    /// Ends without a word, like a cable that is pulled.
    pub(crate) fn vanish(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// False at the end of both outputs.
    fn read(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(Line::Output(line)) => self.out.push(line),
            Ok(Line::Words(line)) => self.said.push(line),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("took too long: {}", self.story()),
        }
        true
    }

    fn story(&self) -> String {
        format!("\n{}\n{}", self.out.join("\n"), self.said.join("\n"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// The events of this name.
    pub(crate) fn all(&self, name: &str) -> Vec<&Value> {
        self.events
            .iter()
            .filter(|event| event["event"] == name)
            .collect()
    }

    /// The only event of this name.
    pub(crate) fn one(&self, name: &str) -> &Value {
        match self.all(name)[..] {
            [event] => event,
            ref all => panic!("{} events \"{name}\": {:#?}", all.len(), self),
        }
    }

    /// Why it ended, as `exit` says.
    pub(crate) fn reason(&self) -> &str {
        self.one("exit")["reason"].as_str().unwrap()
    }

    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

/// Sends a signal to one process.
pub(crate) fn send(signal: &str, process: u32) {
    let kill = Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
    assert!(kill.unwrap().success());
}

fn forward<R: Read + Send + 'static>(from: Option<R>, to: Sender<Line>, line: fn(String) -> Line) {
    let from = BufReader::new(from.unwrap());
    std::thread::spawn(move || {
        for text in from.split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&text).into_owned();
            if to.send(line(text)).is_err() {
                return;
            }
        }
    });
}
