//! Counters out of RTCP, and their W3C names.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use serde_json::{Map, Value, json};

use crate::proto::sending::{Report, Sending, Wanted};

#[cfg(test)]
mod tests;

/// Sender reports of ours that a report may still name: one leaves each second.
const SENDER_REPORTS: usize = 32;
/// Seconds from 1900, where NTP begins, to 1970.
const NTP_TO_UNIX: f64 = 2_208_988_800.0;
/// Between two reports about our stream.
const SOONEST: Duration = Duration::from_millis(20);
/// Units of the delay since the last sender report (RFC 3550 6.4.1).
const PER_SECOND: f64 = 65_536.0;

/// G.711 does not adapt: 8 bits of each sample, in packets of the duration asked for.
const TELEPHONE_CLOCK: u64 = 8_000;
const TELEPHONE_BITRATE: f64 = 64_000.0;

/// What has been heard about one stream of ours, and about one of theirs.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Our stream and its clock rate, once it is sent.
    local: Option<(u32, u32)>,
    /// Our sender reports: the middle of the NTP timestamp, and when it left.
    reports: VecDeque<(u32, Instant)>,
    /// Packets and bytes sent since the last report about them, and when that came.
    sent: (u32, usize),
    since: Option<Instant>,
    /// When the last report that was worked on came.
    told: Option<Instant>,
    ours: Option<Ours>,
    theirs: Option<Theirs>,
}

/// The other side about our stream.
#[derive(Debug, Clone, Copy, Default)]
struct Ours {
    fraction_lost: f64,
    lost: i32,
    jitter: f64,
    round_trip: Option<f64>,
    total_round_trip: f64,
    measurements: u64,
}

/// The other side about its own stream.
#[derive(Debug, Clone, Copy)]
struct Theirs {
    ssrc: u32,
    packets: u32,
    bytes: u32,
    reports: u64,
    /// Their clock, ms since 1970.
    clock: f64,
}

impl Heard {
    /// A stream of ours begins.
    pub(super) fn bind(&mut self, ssrc: u32, clock_rate: u32) {
        self.local = Some((ssrc, clock_rate.max(1)));
    }

    /// A packet of ours leaves.
    pub(super) fn sent(&mut self, now: Instant, ssrc: u32, bytes: usize) {
        if self.local.is_some_and(|(ours, _)| ours == ssrc) {
            self.sent = (self.sent.0.saturating_add(1), self.sent.1 + bytes);
            self.since.get_or_insert(now);
        }
    }

    /// A sender report of ours leaves.
    pub(super) fn reported(&mut self, now: Instant, report: &SenderReport) {
        if self.reports.len() == SENDER_REPORTS {
            self.reports.pop_front();
        }
        self.reports.push_back((middle(report.ntp_time), now));
    }

    /// A sender report of theirs came.
    pub(super) fn sender_report(&mut self, report: &SenderReport) {
        let reports = self.theirs.map_or(0, |theirs| theirs.reports);
        let ntp = report.ntp_time as f64 / f64::from(1u32 << 31) / 2.0;
        self.theirs = Some(Theirs {
            ssrc: report.ssrc,
            packets: report.packet_count,
            bytes: report.octet_count,
            reports: reports + 1,
            clock: (ntp - NTP_TO_UNIX) * 1e3,
        });
    }

    /// What they say about a stream; if it is ours, what that means for sending.
    pub(super) fn block(&mut self, now: Instant, block: &ReceptionReport) -> Option<Report> {
        let (_, clock_rate) = self.local.filter(|(ssrc, _)| *ssrc == block.ssrc)?;
        // Reports come a second apart; a flood of them is not worked on.
        if self
            .told
            .is_some_and(|told| now.saturating_duration_since(told) < SOONEST)
        {
            return None;
        }
        self.told = Some(now);
        let round_trip = self.round_trip(now, block);
        let ours = self.ours.get_or_insert_default();
        ours.fraction_lost = f64::from(block.fraction_lost) / 256.0;
        // 24 bits with a sign: duplicates make it negative (RFC 3550 6.4.1).
        ours.lost = (block.total_lost << 8).cast_signed() >> 8;
        ours.jitter = f64::from(block.jitter) / f64::from(clock_rate);
        if let Some(round_trip) = round_trip {
            ours.round_trip = Some(round_trip.as_secs_f64());
            ours.total_round_trip += round_trip.as_secs_f64();
            ours.measurements += 1;
        }
        let (packets, bytes) = std::mem::take(&mut self.sent);
        let since = self.since.replace(now)?;
        Some(Report {
            fraction_lost: f64::from(block.fraction_lost) / 256.0,
            round_trip,
            packets,
            bytes,
            span: now.saturating_duration_since(since),
        })
    }

