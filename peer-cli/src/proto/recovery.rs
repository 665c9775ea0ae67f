//! What to do about a path that is lost: when to restart ICE, when to rebuild the connection, when
//! to give up; as a machine without I/O.
//!
//! A restart is for a change of network, where the old path is gone for certain. It is the wrong
//! thing for a path that is merely silent: the crate forgets the old pair at once, so that the path
//! could not come back by itself, and SCTP, whose timer doubles up to a minute (RFC 9260 6.3.3),
//! would keep messages long after it had. There a second connection is built beside the first.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::negotiation::Purpose;

/// Both sides notice a silence at about the same time; who answered the call lets the other begin.
const AFTER_YOU: Duration = Duration::from_secs(1);

/// An attempt has this long, beside a wait that grows, before the next one replaces it.
const PATIENCE: Duration = Duration::from_secs(2);

/// An attempt that has only just begun is not replaced by news, which come in flocks: a changed network is seen by
/// signaling and by the list of addresses, one after the other, and a second restart on the heels of the first undoes it.
const SETTLING: Duration = Duration::from_millis(500);

/// Why a path counts as lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing was heard for a while.
    Silence,
    /// ICE gave up.
    Failed,
    /// The connection cannot be used any more.
    Broken,
    /// The address that it used is gone.
    Network,
    /// The relay that it took is gone.
    Relay,
}

impl Cause {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Silence => "no packets for 5s",
            Self::Failed => "the path failed",
            Self::Broken => "the connection broke",
            Self::Network => "the network changed",
            Self::Relay => "the relay is gone",
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The path is lost.
    Lost(Cause),
    /// It works, or another one does.
    Heard,
    /// The attempt came to nothing.
    Failed,
    /// The other side makes an attempt, which we answered.
    TheirTurn,
    /// Addresses came or went, other than that of the path.
    Addresses,
    /// The signaling server was reached, or lost.
    Signaling(bool),
    /// The other side has reached it.
    Arrived,
    /// Only time has passed.
    Timeout,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Say that nothing is heard.
    Warn,
    /// Offer.
    Attempt {
        /// Counts from 1 in each outage.
        number: u32,
        /// How.
        purpose: Purpose,
        /// Why.
        cause: Cause,
    },
    /// Say that the other side makes an attempt.
    Joined {
        /// Counts on from ours.
        number: u32,
        /// Why the path is lost.
        cause: Cause,
    },
    /// Say that it works again.
    Recovered {
        /// Since the loss was noticed.
        after: Duration,
    },
    /// The peer has vanished.
    GiveUp,
}

/// What is given.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a lost path is worth waiting for.
    pub limit: Duration,
    /// The other side understands a second connection in the same session.
    pub can_rebuild: bool,
    /// We offered the call, so we begin.
    pub leads: bool,
    /// Of the jitter between attempts.
    pub seed: u64,
}

/// A path that is lost.
#[derive(Clone, Copy, Debug)]
struct Outage {
    since: Instant,
    cause: Cause,
    attempts: u32,
    /// When the last attempt of ours began.
    begun: Option<Instant>,
    next: Instant,
    /// What the last attempt offered is out of date.
    stale: bool,
    /// An attempt had its time, or came to nothing.
    failed: bool,
}

impl Outage {
    /// What is offered is out of date: once more, soon.
    fn renew(&mut self, now: Instant) {
        let settled = self.begun.map_or(now, |begun| begun + SETTLING);
        (self.next, self.stale) = (now.max(settled), true);
    }
}

/// The machine of one call.
#[derive(Debug)]
pub struct Recovery {
    options: Options,
    signaling: bool,
    backoff: Backoff,
    outage: Option<Outage>,
    outputs: VecDeque<Output>,
}

impl Recovery {
    /// For a call that is up.
    #[must_use]
    pub fn new(options: Options, signaling: bool) -> Self {
        Self {
            options,
            signaling,
            backoff: Backoff::new(options.seed),
            outage: None,
            outputs: VecDeque::new(),
        }
    }

