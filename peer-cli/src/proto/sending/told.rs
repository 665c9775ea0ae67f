//! What the other side says about our packets, as values.

use std::time::{Duration, Instant};

/// Losses in a row over so long are no losses of single packets.
const OUTAGE: Duration = Duration::from_millis(110);

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It did not come.
    Never,
    /// It came, and nobody says when.
    Untold,
    /// It came then, on the other side's clock.
    At(Duration),
}

/// One packet that was sent, and its fate as the other side told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// When it left.
    pub departure: Instant,
    /// When it came.
    pub arrival: Arrival,
    /// RTP header and payload.
    pub bytes: usize,
}

impl Sent {
    /// Whether it did not come.
    pub(super) fn is_lost(&self) -> bool {
        self.arrival == Arrival::Never
    }

    /// When it came, where that is known.
    pub(super) fn came(&self) -> Option<Duration> {
        match self.arrival {
            Arrival::At(at) => Some(at),
            Arrival::Never | Arrival::Untold => None,
        }
    }
}

/// A receiver report on our stream, and what was sent since the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// Share of the packets lost, 0 to 1.
    pub fraction_lost: f64,
    /// Round trip, where it could be reckoned.
    pub round_trip: Option<Duration>,
    /// Packets sent since the report before.
    pub packets: u32,
    /// Their RTP headers and payloads.
    pub bytes: usize,
    /// Time since the report before.
    pub span: Duration,
}

/// What the other side says.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Transport-wide feedback, in the order of sending.
    Feedback(&'a [Sent]),
    /// A receiver report; of no account while there is feedback.
    Report(Report),
}

/// The packets without those that nothing is known of: what a lost feedback told of looks like a run of losses. If it is an outage
/// after all, redundancy and another rate help as little.
pub(super) fn known(packets: &[Sent]) -> Vec<Sent> {
    let runs = packets.chunk_by(|a, b| a.is_lost() == b.is_lost());
    let is_known = |run: &&[Sent]| match run {
        [first, .., last] if first.is_lost() => {
            last.departure.saturating_duration_since(first.departure) < OUTAGE
        }
        _ => true,
    };
    runs.filter(is_known).flatten().copied().collect()
}
