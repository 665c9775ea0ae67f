//! `peer-cli` in this process: started with the words of the command line, watched through its events.

use std::time::{Duration, Instant};

use peer_cli::call::{Emitter, Outcome};
use peer_cli::cli::{self, Command};
use peer_cli::event::Stamped;
use peer_cli::exit::{Exit, Failure};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

use crate::LIMIT;

/// Events that wait until the test looks; a peer with more of them waits itself.
const QUEUE: usize = 10_000;

/// A running command. Without its owner it hangs up, as with a closed stdout.
#[derive(Debug)]
pub struct TestPeer {
    verb: String,
    events: Vec<Value>,
    incoming: mpsc::Receiver<Stamped>,
    stop: watch::Sender<Option<Exit>>,
    running: JoinHandle<Result<Outcome, Failure>>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// As the shell would see it.
    pub code: u8,
    /// In words.
    pub reason: String,
    /// All that happened, as `--json` prints it.
    pub events: Vec<Value>,
}

impl TestPeer {
    /// `peer-cli call` with these words and no device, STUN server or standard input.
    #[must_use]
    pub fn call(server: &str, words: &str) -> Self {
        Self::start("call", server, words, &[])
    }

    /// `peer-cli answer`, likewise.
    #[must_use]
    pub fn answer(server: &str, words: &str) -> Self {
        Self::start("answer", server, words, &[])
    }

    /// With messages, which may hold anything.
    ///
    /// # Panics
    /// When the words are no command line.
    #[must_use]
    pub fn start(verb: &str, server: &str, words: &str, messages: &[&str]) -> Self {
        Self::with(verb, server, words, messages, |_| {})
    }

    /// With options that the command line does not take, such as a password.
    ///
    /// # Panics
    /// When the words are no command line.
    #[must_use]
    pub fn with(
        verb: &str,
        server: &str,
        words: &str,
        messages: &[&str],
        more: impl FnOnce(&mut Command),
    ) -> Self {
        let mut line: Vec<&str> = vec!["peer-cli", verb, "--server", server, "--stun", "off"];
        line.extend(words.split_whitespace());
        let echoes = words.contains("--echo");
        if !echoes && !words.contains("--mic") {
            line.extend(["--mic", "silence"]);
        }
        if !echoes && !words.contains("--speaker") {
            line.extend(["--speaker", "null"]);
        }
        line.extend(messages.iter().flat_map(|text| ["--message", text]));
        let mut command = cli::parse(&line).unwrap_or_else(|stop| {
            panic!(
                "{:?}",
                stop.exit_line(Duration::ZERO).or(Some(format!("{stop:?}")))
            )
        });
        if let Command::Call(options) | Command::Answer(options) = &mut command {
            options.messages.stdin = false;
        }
        more(&mut command);
        let (events, incoming) = mpsc::channel(QUEUE);
        let (stop, stopped) = watch::channel(None);
        let emit = Emitter::new(Instant::now(), events);
        Self {
            verb: verb.to_owned(),
            events: Vec::new(),
            incoming,
            stop,
            running: tokio::spawn(peer_cli::app::run(command, emit, stopped)),
        }
    }

    /// The first event, past or to come, with this name.
    pub async fn sees(&mut self, name: &str) -> Value {
        self.wait_for(name, |event| event["event"] == name).await
    }

    /// The warning with this code.
    pub async fn warns(&mut self, code: &str) -> Value {
        self.wait_for(code, |event| event["code"] == code).await
    }

    /// The state of its signaling.
    pub async fn signaling(&mut self, state: &str) -> Value {
        self.wait_for(state, |event| {
            event["event"] == "signaling" && event["state"] == state
        })
        .await
    }

    /// In the room, ready for whoever comes.
    pub async fn is_waiting(mut self) -> Self {
        self.signaling("connected").await;
        self
    }

    /// In a call.
    pub async fn is_connected(mut self) -> Self {
        self.sees("connected").await;
        self
    }

    /// This text, received.
    pub async fn reads(&mut self, text: &str) -> Value {
        self.wait_for(text, |event| {
            event["event"] == "message" && event["text"] == text
        })
        .await
    }

