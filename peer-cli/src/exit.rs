//! How a command ends: exit codes and the one error type that carries them.

use std::process::ExitCode;

use crate::event::Event;

/// Why the process ends, as its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Hung up by either side, duration over, end of input; every expectation met.
    Done,
    /// A fault of this program.
    Internal,
    /// Wrong usage or configuration.
    Usage,
    /// Signaling never reached, refused, or the room full.
    Signaling,
    /// Nobody answered in time, or the call was declined.
    NobodyAnswered,
    /// ICE failed.
    NoPath,
    /// The peer vanished and did not come back.
    Vanished,
    /// A named sound device is missing, busy or denied.
    Device,
    /// An expectation or threshold was not met.
    Expectation,
    /// A file could not be read or written.
    File,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

impl Exit {
    /// Every way to end, by code.
    pub const ALL: [Self; 12] = [
        Self::Done,
        Self::Internal,
        Self::Usage,
        Self::Signaling,
        Self::NobodyAnswered,
        Self::NoPath,
        Self::Vanished,
        Self::Device,
        Self::Expectation,
        Self::File,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number that a shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Signaling => 3,
            Self::NobodyAnswered => 4,
            Self::NoPath => 5,
            Self::Vanished => 6,
            Self::Device => 7,
            Self::Expectation => 8,
            Self::File => 9,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// One line for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done: hung up by either side, duration over, end of input",
            Self::Internal => "internal error",
            Self::Usage => "wrong usage or configuration",
            Self::Signaling => "signaling never reached, refused, or room full",
            Self::NobodyAnswered => "nobody answered in time, or declined",
            Self::NoPath => "no network path to the peer",
            Self::Vanished => "the peer vanished and did not come back",
            Self::Device => "a named sound device is missing, busy or denied",
            Self::Expectation => "an expectation or threshold was not met",
            Self::File => "a file could not be read or written",
            Self::Interrupted => "interrupted (Ctrl-C), after saying goodbye",
            Self::Terminated => "terminated, after saying goodbye",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// What failed, with the value, and what to do about it; shown as `reason (hint)`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}", parenthesised(.hint.as_deref()))]
pub struct Failure {
    /// The class, for the caller.
    pub exit: Exit,
    /// Lower case, no full stop, no secret.
    pub reason: String,
    /// The way out.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without advice.
    pub fn new(exit: Exit, reason: impl Into<String>) -> Self {
        Self {
            exit,
            reason: reason.into(),
            hint: None,
        }
    }

    /// Adds advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The failure inside an error, or an internal error that tells its whole chain.
    pub fn from_error(error: &anyhow::Error) -> Self {
        error
            .downcast_ref::<Self>()
            .cloned()
            .unwrap_or_else(|| Self::new(Exit::Internal, format!("{error:#}")))
    }

    /// The last line of `--json`.
    pub fn event(&self) -> Event {
        Event::Exit {
            code: self.exit.code(),
            reason: self.to_string(),
        }
    }
}

/// ` (hint)`, or nothing: how advice follows any text.
pub(crate) fn parenthesised(hint: Option<&str>) -> String {
    hint.map(|hint| format!(" ({hint})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use anyhow::Context;

    use super::*;

    #[test]
    fn codes_are_those_of_the_contract_and_ascend() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130, 143]);
    }

    #[test]
    fn a_failure_reads_reason_then_hint() {
        let failure = Failure::new(
            Exit::Signaling,
            "cannot reach ws://127.0.0.1:8080/socket: connection refused",
        );
        assert_eq!(
            failure.to_string(),
            "cannot reach ws://127.0.0.1:8080/socket: connection refused"
        );
        let failure = failure.hint("is \"signaling\" running?");
        assert_eq!(
            failure.to_string(),
            "cannot reach ws://127.0.0.1:8080/socket: connection refused (is \"signaling\" running?)"
        );
        assert_eq!(
            failure.event(),
            Event::Exit {
                code: 3,
                reason: failure.to_string()
            }
        );
    }

    #[test]
    fn a_failure_survives_context_and_anything_else_is_internal() {
        let failure = Failure::new(Exit::File, "got.wav: no space left");
        let wrapped = anyhow::Error::from(failure.clone()).context("while recording");
        assert_eq!(Failure::from_error(&wrapped), failure);

        let other = Err::<(), _>(std::io::Error::other("odd"))
            .context("while waiting")
            .unwrap_err();
        assert_eq!(
            Failure::from_error(&other),
            Failure::new(Exit::Internal, "while waiting: odd")
        );
    }
}
