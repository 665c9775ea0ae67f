//! How much to send and how: bit rate, redundancy and frame duration, from what the other side reports about our packets.
//!
//! Transport-wide feedback tells when each packet arrived: a queue in front of a narrow link shows as delay that stays, and what comes
//! out of it is the rate of the link. Receiver reports alone (RFC 3550 6.4) tell loss and round trip, which is coarser but enough:
//! they count where there is no feedback, or no longer any.
//! The bit rate asked for is the upper bound; on a narrow link frames grow longer first, since headers cost more than 20 kbit/s with
//! 20 ms of sound in a packet.

mod delay;
mod loss;
mod rate;
mod shape;
#[cfg(test)]
mod tests;
mod told;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use delay::Delays;
use loss::Losses;
use rate::{Rate, Sample};
use shape::Shape;
use told::known;
pub use told::{Arrival, Input, Report, Sent};

/// What a packet costs on the wire beyond RTP: IPv4 and UDP (28 bytes) and SRTP's tag (RFC 3711: 10, RFC 7714: 16).
const BELOW_RTP: usize = 28 + 14;
/// How long the packets are looked back at.
const WINDOW: Duration = Duration::from_millis(1000);
/// Packets that are looked back at, at most.
const MOST_PACKETS: usize = 256;
/// Fewer packets than this say nothing about a rate or a queue.
const FEWEST_PACKETS: usize = 4;
/// How long packets are sent without feedback until nobody is thought to give any: browsers give it every 50 to 250 ms.
const SILENT: Duration = Duration::from_secs(5);

/// What is asked for: the best that the network may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Bits per second of sound, without headers.
    pub bitrate: u32,
    /// Shortest duration of a packet in ms: 10, 20, 40 or 60.
    pub ptime_ms: u32,
    /// Loss in percent that redundancy is made for until something is known.
    pub expected_loss: u8,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted {
            bitrate: 32_000,
            ptime_ms: 20,
            expected_loss: 5,
        }
    }
}

/// How to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sending {
    /// Bits per second of sound, without headers.
    pub bitrate: u32,
    /// Duration of a packet in ms: 10, 20, 40 or 60.
    pub ptime_ms: u32,
    /// Loss in percent that redundancy is made for.
    pub expected_loss: u8,
}

impl Sending {
    /// What both of two networks bear.
    #[must_use]
    pub fn worse(self, other: Sending) -> Sending {
        Sending {
            bitrate: self.bitrate.min(other.bitrate),
            ptime_ms: self.ptime_ms.max(other.ptime_ms),
            expected_loss: self.expected_loss.max(other.expected_loss),
        }
    }
}

impl From<Wanted> for Sending {
    /// As long as nothing is known of the network.
    fn from(wanted: Wanted) -> Sending {
        Sending {
            bitrate: wanted.bitrate,
            ptime_ms: wanted.ptime_ms,
            expected_loss: wanted.expected_loss,
        }
    }
}

/// What of it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Receiver reports alone.
    Reports,
    /// Feedback, the latest of which came then; and how long packets have been sent since, as reports tell.
    Feedback { at: Instant, unheard: Duration },
}

/// Decides how to send.
#[derive(Debug)]
pub struct Sender {
    shape: Shape,
    rate: Rate,
    losses: Losses,
    delays: Delays,
    window: VecDeque<Sent>,
    source: Source,
    present: Sending,
    told: Option<Sending>,
}

impl Sender {
    /// Begins with what is wanted.
    pub fn new(wanted: Wanted) -> Sender {
        let shape = Shape::new(wanted);
        let present = shape.present(wanted.expected_loss);
        Sender {
            rate: Rate::new(shape.most(), shape.least()),
            shape,
            losses: Losses::new(wanted.expected_loss),
            delays: Delays::default(),
            window: VecDeque::new(),
            source: Source::Reports,
            present,
            // The first word is always worth telling: who takes over from another connection may still send as that one had to.
            told: None,
        }
    }

