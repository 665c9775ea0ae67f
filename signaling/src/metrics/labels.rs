//! By what is counted apart, and what there is from the beginning: of a counter that is not there before its first count, that count is
//! no increase.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use shared::Outcome;

use crate::verdict::Cause;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Direction {
    pub(super) direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Why {
    pub(super) reason: &'static str,
}

/// Without a code where it was not ended by us.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct End {
    pub(super) code: Option<u16>,
    pub(super) reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct How {
    pub(super) outcome: &'static str,
}

pub(super) const IN: Direction = Direction { direction: "in" };
pub(super) const OUT: Direction = Direction { direction: "out" };

/// Why requests become no WebSocket.
pub(super) const REFUSALS: [&str; 14] = [
    "cannot accept",
    "no HTTP",
    "no TLS",
    "no WebSocket",
    "not that method",
    "nothing there",
    "request too large",
    "the server is full",
    "the server is stopping",
    "too many from one address",
    "too many half-open",
    "too many half-open from one address",
    "too slow to ask",
    "too slow to read an answer",
];

/// How WebSockets end that we do not close.
pub(super) const ENDS: [&str; 3] = [
    "the client left",
    "the client fell silent",
    "the connection broke",
];

impl From<Cause> for End {
    fn from(cause: Cause) -> Self {
        Self {
            code: Some(cause.code().code()),
            reason: cause.name(),
        }
    }
}

/// All at 0.
pub(super) fn begin(
    closed: &Family<End, Counter>,
    refused: &Family<Why, Counter>,
    calls: &Family<How, Counter>,
) {
    let ended = ENDS.map(|reason| End { code: None, reason });
    for end in Cause::ALL.into_iter().map(End::from).chain(ended) {
        drop(closed.get_or_create(&end));
    }
    for reason in REFUSALS {
        drop(refused.get_or_create(&Why { reason }));
    }
    for outcome in [Outcome::Direct, Outcome::Relay, Outcome::Failed] {
        let outcome = outcome.as_str();
        drop(calls.get_or_create(&How { outcome }));
    }
}
