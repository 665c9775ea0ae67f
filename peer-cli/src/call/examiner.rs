//! The task that owns the expectations of a command, whichever of its calls the facts come from.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::checks::{Checks, Fact, Verdict};
use crate::event::{Event, Path};
use crate::proto::sound_check::SoundCheck;

/// Facts on their way; a call makes a few a second.
const QUEUE: usize = 256;

/// [`Fact`] with its own text.
#[derive(Debug)]
pub(super) enum OwnedFact {
    Connected {
        path: Path,
        setup: Duration,
    },
    Path(Path),
    Sound {
        check: SoundCheck,
        met: bool,
        got: String,
    },
    Message(String),
    Loss(f64),
    Rtt(Duration),
    Ended,
}

impl OwnedFact {
    fn borrow(&self) -> Fact<'_> {
        match self {
            Self::Connected { path, setup } => Fact::Connected {
                path: *path,
                setup: *setup,
            },
            Self::Path(path) => Fact::Path(*path),
            Self::Sound { check, met, got } => Fact::Sound {
                check: *check,
                met: *met,
                got,
            },
            Self::Message(text) => Fact::Message(text),
            Self::Loss(share) => Fact::Loss(*share),
            Self::Rtt(rtt) => Fact::Rtt(*rtt),
            Self::Ended => Fact::Ended,
        }
    }
}

/// A call's side of the examination; clones report to the same examiner.
#[derive(Clone, Debug)]
pub struct Examinee {
    facts: mpsc::Sender<(String, OwnedFact)>,
    verdict: watch::Receiver<Option<Verdict>>,
    sound_checks: Vec<SoundCheck>,
}

impl Examinee {
    /// What to listen for in received sound.
    pub(super) fn sound_checks(&self) -> &[SoundCheck] {
        &self.sound_checks
    }

    /// Reports a fact about the call with `peer`.
    pub(super) async fn report(&self, peer: &str, fact: OwnedFact) {
        let _ = self.facts.send((peer.to_owned(), fact)).await;
    }

    /// Resolves when enough has been seen; once.
    pub(super) async fn verdict(&mut self) -> Verdict {
        loop {
            if self.verdict.changed().await.is_err() {
                // The examiner is gone: nothing more will be decided.
                std::future::pending::<()>().await;
            }
            if let Some(verdict) = *self.verdict.borrow_and_update() {
                return verdict;
            }
        }
    }
}

/// The examiner itself.
#[derive(Debug)]
pub struct Examiner(JoinHandle<Checks>);

impl Examiner {
    /// Starts the task.
    #[must_use]
    pub fn start(checks: Checks) -> (Self, Examinee) {
        let (facts, incoming) = mpsc::channel(QUEUE);
        let (decided, verdict) = watch::channel(None);
        let sound_checks = checks.sound_checks();
        let task = tokio::spawn(examine(checks, incoming, decided));
        let examinee = Examinee {
            facts,
            verdict,
            sound_checks,
        };
        (Self(task), examinee)
    }

    /// How each check came out; waits until the last [`Examinee`] is gone.
    pub async fn results(self) -> Vec<Event> {
        match self.0.await {
            Ok(checks) => checks.results(),
            Err(_) => Vec::new(),
        }
    }
}

async fn examine(
    mut checks: Checks,
    mut facts: mpsc::Receiver<(String, OwnedFact)>,
    decided: watch::Sender<Option<Verdict>>,
) -> Checks {
    loop {
        if let Some(verdict) = checks.poll_output(Instant::now()) {
            decided.send_replace(Some(verdict));
        }
        let patience = async {
            match checks.poll_timeout() {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            fact = facts.recv() => match fact {
                Some((peer, fact)) => checks.handle(Instant::now(), &peer, fact.borrow()),
                None => return checks,
            },
            () = patience => {}
        }
    }
}
