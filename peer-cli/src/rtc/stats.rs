//! getStats of the crate, put right and reduced to what it really fills in.

use std::time::Duration;

use serde_json::{Value, json};
use webrtc::peer_connection::{RTCIceCandidate, RTCStatsReport, RTCStatsReportEntry};

use super::relay::Relays;
use super::servers::TurnTransport;
use crate::event::{Endpoint, EndpointType, Protocol};

/// One moment of a connection.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// W3C webrtc-stats objects, each with `type`, `id` and `timestamp` (ms).
    pub objects: Vec<Value>,
    /// The path that packets take.
    pub pair: Option<SelectedPair>,
    /// Datagrams of any kind that came over that path.
    pub packets_received: u64,
    /// Of received sound; absent until the first packet.
    pub inbound: Option<Inbound>,
}

/// The nominated candidate pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedPair {
    /// Our end.
    pub local: Endpoint,
    /// Their end.
    pub remote: Endpoint,
    /// Latest STUN round trip; absent before the first.
    pub rtt: Option<Duration>,
}

/// Counters of received sound.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Inbound {
    /// Packets that came.
    pub received: u64,
    /// Packets that did not (RFC 3550 6.4.1); negative with duplicates.
    pub lost: i64,
    /// Interarrival jitter, s.
    pub jitter: f64,
}

/// Of Opus (RFC 7587), where a stream names no codec yet.
const CLOCK_HZ: f64 = 48_000.0;

/// A pair names its candidates without the prefix that their own ids carry.
const CANDIDATE_IDS: [(&str, &str); 2] = [
    ("localCandidateId", "RTCLocalIceCandidate_"),
    ("remoteCandidateId", "RTCRemoteIceCandidate_"),
];

/// Reads a report of the crate, which leaves out peer-reflexive candidates: `remote` has them too.
pub(super) fn read(report: &RTCStatsReport, remote: &[RTCIceCandidate], relays: &Relays) -> Stats {
    let mut stats = Stats::default();
    for entry in report.iter() {
        if let Some(object) = object(entry) {
            stats.objects.push(with_relay(corrected(object), relays));
        }
    }
    let unreported: Vec<Value> = remote
        .iter()
        .filter_map(|candidate| unreported(candidate, &stats.objects))
        .collect();
    stats.objects.extend(unreported);
    in_seconds(&mut stats.objects);
    stats.pair = selected_pair(&stats.objects);
    stats.packets_received = of_type(&stats.objects, "transport")
        .filter_map(|transport| transport["packetsReceived"].as_u64())
        .sum();
    stats.inbound = of_type(&stats.objects, "inbound-rtp")
        .next()
        .map(|object| Inbound {
            received: object["packetsReceived"].as_u64().unwrap_or(0),
            lost: object["packetsLost"].as_i64().unwrap_or(0),
            jitter: object["jitter"].as_f64().unwrap_or(0.0),
        });
    stats
}

/// The entries that hold measurements; `remote-*` and sources stay at zero in this crate.
fn object(entry: &RTCStatsReportEntry) -> Option<Value> {
    match entry {
        RTCStatsReportEntry::PeerConnection(stats) => serde_json::to_value(stats),
        RTCStatsReportEntry::Transport(stats) => serde_json::to_value(stats),
        RTCStatsReportEntry::IceCandidatePair(stats) => serde_json::to_value(stats),
        RTCStatsReportEntry::LocalCandidate(stats)
        | RTCStatsReportEntry::RemoteCandidate(stats) => serde_json::to_value(stats),
        RTCStatsReportEntry::Codec(stats) => serde_json::to_value(stats),
        RTCStatsReportEntry::DataChannel(stats) => serde_json::to_value(stats),
        RTCStatsReportEntry::InboundRtp(stats) => serde_json::to_value(stats),
        RTCStatsReportEntry::OutboundRtp(stats) => serde_json::to_value(stats),
        _ => return None,
    }
    .ok()
}

/// The object of a remote candidate, if a pair uses it and nothing in the report describes it.
fn unreported(candidate: &RTCIceCandidate, objects: &[Value]) -> Option<Value> {
    let id = format!("RTCRemoteIceCandidate_{}", candidate.id);
    if objects.iter().any(|object| object["id"] == *id) {
        return None;
    }
    let pair = of_type(objects, "candidate-pair").find(|pair| pair["remoteCandidateId"] == *id)?;
    Some(json!({
        "type": "remote-candidate",
        "id": id,
        "timestamp": pair["timestamp"],
        "candidateType": candidate.typ.to_string(),
        "address": candidate.address,
        "port": candidate.port,
        "protocol": candidate.protocol.to_string(),
        "priority": candidate.priority,
    }))
}

