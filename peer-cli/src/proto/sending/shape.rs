//! What a rate on the wire is spent on: sound, and the headers of as many packets as the frame duration makes.

use super::{BELOW_RTP, Sending, Wanted};

/// RTP header with the extension for transport-wide feedback.
const RTP_HEADER: usize = 12 + 8;
/// Least bit rate of Opus worth sending (RFC 6716 2.1.1).
const LEAST_BITRATE: f64 = 6_000.0;
/// Frames of this duration want at least so many bits per second of sound; with less, longer frames sound better.
const WORTH: [(u32, f64); 4] = [(10, 24_000.0), (20, 20_000.0), (40, 14_000.0), (60, 0.0)];
/// Shorter frames are taken up again only when there is more than that by so much.
const MARGIN: f64 = 1.15;

/// Headers of packets that hold `ptime_ms` each, in bits per second.
pub(super) fn headers(ptime_ms: u32) -> f64 {
    ((RTP_HEADER + BELOW_RTP) * 8 * 1000) as f64 / f64::from(ptime_ms.max(1))
}

/// Bit rate and frame duration.
#[derive(Debug)]
pub(super) struct Shape {
    wanted: Wanted,
    bitrate: f64,
    ptime_ms: u32,
}

impl Shape {
    pub(super) fn new(wanted: Wanted) -> Shape {
        Shape {
            wanted,
            bitrate: f64::from(wanted.bitrate),
            ptime_ms: wanted.ptime_ms,
        }
    }

    /// On the wire, when everything wanted can be had.
    pub(super) fn most(&self) -> f64 {
        f64::from(self.wanted.bitrate) + headers(self.wanted.ptime_ms)
    }

    /// On the wire, when nothing less is worth sending.
    pub(super) fn least(&self) -> f64 {
        LEAST_BITRATE.min(f64::from(self.wanted.bitrate)) + headers(self.wanted.ptime_ms.max(60))
    }

    /// Spends a rate on the wire.
    pub(super) fn fit(&mut self, wire: f64) {
        let most = f64::from(self.wanted.bitrate);
        let left = |ptime_ms: u32| (wire - headers(ptime_ms)).min(most);
        let chosen = WORTH.into_iter().find(|&(ptime_ms, worth)| {
            let margin = if ptime_ms < self.ptime_ms {
                MARGIN
            } else {
                1.0
            };
            ptime_ms >= self.wanted.ptime_ms && left(ptime_ms) >= (worth * margin).min(most)
        });
        self.ptime_ms = chosen.map_or(self.wanted.ptime_ms.max(60), |(ptime_ms, _)| ptime_ms);
        self.bitrate = left(self.ptime_ms).max(LEAST_BITRATE.min(most));
    }

    /// In steps that are worth telling an encoder.
    pub(super) fn present(&self, expected_loss: u8) -> Sending {
        /// Bits per second.
        const STEP: f64 = 500.0;
        let whole = f64::from(self.wanted.bitrate);
        let stepped = (self.bitrate / STEP).floor() * STEP;
        Sending {
            bitrate: if self.bitrate >= whole {
                whole
            } else {
                stepped
            } as u32,
            ptime_ms: self.ptime_ms,
            expected_loss,
        }
    }
}
