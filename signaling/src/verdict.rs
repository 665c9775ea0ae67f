//! Why a WebSocket is ended by us: each cause has a close code, and words by which it is counted.

use shared::CloseCode;

/// What is held against a client, or whatever else ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    GoingAway,
    Binary,
    TooLarge,
    /// Against RFC 6455.
    BrokenFrame,
    NotUtf8,
    BadQuery,
    ForeignOrigin,
    NoHello,
    BadHello,
    /// The operator's service does not say whether it may come in.
    Undecided,
    Replaced,
    RoomFull,
    TooManyRooms,
    TooSlow,
    Idle,
    TooManyMessages,
    TooManyBytes,
    NoToken,
    ForgedToken,
    ExpiredToken,
    EarlyToken,
    StrangeToken,
    OtherRoom,
    OtherRole,
    /// By the operator's service.
    TurnedAway,
    /// It was let in for a time, which is over.
    TimeOver,
}

impl Cause {
    pub(crate) const ALL: [Self; 26] = [
        Self::GoingAway,
        Self::Binary,
        Self::TooLarge,
        Self::BrokenFrame,
        Self::NotUtf8,
        Self::BadQuery,
        Self::ForeignOrigin,
        Self::NoHello,
        Self::BadHello,
        Self::Undecided,
        Self::Replaced,
        Self::RoomFull,
        Self::TooManyRooms,
        Self::TooSlow,
        Self::Idle,
        Self::TooManyMessages,
        Self::TooManyBytes,
        Self::NoToken,
        Self::ForgedToken,
        Self::ExpiredToken,
        Self::EarlyToken,
        Self::StrangeToken,
        Self::OtherRoom,
        Self::OtherRole,
        Self::TurnedAway,
        Self::TimeOver,
    ];

    pub(crate) const fn code(self) -> CloseCode {
        match self {
            Self::GoingAway => CloseCode::GoingAway,
            Self::Binary => CloseCode::Binary,
            Self::TooLarge => CloseCode::TooLarge,
            Self::BrokenFrame
            | Self::NotUtf8
            | Self::BadQuery
            | Self::ForeignOrigin
            | Self::NoHello
            | Self::BadHello => CloseCode::Policy,
            Self::Undecided => CloseCode::TryLater,
            Self::Replaced => CloseCode::Replaced,
            Self::RoomFull | Self::TooManyRooms => CloseCode::RoomFull,
            Self::TooSlow => CloseCode::TooSlow,
            Self::Idle => CloseCode::Idle,
            Self::TooManyMessages => CloseCode::TooMany,
            Self::TooManyBytes => CloseCode::TooMuch,
            Self::NoToken
            | Self::ForgedToken
            | Self::ExpiredToken
            | Self::EarlyToken
            | Self::StrangeToken
            | Self::OtherRoom
            | Self::OtherRole
            | Self::TurnedAway
            | Self::TimeOver => CloseCode::NotAuthorised,
        }
    }

    /// For who counts: its own where several share a code, else the code's.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BrokenFrame => "broken frame",
            Self::NotUtf8 => "text that is not UTF-8",
            Self::BadQuery => "bad query",
            Self::ForeignOrigin => "foreign origin",
            Self::NoHello => "no hello in time",
            Self::BadHello => "bad hello",
            Self::Undecided => "auth service does not decide",
            Self::TooManyRooms => "too many rooms",
            Self::NoToken => "no token",
            Self::ForgedToken => "forged token",
            Self::ExpiredToken => "expired token",
            Self::EarlyToken => "token of the future",
            Self::StrangeToken => "strange token",
            Self::OtherRoom => "token for another room",
            Self::OtherRole => "another role",
            Self::TurnedAway => "turned away by the auth service",
            Self::TimeOver => "time over",
            _ => self.code().name(),
        }
    }
}

/// A cause, and what its client is told in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) cause: Cause,
    pub(crate) reason: String,
}

impl Verdict {
    pub(crate) fn new(cause: Cause, reason: impl ToString) -> Self {
        Self {
            cause,
            reason: reason.to_string(),
        }
    }
}

/// Where there is nothing to add.
impl From<Cause> for Verdict {
    fn from(cause: Cause) -> Self {
        Self::new(cause, cause.code().name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_cause_is_counted_by_itself() {
        let names: BTreeSet<_> = Cause::ALL.iter().map(|cause| cause.name()).collect();
        assert_eq!(names.len(), Cause::ALL.len(), "{names:?}");
        let codes: BTreeSet<_> = Cause::ALL.iter().map(|cause| cause.code().code()).collect();
        assert_eq!(codes.len(), CloseCode::ALL.len(), "each code has a cause");
    }
}