    /// The first event, past or to come, that is `wanted`.
    ///
    /// # Panics
    /// With all events, when the command ends without it or [`LIMIT`] passes.
    pub async fn wait_for(&mut self, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        if let Some(event) = self.events.iter().find(|event| wanted(event)) {
            return event.clone();
        }
        let deadline = tokio::time::Instant::now() + LIMIT;
        loop {
            match timeout_at(deadline, self.incoming.recv()).await {
                Ok(Some(event)) => {
                    let event = self.keep(&event);
                    if wanted(&event) {
                        return event;
                    }
                }
                Ok(None) => {
                    let outcome = (&mut self.running).await;
                    panic!(
                        "{} ended without {what:?}: {outcome:?}{}",
                        self.verb,
                        self.story()
                    );
                }
                Err(_) => panic!("{} waits for {what:?}{}", self.verb, self.story()),
            }
        }
    }

    /// How often `wanted` events have come so far, without waiting.
    pub fn count(&mut self, wanted: impl Fn(&Value) -> bool) -> usize {
        while let Ok(event) = self.incoming.try_recv() {
            self.keep(&event);
        }
        self.events.iter().filter(|event| wanted(event)).count()
    }

    /// Waits for at least `more` packets of sound on top of those that have been counted.
    pub async fn hears_packets(&mut self, more: u64) {
        let before = self.events.iter().map(packets).max().unwrap_or(0);
        self.wait_for("more packets", |event| packets(event) >= before + more)
            .await;
    }

    /// Asks it to end, as Ctrl-C does.
    pub fn hang_up(&self) {
        self.stop.send_replace(Some(Exit::Interrupted));
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// When it does not end within [`LIMIT`].
    pub async fn exit(mut self) -> Ended {
        let deadline = tokio::time::Instant::now() + LIMIT;
        let outcome = loop {
            tokio::select! {
                Some(event) = self.incoming.recv() => drop(self.keep(&event)),
                outcome = &mut self.running => break outcome.expect("the command does not panic"),
                () = tokio::time::sleep_until(deadline) => {
                    panic!("{} does not end{}", self.verb, self.story())
                }
            }
        };
        self.count(|_| false);
        let (exit, reason) = match outcome {
            Ok(outcome) => (outcome.exit, outcome.reason),
            Err(failure) => (failure.exit, failure.to_string()),
        };
        Ended {
            code: exit.code(),
            reason,
            events: self.events,
        }
    }

    /// Waits for the end, which has this exit code.
    ///
    /// # Panics
    /// With all events, when it is another code.
    pub async fn exits(self, code: u8) -> Ended {
        let ended = self.exit().await;
        assert_eq!(ended.code, code, "{}{}", ended.reason, story(&ended.events));
        ended
    }

    fn keep(&mut self, event: &Stamped) -> Value {
        let event = serde_json::to_value(event).expect("an event is JSON");
        self.events.push(event.clone());
        event
    }

    fn story(&self) -> String {
        story(&self.events)
    }
}

impl Ended {
    /// All events with this name.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&Value> {
        self.events
            .iter()
            .filter(|event| event["event"] == name)
            .collect()
    }

    /// The received texts, in order.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        let messages = self.all("message");
        messages.iter().filter_map(|m| m["text"].as_str()).collect()
    }
}

/// Packets of sound received so far, as a `stats` event counts them.
fn packets(event: &Value) -> u64 {
    let entries = event["stats"].as_array();
    let inbound = entries
        .into_iter()
        .flatten()
        .find(|entry| entry["type"] == "inbound-rtp");
    inbound
        .and_then(|entry| entry["packetsReceived"].as_u64())
        .unwrap_or(0)
}

/// All events, for whoever reads why a test failed; statistics would only hide the rest.
fn story(events: &[Value]) -> String {
    /// A message may be long.
    const LINE: usize = 300;
    /// The last ones tell most.
    const LINES: usize = 100;
    let lines = events
        .iter()
        .skip(events.len().saturating_sub(LINES))
        .filter(|event| event["event"] != "stats")
        .map(|event| event.to_string().chars().take(LINE).collect())
        .collect::<Vec<String>>();
    format!("\nall that happened:\n  {}\n", lines.join("\n  "))
}