    /// RFC 3550 6.4.1: now, less when our report left, less how long it lay there. On our own clock alone.
    fn round_trip(&self, now: Instant, block: &ReceptionReport) -> Option<Duration> {
        let named = |(middle, _): &&(u32, Instant)| *middle == block.last_sender_report;
        let (_, left) = self.reports.iter().rev().find(named)?;
        let lay = Duration::from_secs_f64(f64::from(block.delay) / PER_SECOND);
        // Rounding may make it less than nothing on a short path.
        Some(now.saturating_duration_since(*left).saturating_sub(lay))
    }

    pub(super) fn add_to(&self, objects: &mut Vec<Value>) {
        if let (Some(ours), Some((ssrc, _))) = (self.ours, self.local)
            && let Some(stream) = stream(objects, "outbound-rtp", ssrc)
        {
            objects.push(ours.object(ssrc, &stream));
        }
        if let Some(theirs) = self.theirs
            && let Some(stream) = stream(objects, "inbound-rtp", theirs.ssrc)
        {
            objects.push(theirs.object(&stream));
        }
    }
}

impl Ours {
    fn object(&self, ssrc: u32, outbound: &Map<String, Value>) -> Value {
        let mut object = counterpart("remote-inbound-rtp", outbound);
        object.insert("ssrc".to_owned(), ssrc.into());
        object.insert("packetsLost".to_owned(), self.lost.into());
        object.insert("fractionLost".to_owned(), self.fraction_lost.into());
        object.insert("jitter".to_owned(), self.jitter.into());
        object.insert(
            "roundTripTimeMeasurements".to_owned(),
            self.measurements.into(),
        );
        object.insert(
            "totalRoundTripTime".to_owned(),
            self.total_round_trip.into(),
        );
        if let Some(round_trip) = self.round_trip {
            object.insert("roundTripTime".to_owned(), round_trip.into());
        }
        object.into()
    }
}

impl Theirs {
    fn object(&self, inbound: &Map<String, Value>) -> Value {
        let mut object = counterpart("remote-outbound-rtp", inbound);
        object.insert("ssrc".to_owned(), self.ssrc.into());
        object.insert("packetsSent".to_owned(), self.packets.into());
        object.insert("bytesSent".to_owned(), self.bytes.into());
        object.insert("reportsSent".to_owned(), self.reports.into());
        object.insert("remoteTimestamp".to_owned(), self.clock.into());
        object.into()
    }
}

/// The stream that a report is about.
fn stream(objects: &[Value], kind: &str, ssrc: u32) -> Option<Map<String, Value>> {
    let fits = |object: &&Value| object["type"] == kind && object["ssrc"] == ssrc;
    objects.iter().find(fits)?.as_object().cloned()
}

/// What an object of the other side's word has in common with the stream that it is about.
fn counterpart(kind: &str, stream: &Map<String, Value>) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("type".to_owned(), kind.into());
    for (name, of_stream) in [
        ("id", "remoteId"),
        ("localId", "id"),
        ("kind", "kind"),
        ("timestamp", "timestamp"),
        ("transportId", "transportId"),
        ("codecId", "codecId"),
    ] {
        if let Some(value) = stream.get(of_stream) {
            object.insert(name.to_owned(), value.clone());
        }
    }
    object
}

/// How we send, and what was asked for, in the objects where W3C has names for it; `ptime` (ms) and `expectedLoss` (0 to 1) are
/// not W3C's.
pub(super) fn add_sending(
    objects: &mut [Value],
    sending: Sending,
    wanted: Wanted,
    available: Option<f64>,
) {
    let of_telephones = |object: &&Value| object["clockRate"] == TELEPHONE_CLOCK;
    let fixed: Vec<Value> = objects
        .iter()
        .filter(of_telephones)
        .map(|codec| codec["id"].clone())
        .collect();
    for object in objects {
        let is_fixed = fixed.contains(&object["codecId"]);
        match object["type"].as_str() {
            Some("outbound-rtp") if is_fixed => {
                object["targetBitrate"] = TELEPHONE_BITRATE.into();
                object["ptime"] = wanted.ptime_ms.into();
            }
            Some("outbound-rtp") => {
                object["targetBitrate"] = f64::from(sending.bitrate).into();
                object["ptime"] = sending.ptime_ms.into();
                object["expectedLoss"] = (f64::from(sending.expected_loss) / 100.0).into();
            }
            Some("candidate-pair") if object["nominated"] == json!(true) => {
                if let Some(available) = available {
                    object["availableOutgoingBitrate"] = available.round().into();
                }
            }
            _ => {}
        }
    }
}

/// The 32 bits in the middle of an NTP timestamp, by which a report names ours.
fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}
