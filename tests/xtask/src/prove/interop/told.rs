//! A process, and all that it has told: nothing is lost to who waits for something else first.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lab::{Event, Process};
use serde_json::Value;

/// For whatever is waited for.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

pub(super) struct Told {
    pub(super) process: Process,
    events: Vec<Event>,
}

impl Told {
    pub(super) fn by(process: Process) -> Self {
        Self {
            process,
            events: Vec::new(),
        }
    }

    /// The first event of this name, past or to come.
    pub(super) fn sees(&mut self, name: &str) -> Result<&Event> {
        self.until(name, |event| event["event"] == name)
    }

    /// The first event that fits.
    pub(super) fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Result<&Event> {
        let deadline = Instant::now() + LIMIT;
        let mut next = 0;
        loop {
            while let Some(event) = self.events.get(next) {
                if fits(&event.value) {
                    return Ok(&self.events[next]);
                }
                next += 1;
            }
            if !self.reads(deadline, what)? {
                return Err(self.process.complaint(&format!("ended without {what}")));
            }
        }
    }

    /// The texts of its first messages, once there are so many.
    pub(super) fn texts(&mut self, number: usize) -> Result<Vec<String>> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let messages = self.all("message");
            let texts: Vec<_> = messages
                .filter_map(|event| event["text"].as_str().map(str::to_owned))
                .collect();
            if texts.len() >= number {
                return Ok(texts);
            }
            if !self.reads(deadline, "messages")? {
                return Err(self.process.complaint("ended without all messages"));
            }
        }
    }

    /// All events of this name so far.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        let events = self.events.iter().map(|event| &event.value);
        events.filter(move |event| event["event"] == name)
    }

    /// Waits for its end; the exit code.
    pub(super) fn finish(&mut self) -> Result<i32> {
        let deadline = Instant::now() + LIMIT;
        while self.reads(deadline, "its end")? {}
        self.process.finish(LIMIT)
    }

    /// One event more, unless it has told all.
    fn reads(&mut self, deadline: Instant, what: &str) -> Result<bool> {
        let next = self.process.next(deadline);
        let next = next.with_context(|| format!("waiting for {what}"))?;
        let more = next.is_some();
        self.events.extend(next);
        Ok(more)
    }
}