/// The crate reports jitter in units of the stream's clock.
fn in_seconds(objects: &mut [Value]) {
    let rates: Vec<(Value, f64)> = of_type(objects, "codec")
        .filter_map(|codec| Some((codec["id"].clone(), codec["clockRate"].as_f64()?)))
        .collect();
    for object in objects {
        if object["type"] != "inbound-rtp" {
            continue;
        }
        let rate = rates.iter().find(|(id, _)| *id == object["codecId"]);
        let rate = rate.map_or(CLOCK_HZ, |(_, rate)| rate.max(1.0));
        if let Some(jitter) = object["jitter"].as_f64() {
            object["jitter"] = (jitter / rate).into();
        }
    }
}

/// Puts units right and leaves out what this crate never measures.
fn corrected(mut object: Value) -> Value {
    let Some(fields) = object.as_object_mut() else {
        return object;
    };
    for (name, value) in fields.iter_mut() {
        if name.to_ascii_lowercase().ends_with("timestamp") {
            *value = milliseconds(value);
        }
    }
    // The crate leaves words that say nothing where W3C leaves the field out.
    fields.retain(|_, value| !matches!(value.as_str(), Some("" | "Unspecified")));
    for (field, prefix) in CANDIDATE_IDS {
        if let Some(id) = fields.get(field).and_then(Value::as_str) {
            let id = format!("{prefix}{id}");
            fields.insert(field.to_owned(), id.into());
        }
    }
    for unmeasured in ["availableOutgoingBitrate", "availableIncomingBitrate"] {
        if fields.get(unmeasured).and_then(Value::as_f64) == Some(0.0) {
            fields.remove(unmeasured);
        }
    }
    object
}

/// The crate knows a relay by a name that we made up: its real one, and how it is reached.
fn with_relay(mut object: Value, relays: &Relays) -> Value {
    let server = object["url"].as_str().and_then(|url| relays.behind(url));
    if let (Some(server), Some(fields)) = (server, object.as_object_mut()) {
        fields.insert("url".to_owned(), server.url().into());
        let protocol = match server.transport() {
            TurnTransport::Udp => "udp",
            TurnTransport::Tcp => "tcp",
            TurnTransport::Tls => "tls",
        };
        fields.insert("relayProtocol".to_owned(), protocol.into());
    }
    object
}

/// W3C wants milliseconds since 1970; the crate writes seconds.
fn milliseconds(value: &Value) -> Value {
    /// Any time after 1970-04 in ms is above it; any before the year 5000 in s is below.
    const SECONDS_BELOW: f64 = 1e11;
    match value.as_f64() {
        Some(seconds) if seconds < SECONDS_BELOW => (seconds * 1e3).into(),
        _ => value.clone(),
    }
}

fn of_type<'a>(objects: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    objects
        .iter()
        .filter(move |object| object["type"].as_str() == Some(kind))
}

fn selected_pair(objects: &[Value]) -> Option<SelectedPair> {
    // Pairs from before a restart of ICE stay in the report.
    let selected = |pair: &&Value| {
        of_type(objects, "transport").any(|one| one["selectedCandidatePairId"] == pair["id"])
    };
    let pair = of_type(objects, "candidate-pair").find(selected)?;
    let rtt = pair["currentRoundTripTime"].as_f64().unwrap_or(0.0);
    Some(SelectedPair {
        local: end(objects, pair, "localCandidateId")?,
        remote: end(objects, pair, "remoteCandidateId")?,
        rtt: (rtt > 0.0).then(|| Duration::from_secs_f64(rtt)),
    })
}

/// One end of a pair.
fn end(objects: &[Value], pair: &Value, field: &str) -> Option<Endpoint> {
    let id = pair[field].as_str()?;
    let candidate = objects
        .iter()
        .find(|object| object["id"].as_str() == Some(id));
    candidate.and_then(endpoint)
}

fn endpoint(candidate: &Value) -> Option<Endpoint> {
    let kind = match candidate["candidateType"].as_str()? {
        "srflx" => EndpointType::Srflx,
        "prflx" => EndpointType::Prflx,
        "relay" => EndpointType::Relay,
        _ => EndpointType::Host,
    };
    let ip = candidate["address"].as_str()?;
    let port = candidate["port"].as_u64()?;
    let address = if ip.contains(':') {
        format!("[{ip}]:{port}")
    } else {
        format!("{ip}:{port}")
    };
    let protocol = match candidate["protocol"].as_str() {
        Some(protocol) if protocol.starts_with("tcp") => Protocol::Tcp,
        _ => Protocol::Udp,
    };
    Some(Endpoint {
        kind,
        address,
        protocol,
    })
}