    /// Whether the path is lost.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.outage.is_some()
    }

    /// The next thing to do, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let outage = self.outage.as_ref()?;
        let limit = outage.since + self.options.limit;
        Some(if self.may_try(outage) {
            limit.min(outage.next)
        } else {
            limit
        })
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Lost(cause) => self.on_lost(now, cause),
            Input::Heard => {
                if let Some(outage) = self.outage.take() {
                    self.backoff.reset();
                    let after = now.saturating_duration_since(outage.since);
                    self.outputs.push_back(Output::Recovered { after });
                }
            }
            Input::Failed => {
                if let Some(outage) = &mut self.outage {
                    outage.failed = true;
                }
                self.put_off(now, Duration::ZERO);
            }
            Input::TheirTurn => self.on_their_turn(now),
            Input::Addresses => {
                if let Some(outage) = &mut self.outage {
                    outage.renew(now);
                }
            }
            Input::Signaling(up) => {
                let came = up && !self.signaling;
                self.signaling = up;
                // What was offered knows too little: STUN and TURN servers were out of reach, too.
                if let Some(outage) = self.outage.as_mut().filter(|_| came) {
                    outage.renew(now);
                }
            }
            Input::Arrived => self.on_arrived(now),
            Input::Timeout => {}
        }
        self.work(now);
    }

    fn on_lost(&mut self, now: Instant, cause: Cause) {
        let is_new = self.outage.is_none();
        let outage = self.outage.get_or_insert(Outage {
            since: now,
            cause,
            attempts: 0,
            begun: None,
            next: now,
            stale: false,
            failed: false,
        });
        match cause {
            Cause::Silence if is_new => {
                self.outputs.push_back(Output::Warn);
                if !self.options.leads {
                    outage.next = now + AFTER_YOU;
                }
            }
            // Attempts are under way.
            Cause::Silence | Cause::Failed => {}
            // Only this side knows, and knows that what it does so far is in vain.
            Cause::Broken => {
                outage.cause = cause;
                (outage.next, outage.stale) = (now, true);
            }
            Cause::Network | Cause::Relay => {
                outage.cause = cause;
                outage.renew(now);
            }
        }
    }

    fn on_their_turn(&mut self, now: Instant) {
        if let Some(outage) = &mut self.outage {
            outage.attempts += 1;
            self.outputs.push_back(Output::Joined {
                number: outage.attempts,
                cause: outage.cause,
            });
        }
        self.put_off(now, PATIENCE);
    }

    /// What was offered is said again by itself: that attempt has its time from now.
    fn on_arrived(&mut self, now: Instant) {
        if self.outage.is_some_and(|outage| outage.attempts > 0) {
            self.put_off(now, PATIENCE);
        }
    }

    fn put_off(&mut self, now: Instant, patience: Duration) {
        if let Some(outage) = &mut self.outage {
            outage.next = now + patience + self.backoff.next_wait();
        }
    }

    /// Without signaling an offer waits; a second one would only replace it.
    fn may_try(&self, outage: &Outage) -> bool {
        self.signaling || outage.attempts == 0 || outage.stale
    }

    fn work(&mut self, now: Instant) {
        let Some(mut outage) = self.outage else {
            return;
        };
        let hopeless = outage.cause == Cause::Broken && !self.options.can_rebuild;
        if hopeless || now >= outage.since + self.options.limit {
            self.outage = None;
            self.outputs.push_back(Output::GiveUp);
            return;
        }
        if now < outage.next || !self.may_try(&outage) {
            return;
        }
        outage.failed |= outage.attempts > 0 && !outage.stale;
        outage.attempts += 1;
        outage.begun = Some(now);
        outage.stale = false;
        outage.next = now + PATIENCE + self.backoff.next_wait();
        self.outage = Some(outage);
        self.outputs.push_back(Output::Attempt {
            number: outage.attempts,
            purpose: self.purpose(&outage),
            cause: outage.cause,
        });
    }

    fn purpose(&self, outage: &Outage) -> Purpose {
        let restarts = outage.cause == Cause::Network && !outage.failed;
        if restarts || !self.options.can_rebuild {
            Purpose::Restart
        } else {
            Purpose::Rebuild
        }
    }
}

#[cfg(test)]
mod tests;
