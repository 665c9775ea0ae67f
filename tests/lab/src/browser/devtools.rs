//! The DevTools protocol through two pipes: commands one way, results and events the other.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// A browser that is spoken to. Gone when dropped.
#[derive(Debug)]
pub(super) struct DevTools {
    child: Child,
    /// Closed first of all: then the browser ends by itself.
    commands: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// Events that nobody has asked for yet.
    events: VecDeque<Value>,
    /// What the browser itself complained about last.
    words: Arc<Mutex<VecDeque<String>>>,
    number: u64,
}

/// Its pipes are file descriptors 3 and 4, which only a shell can hand over without `unsafe`.
const PIPES: &str = "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null";

/// For the browser to end before it is made to.
const FAREWELL: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);
/// Events that are kept for somebody to ask, and lines that an error repeats.
const KEPT: usize = 1000;
const REPEATED: usize = 6;

impl DevTools {
    /// A browser with `--remote-debugging-pipe` among its options.
    pub(super) fn start(browser: &Command) -> Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", PIPES, "sh"]).arg(browser.get_program());
        command.args(browser.get_args());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start a shell for Chromium")?;
        let (sender, messages) = channel();
        let words = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(pipe) = child.stdout.take() {
            spawn(move || each_message(pipe, |message| sender.send(message).is_ok()));
        }
        if let Some(pipe) = child.stderr.take() {
            let words = Arc::clone(&words);
            spawn(move || keep_last(pipe, &words));
        }
        Ok(Self {
            commands: child.stdin.take(),
            child,
            messages,
            events: VecDeque::new(),
            words,
            number: 0,
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// One command of the protocol and its result.
    ///
    /// To the page of this session, or to the browser.
    pub(super) fn call(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value> {
        self.number += 1;
        let mut message = json!({"id": self.number, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        let mut text = message.to_string().into_bytes();
        text.push(0);
        let sent = match &mut self.commands {
            Some(pipe) => pipe.write_all(&text).and_then(|()| pipe.flush()),
            None => Ok(()),
        };
        if let Err(error) = sent {
            bail!("Chromium is gone: {error}{}", self.said());
        }
        let deadline = Instant::now() + limit;
        loop {
            let mut message = self.next(deadline).with_context(|| method.to_owned())?;
            if message["id"] == self.number {
                if let Some(why) = message["error"]["message"].as_str() {
                    bail!("{method}: {why}");
                }
                return Ok(message["result"].take());
            }
            self.keep(message);
        }
    }

    /// Waits for this event, with these among its parameters.
    pub(super) fn wait_for(
        &mut self,
        event: &str,
        parameters: &Value,
        limit: Duration,
    ) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            while let Some(message) = self.events.pop_front() {
                let has = |(name, value): (&String, &Value)| message["params"][name] == *value;
                let all = || {
                    parameters
                        .as_object()
                        .is_some_and(|all| all.iter().all(has))
                };
                if message["method"] == event && all() {
                    return Ok(());
                }
            }
            let message = self.next(deadline)?;
            self.keep(message);
        }
    }

    /// Events until now are of no interest any more.
    pub(super) fn forget(&mut self) {
        self.events.clear();
    }

    fn keep(&mut self, message: Value) {
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back(message);
    }

    fn next(&mut self, deadline: Instant) -> Result<Value> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.messages.recv_timeout(left) {
            Ok(message) => Ok(message),
            Err(RecvTimeoutError::Timeout) => bail!("no answer from Chromium{}", self.said()),
            Err(RecvTimeoutError::Disconnected) => bail!("Chromium has ended{}", self.said()),
        }
    }

    fn said(&self) -> String {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        words.iter().map(|line| format!("\n  {line}")).collect()
    }
}

impl Drop for DevTools {
    fn drop(&mut self) {
        // Its processes end with it only if it may say goodbye to them.
        drop(self.commands.take());
        let deadline = Instant::now() + FAREWELL;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            sleep(LOOK);
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Messages are JSON, each ended by a zero byte; the first that is none ends it all.
fn each_message(pipe: impl Read, mut take: impl FnMut(Value) -> bool) {
    let mut pipe = BufReader::new(pipe);
    let mut text = Vec::new();
    while pipe.read_until(0, &mut text).is_ok_and(|length| length > 0) {
        let message = serde_json::from_slice(text.strip_suffix(&[0]).unwrap_or(&text));
        if !message.is_ok_and(&mut take) {
            return;
        }
        text.clear();
    }
}

fn keep_last(pipe: impl Read, words: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.len() == REPEATED {
            words.pop_front();
        }
        words.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::each_message;

    #[test]
    fn messages_end_with_zero_bytes() {
        let heard = |bytes: &[u8]| {
            let mut all: Vec<Value> = Vec::new();
            each_message(bytes, |message| {
                all.push(message);
                true
            });
            all
        };
        let two = [json!({"id": 1}), json!("ü")];
        assert_eq!(heard("{\"id\":1}\0\"ü\"\0".as_bytes()), two);
        assert_eq!(heard("{\"id\":1}\0\"ü\"".as_bytes()), two);
        assert_eq!(heard(b"{\"id\":1}\0oops\0{}\0"), two[..1]);
    }
}
