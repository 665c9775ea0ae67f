//! Commands, their results and events: what DevTools and WebDriver BiDi have in common, over whatever carries their messages.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::program::LastWords;

/// One browser at the other end. Any number of threads may speak to it at a time.
pub(super) struct Wire {
    /// For errors.
    browser: &'static str,
    /// Which page an event is of.
    page_of: PageOf,
    /// The events that are kept, by name.
    kept: &'static [&'static str],
    words: LastWords,
    /// `None` once nothing may be said any more.
    speak: Mutex<Option<Speak>>,
    heard: Mutex<Heard>,
    changed: Condvar,
}

/// Sends one message.
pub(super) type Speak = Box<dyn FnMut(&str) -> Result<()> + Send>;
pub(super) type PageOf = fn(&Value) -> Option<&str>;

#[derive(Default)]
struct Heard {
    /// Of the last command.
    number: u64,
    /// To commands that are waited for; `None` until it comes.
    answers: HashMap<u64, Option<Value>>,
    /// By the page's name; of pages that are not here nothing is kept.
    events: HashMap<String, VecDeque<Value>>,
    ended: bool,
}

/// Events of one page: more than a page of a test makes; then the oldest go.
const KEPT: usize = 10_000;

impl Wire {
    pub(super) fn new(
        browser: &'static str,
        page_of: PageOf,
        kept: &'static [&'static str],
        words: LastWords,
        speak: Speak,
    ) -> Self {
        Self {
            browser,
            page_of,
            kept,
            words,
            speak: Mutex::new(Some(speak)),
            heard: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// One command and its result; `more` are members of the message beside those that every command has.
    pub(super) fn call(
        &self,
        method: &str,
        params: &Value,
        more: &[(&str, &str)],
        limit: Duration,
    ) -> Result<Value> {
        let deadline = Instant::now() + limit;
        let number = {
            let mut heard = self.heard();
            heard.number += 1;
            let number = heard.number;
            heard.answers.insert(number, None);
            number
        };
        let mut message = json!({"id": number, "method": method, "params": params});
        for (name, value) in more {
            message[name] = json!(value);
        }
        let answer = self
            .say(&message.to_string())
            .and_then(|()| self.wait(deadline, |heard| heard.answers.get_mut(&number)?.take()));
        self.heard().answers.remove(&number);
        let mut answer = answer.with_context(|| method.to_owned())?;
        // An object in DevTools, a name beside the message in BiDi.
        if let Some(error) = answer.get("error") {
            let why = error["message"].as_str().or(answer["message"].as_str());
            bail!("{method}: {}", why.unwrap_or("refused without a reason"));
        }
        Ok(answer["result"].take())
    }

    /// Begins to keep the events of this page.
    pub(super) fn follow(&self, page: &str) {
        self.heard().events.insert(page.to_owned(), VecDeque::new());
    }

    /// The page is no more.
    pub(super) fn unfollow(&self, page: &str) {
        self.heard().events.remove(page);
    }

    /// Events of this name until now are of no interest any more.
    pub(super) fn forget(&self, page: &str, name: &str) {
        if let Some(events) = self.heard().events.get_mut(page) {
            events.retain(|event| event["method"] != name);
        }
    }

    /// Waits until there is such an event of this page among those that are kept.
    pub(super) fn wait_for(
        &self,
        page: &str,
        limit: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<()> {
        self.wait(Instant::now() + limit, |heard| {
            heard.events.get(page)?.iter().any(&wanted).then_some(())
        })
    }

    /// What there is to be found in the events of this page, in order.
    pub(super) fn find<T>(&self, page: &str, look: impl Fn(&Value) -> Option<T>) -> Vec<T> {
        let heard = self.heard();
        let events = heard.events.get(page);
        events.into_iter().flatten().filter_map(look).collect()
    }

    /// A message has come.
    pub(super) fn take(&self, message: Value) {
        let mut heard = self.heard();
        if let Some(number) = message["id"].as_u64() {
            // Nobody waits any longer for one that is not here.
            if let Some(answer) = heard.answers.get_mut(&number) {
                *answer = Some(message);
            }
        } else if message["method"]
            .as_str()
            .is_some_and(|name| self.kept.contains(&name))
            && let Some(page) = (self.page_of)(&message)
            && let Some(events) = heard.events.get_mut(page)
        {
            if events.len() == KEPT {
                events.pop_front();
            }
            events.push_back(message);
        }
        self.changed.notify_all();
    }

    /// No further message will come.
    pub(super) fn end(&self) {
        self.heard().ended = true;
        self.changed.notify_all();
    }

    /// Nothing is said any more, and what carried it is closed.
    pub(super) fn silence(&self) {
        self.speak
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    fn say(&self, text: &str) -> Result<()> {
        let mut speak = self.speak.lock().unwrap_or_else(PoisonError::into_inner);
        let speak = speak.as_mut().context("nothing is said any more")?;
        speak(text).with_context(|| format!("{} is gone{}", self.browser, self.words.said()))
    }

    fn wait<T>(
        &self,
        deadline: Instant,
        mut look: impl FnMut(&mut Heard) -> Option<T>,
    ) -> Result<T> {
        let mut heard = self.heard();
        loop {
            if let Some(found) = look(&mut heard) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if heard.ended {
                bail!("{} has ended{}", self.browser, self.words.said());
            }
            if left.is_zero() {
                bail!("no answer from {}{}", self.browser, self.words.said());
            }
            let waited = self.changed.wait_timeout(heard, left);
            heard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Wire").field(&self.browser).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::mpsc::{Receiver, channel};
    use std::thread;
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::super::program::LastWords;
    use super::Wire;

    const LONG: Duration = Duration::from_secs(20);

    fn page_of(event: &Value) -> Option<&str> {
        event["page"].as_str()
    }

    fn wire() -> (Wire, Receiver<Value>) {
        let (said, hears) = channel();
        let speak = Box::new(move |text: &str| Ok(said.send(serde_json::from_str(text)?)?));
        let kept = &["log", "load"];
        let wire = Wire::new("a browser", page_of, kept, LastWords::default(), speak);
        (wire, hears)
    }

    #[test]
    fn answers_reach_whoever_asked_in_any_order() {
        let (wire, hears) = wire();
        thread::scope(|scope| {
            let ask = |method: &'static str| {
                let wire = &wire;
                scope.spawn(move || wire.call(method, &json!({}), &[("page", "p")], LONG))
            };
            let first = ask("first");
            let one = hears.recv().unwrap();
            let second = ask("second");
            let two = hears.recv().unwrap();
            assert_eq!([&one["method"], &two["page"]], ["first", "p"]);
            wire.take(json!({"id": two["id"], "result": 2}));
            wire.take(json!({"id": one["id"], "error": "unknown", "message": "why not"}));
            assert_eq!(second.join().unwrap().unwrap(), 2);
            let why = first.join().unwrap().unwrap_err();
            assert_eq!(why.to_string(), "first: why not");
        });
    }

    #[test]
    fn events_are_kept_by_page_and_name() {
        let (wire, _hears) = wire();
        wire.follow("a");
        for (page, method) in [("a", "log"), ("b", "log"), ("a", "noise"), ("a", "load")] {
            wire.take(json!({"method": method, "page": page}));
        }
        let names = |page| wire.find(page, |event| event["method"].as_str().map(str::to_owned));
        assert_eq!(names("a"), ["log", "load"]);
        assert!(names("b").is_empty());
        wire.wait_for("a", LONG, |event| event["method"] == "load")
            .unwrap();
        wire.forget("a", "load");
        assert_eq!(names("a"), ["log"]);
        wire.unfollow("a");
        assert!(names("a").is_empty());
    }

    #[test]
    fn one_that_ends_or_is_silent_is_given_up() {
        let (wire, _hears) = wire();
        let why = |limit| wire.call("hello", &json!({}), &[], limit).unwrap_err();
        let silent = why(Duration::from_millis(10));
        assert_eq!(format!("{silent:#}"), "hello: no answer from a browser");
        wire.end();
        assert_eq!(format!("{:#}", why(LONG)), "hello: a browser has ended");
        wire.silence();
        assert!(format!("{:#}", why(LONG)).contains("nothing is said"));
    }
}
