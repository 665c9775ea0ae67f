//! `--expect` and `--max-…`: fed with facts, says when the command has seen enough and how each check came out.
//!
//! The expectations end the command as soon as all are met, or ten seconds after connecting; not with `--duration`.
//! Thresholds end nothing early: they are judged at the end, on the worst of all calls, and unmeasured is not met.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::event::{Event, Path};
use crate::proto::sound_check::SoundCheck;

mod check;
mod worst;
pub use check::Check;
use worst::Worst;

#[cfg(test)]
mod tests;

/// How long expectations may take once connected.
const PATIENCE: Duration = Duration::from_secs(10);

/// A received text is quoted up to here, characters.
const LONGEST_QUOTE: usize = 100;

/// What is asked of a command.
#[derive(Debug, Clone, Default)]
pub struct ChecksOptions {
    /// `--expect`, in the order given.
    pub expect: Vec<Check>,
    /// `--max-setup`: limit of `setup_ms.total`.
    pub max_setup: Option<Duration>,
    /// `--max-loss`: limit of the lost share, 0 to 1.
    pub max_loss: Option<f64>,
    /// `--max-rtt`: limit of the mean round trip time.
    pub max_rtt: Option<Duration>,
}

/// Something observed about one call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fact<'a> {
    /// DTLS is up and the first channel open.
    Connected {
        /// How packets travel.
        path: Path,
        /// `setup_ms.total`.
        setup: Duration,
    },
    /// The path changed.
    Path(Path),
    /// What a sound check has heard so far.
    Sound {
        /// Which check.
        check: SoundCheck,
        /// Whether it is met.
        met: bool,
        /// What was heard.
        got: &'a str,
    },
    /// A text message.
    Message(&'a str),
    /// Lost share of the packets sent to us since the start, 0 to 1.
    Loss(f64),
    /// One measured round trip.
    Rtt(Duration),
    /// The call is over.
    Ended,
}

/// Why the command should hang up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every expectation is met.
    Met,
    /// Ten seconds connected and still something missing.
    TimeUp,
}

/// The machine behind `--expect`, `--max-setup`, `--max-loss` and `--max-rtt`.
#[derive(Debug)]
pub struct Checks {
    options: ChecksOptions,
    expectations: Vec<Expectation>,
    ends_command: bool,
    calls: usize,
    connected: BTreeSet<String>,
    deadline: Option<Instant>,
    decided: bool,
    worst: Worst,
}

impl Checks {
    /// `has_duration`: the command ends by itself. `calls`: how many calls must each meet an expectation (loopback: 2).
    pub fn new(options: ChecksOptions, has_duration: bool, calls: usize) -> Self {
        let expectations = options
            .expect
            .iter()
            .cloned()
            .map(Expectation::new)
            .collect::<Vec<_>>();
        Self {
            ends_command: !has_duration && !expectations.is_empty(),
            expectations,
            calls: calls.max(1),
            connected: BTreeSet::new(),
            deadline: None,
            decided: false,
            worst: Worst::default(),
            options,
        }
    }

    /// The checks that listen to received sound.
    pub fn sound_checks(&self) -> Vec<SoundCheck> {
        self.expectations
            .iter()
            .filter_map(|expectation| expectation.check.sound())
            .collect()
    }

    /// Takes a fact about the call with a peer.
    pub fn handle(&mut self, now: Instant, peer: &str, fact: Fact<'_>) {
        match fact {
            Fact::Connected { setup, .. } => {
                self.worst.setup(setup);
                self.connected.insert(peer.to_owned());
                self.deadline.get_or_insert(now + PATIENCE);
            }
            Fact::Loss(share) => self.worst.loss(peer, share),
            Fact::Rtt(rtt) => self.worst.rtt(peer, rtt),
            Fact::Ended => {
                self.worst.ended(peer);
                self.connected.remove(peer);
                if self.connected.is_empty() {
                    self.deadline = None;
                }
            }
            Fact::Path(_) | Fact::Sound { .. } | Fact::Message(_) => {}
        }
        for expectation in &mut self.expectations {
            expectation.handle(peer, fact, self.calls);
        }
    }

    /// Says once that it is time to hang up.
    pub fn poll_output(&mut self, now: Instant) -> Option<Verdict> {
        if !self.ends_command || self.decided {
            return None;
        }
        let verdict = if self.expectations_met() {
            Verdict::Met
        } else if self.deadline.is_some_and(|deadline| deadline <= now) {
            Verdict::TimeUp
        } else {
            return None;
        };
        self.decided = true;
        Some(verdict)
    }

    /// When patience ends.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.filter(|_| self.ends_command && !self.decided)
    }

    /// One `expect` event for each check, in the order of the command line, thresholds last.
    pub fn results(&self) -> Vec<Event> {
        let expectations = self.expectations.iter().map(|expectation| Event::Expect {
            check: expectation.check.to_string(),
            ok: expectation.is_met(self.calls),
            got: expectation.got.clone(),
        });
        expectations
            .chain(self.worst.results(&self.options))
            .collect()
    }

    fn expectations_met(&self) -> bool {
        self.expectations
            .iter()
            .all(|expectation| expectation.is_met(self.calls))
    }
}

/// One expectation and the calls that met it.
#[derive(Debug)]
struct Expectation {
    check: Check,
    /// Never more than are needed, so that a server of calls does not grow.
    met_by: BTreeSet<String>,
    got: String,
}

impl Expectation {
    fn new(check: Check) -> Self {
        let got = check.nothing().to_owned();
        Self {
            check,
            met_by: BTreeSet::new(),
            got,
        }
    }

    fn is_met(&self, calls: usize) -> bool {
        self.met_by.len() >= calls
    }

    fn handle(&mut self, peer: &str, fact: Fact<'_>, calls: usize) {
        let Some((met, got)) = self.judge(fact) else {
            return;
        };
        if met && !self.is_met(calls) {
            self.met_by.insert(peer.to_owned());
            if self.is_met(calls) {
                self.got = got;
            }
        } else if !met && !self.check.lasts() {
            self.met_by.remove(peer);
            self.got = got;
        } else if !met && !self.is_met(calls) && !self.met_by.contains(peer) {
            self.got = got;
        }
    }

    /// Whether a fact meets the check, and how it reads; nothing if it has no bearing on it.
    fn judge(&self, fact: Fact<'_>) -> Option<(bool, String)> {
        match (&self.check, fact) {
            (Check::Connected, Fact::Connected { .. }) => Some((true, "connected".to_owned())),
            (Check::Direct, Fact::Connected { path, .. } | Fact::Path(path)) => {
                Some((path == Path::Direct, path.to_string()))
            }
            (Check::Relay, Fact::Connected { path, .. } | Fact::Path(path)) => {
                Some((path == Path::Relay, path.to_string()))
            }
            (Check::Sound(wanted), Fact::Sound { check, met, got }) if *wanted == check => {
                Some((met, got.to_owned()))
            }
            (Check::Message(regex), Fact::Message(text)) => {
                Some((regex.is_match(text), format!("{:?}", quote(text))))
            }
            _ => None,
        }
    }
}

fn quote(text: &str) -> &str {
    text.char_indices()
        .nth(LONGEST_QUOTE)
        .map_or(text, |(end, _)| &text[..end])
}