    /// Takes in what the other side says.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Feedback(packets) => self.feedback(now, packets),
            Input::Report(report) => self.report(now, report),
        }
        self.shape.fit(self.rate.target());
        self.present = self.shape.present(self.losses.expected());
    }

    /// How to send from now on, if that has changed.
    pub fn poll_output(&mut self) -> Option<Sending> {
        (self.told.replace(self.present) != Some(self.present)).then_some(self.present)
    }

    /// How to send now.
    pub fn present(&self) -> Sending {
        self.present
    }

    /// What may leave at all, headers included, in bits per second (W3C `availableOutgoingBitrate`); nothing before anything is known.
    pub fn available(&self) -> Option<f64> {
        self.rate.is_known().then(|| self.rate.target())
    }

    fn feedback(&mut self, now: Instant, packets: &[Sent]) {
        if packets.is_empty() {
            return;
        }
        if self.source == Source::Reports {
            self.measure_anew();
        }
        self.source = Source::Feedback {
            at: now,
            unheard: Duration::ZERO,
        };
        let packets = known(packets);
        self.delays.on_link(self.rate.ceiling());
        let lost = packets.iter().filter(|p| p.is_lost()).count();
        self.losses.count(now, lost as u32, packets.len() as u32);
        let mut faster = false;
        for packet in &packets {
            faster |= self.delays.add(now, packet);
            // What left before the rate was cut tells nothing about the cut.
            if self.rate.changed().is_none_or(|at| packet.departure > at) {
                self.window.push_back(*packet);
            }
        }
        let old = |p: &Sent| now.saturating_duration_since(p.departure) > WINDOW + WINDOW;
        while self.window.len() > MOST_PACKETS || self.window.front().is_some_and(old) {
            self.window.pop_front();
        }
        if faster {
            self.rate.forget_ceiling();
        }
        if let Some(sample) = self.sample() {
            let changed = self.rate.changed();
            self.rate.update(now, sample);
            if self.rate.changed() != changed {
                self.window.clear();
            }
        }
    }

    /// What the packets of the window show.
    fn sample(&self) -> Option<Sample> {
        let newest = self.window.back()?.departure;
        let recent: Vec<&Sent> = self
            .window
            .iter()
            .filter(|p| newest.saturating_duration_since(p.departure) <= WINDOW)
            .collect();
        if recent.len() < FEWEST_PACKETS {
            return None;
        }
        let lost = recent.iter().filter(|p| p.is_lost()).count();
        let arrived: Vec<(Duration, usize)> = recent
            .iter()
            .filter_map(|p| Some((p.came()?, p.bytes + BELOW_RTP)))
            .collect();
        let span = newest.saturating_duration_since(recent.first()?.departure);
        Some(Sample {
            packets: recent.len() as u32,
            lost: lost as u32,
            span,
            queue: self.delays.standing(),
            delivered: rate_of(&arrived),
        })
    }

    /// Whether feedback still comes where it could: whoever is sent nothing has nothing to tell.
    fn is_fed_back(&mut self, now: Instant, report: &Report) -> bool {
        let Source::Feedback { at, unheard } = &mut self.source else {
            return false;
        };
        if report.packets > 0 {
            *unheard += report.span.min(now.saturating_duration_since(*at));
        }
        if *unheard < SILENT {
            return true;
        }
        self.source = Source::Reports;
        self.measure_anew();
        false
    }

    /// Ways of packets and round trips are on different clocks: neither says how long the other should be.
    fn measure_anew(&mut self) {
        self.delays = Delays::default();
        self.window.clear();
    }

    fn report(&mut self, now: Instant, report: Report) {
        if self.is_fed_back(now, &report) {
            return;
        }
        let lost = (report.fraction_lost * f64::from(report.packets)).round();
        self.losses.count(now, lost as u32, report.packets);
        if let Some(round_trip) = report.round_trip
            && self.delays.round_trip(now, round_trip)
        {
            self.rate.forget_ceiling();
        }
        let bytes = report.bytes + report.packets as usize * BELOW_RTP;
        let seconds = report.span.as_secs_f64();
        let sent = (seconds > 0.0).then(|| bytes as f64 * 8.0 / seconds);
        self.rate.update(
            now,
            Sample {
                packets: report.packets,
                lost: lost as u32,
                span: report.span,
                queue: self.delays.standing(),
                delivered: sent.map(|sent| sent * (1.0 - report.fraction_lost)),
            },
        );
    }
}

/// Bits per second of packets that arrived, the first of them only a starting point; nothing from too few.
fn rate_of(arrived: &[(Duration, usize)]) -> Option<f64> {
    if arrived.len() < FEWEST_PACKETS {
        return None;
    }
    let first = arrived.iter().min_by_key(|(at, _)| *at)?;
    let last = arrived.iter().map(|(at, _)| *at).max()?;
    let seconds = last.saturating_sub(first.0).as_secs_f64();
    let bytes: usize = arrived.iter().map(|(_, bytes)| bytes).sum();
    (seconds > 0.05).then(|| (bytes - first.1) as f64 * 8.0 / seconds)
}
