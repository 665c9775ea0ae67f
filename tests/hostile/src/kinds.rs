//! The ways of attacking, and how each must end.

use crate::socket::Ending;

/// One way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    HalfOpen,
    SlowLoris,
    Garbage,
    HugeHead,
    WrongRequests,
    NeverReadsAnswers,
    Forgery,
    BadQuery,
    MessageFlood,
    ByteFlood,
    PingFlood,
    HugeFrame,
    BadFrame,
    EndlessFragments,
    Binary,
    NoHello,
    BadHello,
    Double,
    Rooms,
    NeverReads,
    Dear,
    Loud,
    Greedy,
    Idle,
}

/// Workers of each kind, and the mean of their pauses in milliseconds.
pub(crate) const KINDS: &[(Kind, usize, u64)] = &[
    (Kind::HalfOpen, 300, 1000),
    (Kind::SlowLoris, 300, 1000),
    (Kind::Garbage, 4, 100),
    (Kind::HugeHead, 4, 100),
    (Kind::WrongRequests, 4, 50),
    (Kind::NeverReadsAnswers, 20, 1000),
    (Kind::Forgery, 10, 50),
    (Kind::BadQuery, 4, 50),
    (Kind::MessageFlood, 10, 500),
    (Kind::ByteFlood, 10, 1000),
    (Kind::PingFlood, 10, 500),
    (Kind::HugeFrame, 10, 200),
    (Kind::BadFrame, 10, 50),
    (Kind::EndlessFragments, 10, 1000),
    (Kind::Binary, 4, 100),
    (Kind::NoHello, 50, 500),
    (Kind::BadHello, 4, 50),
    (Kind::Double, 4, 200),
    (Kind::Rooms, 400, 100),
    (Kind::NeverReads, 30, 500),
    (Kind::Dear, 200, 500),
    (Kind::Loud, 60, 2000),
    (Kind::Greedy, 300, 500),
    (Kind::Idle, 50, 500),
];

impl Kind {
    /// A server that is built for tests takes some twenty times as long for what is dear to it: these come in proportion.
    pub(crate) const fn crowd(self, usual: usize) -> usize {
        match self {
            Self::Dear | Self::Loud if cfg!(debug_assertions) => usual / 20,
            _ => usual,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::HalfOpen => "half-open sockets",
            Self::SlowLoris => "slow-loris handshakes",
            Self::Garbage => "garbage",
            Self::HugeHead => "huge headers",
            Self::WrongRequests => "wrong requests",
            Self::NeverReadsAnswers => "answers never read",
            Self::Forgery => "forged tokens",
            Self::BadQuery => "bad queries",
            Self::MessageFlood => "floods of messages",
            Self::ByteFlood => "floods of bytes",
            Self::PingFlood => "floods of pings",
            Self::HugeFrame => "huge frames",
            Self::BadFrame => "bad frames",
            Self::EndlessFragments => "endless fragments",
            Self::Binary => "binary frames",
            Self::NoHello => "no hello",
            Self::BadHello => "bad hellos",
            Self::Double => "doubles",
            Self::Rooms => "rooms",
            Self::NeverReads => "messages never read",
            Self::Dear => "frames that are dear to read",
            Self::Loud => "one loud room",
            Self::Greedy => "many from one address",
            Self::Idle => "idle sockets",
        }
    }

    /// As it must; or because the server has as many rooms as it may have; or, where attackers wait long for the processor, because
    /// they came to nothing.
    pub(crate) fn may_end(self, ending: Ending) -> bool {
        use Ending::{Code, Left, Silence, Status};
        if matches!(ending, Code(4003 | 4009)) {
            return true;
        }
        match self {
            Self::HalfOpen | Self::SlowLoris | Self::HugeHead | Self::NeverReadsAnswers => {
                ending == Silence
            }
            Self::Garbage => ending == Status(400),
            Self::WrongRequests => matches!(ending, Status(404 | 405 | 426)),
            Self::Forgery => ending == Code(4401),
            Self::BadQuery | Self::BadFrame | Self::NoHello | Self::BadHello => {
                ending == Code(1008)
            }
            Self::MessageFlood | Self::PingFlood => ending == Code(4029),
            Self::ByteFlood | Self::EndlessFragments => ending == Code(4030),
            Self::HugeFrame => ending == Code(1009),
            Self::Binary => ending == Code(1003),
            Self::Double => matches!(ending, Code(4000 | 1008)),
            Self::Rooms => matches!(ending, Left | Code(4003)),
            Self::NeverReads => matches!(ending, Silence | Left),
            Self::Dear => matches!(ending, Left | Code(1008)),
            Self::Loud => matches!(ending, Left | Code(4029 | 4008)),
            Self::Greedy => matches!(ending, Status(429) | Code(1008)),
            Self::Idle => ending == Code(4009),
        }
    }
}
