//! One phrase for each thing that can happen; none knows what was said before.

use std::time::Duration;

use super::super::live::{milliseconds, percent};
use super::Level;
use crate::event::{
    Device, DeviceKind, Direction, EndedBy, Endpoint, Finding, Path, PeerState, Processing, Setup,
    SignalingMode, SignalingState, Summary, TriedPair,
};
use crate::exit::{Exit, parenthesised};

/// How much of an id stands for a peer without a name.
const SHORT_ID: usize = 6;

/// `room "demo" of ws://127.0.0.1:8080/socket`.
pub(super) fn place(room: Option<&str>, server: Option<&str>) -> String {
    let room = room.map_or_else(
        || "the global room".to_owned(),
        |room| format!("room \"{room}\""),
    );
    match server {
        Some(server) => format!("{room} of {server}"),
        None => room,
    }
}

/// The beginning of an id, where it is too long to be a word.
pub(super) fn short(id: &str) -> String {
    if id.chars().count() <= SHORT_ID + 2 {
        return id.to_owned();
    }
    id.chars().take(SHORT_ID).collect()
}

/// `tried host 192.168.1.10:5000 → srflx 203.0.113.12:4242: 150 checks, no answer`.
pub(super) fn pair(pair: &TriedPair) -> String {
    let (local, remote) = (&pair.local, &pair.remote);
    let outcome = match (pair.answers, pair.heard) {
        (0, 0) => "no answer".to_owned(),
        (0, _) => "no answer, though theirs came through".to_owned(),
        (answers, _) => format!("{answers} answered"),
    };
    format!(
        "tried {} {} → {} {}: {} checks, {outcome}",
        local.kind, local.address, remote.kind, remote.address, pair.checks
    )
}

pub(super) fn signaling(
    state: SignalingState,
    id: Option<&str>,
    mode: Option<SignalingMode>,
    place: &str,
    in_call: bool,
) -> String {
    match state {
        SignalingState::Connected => {
            let id = id
                .map(|id| format!(" as {}", short(id)))
                .unwrap_or_default();
            let plain = if mode == Some(SignalingMode::Plain) {
                " (a server that only broadcasts)"
            } else {
                ""
            };
            format!("in {place}{id}{plain}")
        }
        SignalingState::Lost if in_call => {
            "signaling lost; the call goes on, reconnecting".to_owned()
        }
        SignalingState::Lost => "signaling lost, reconnecting".to_owned(),
        SignalingState::Reconnected => "signaling is back".to_owned(),
    }
}

pub(super) fn presence(state: PeerState, name: &str) -> String {
    match state {
        PeerState::Joined => format!("{name} is in the room"),
        PeerState::Left => format!("{name} left the room"),
    }
}

pub(super) fn candidate(direction: Direction, endpoint: &Endpoint) -> String {
    let whose = match direction {
        Direction::Local => "our",
        Direction::Remote => "their",
    };
    format!("{whose} candidate: {}", address(endpoint))
}

fn address(endpoint: &Endpoint) -> String {
    format!(
        "{} {} ({})",
        endpoint.protocol, endpoint.address, endpoint.kind
    )
}

pub(super) fn connected(name: &str, way: &str, total: Duration) -> String {
    format!(
        "{name}: connected {way} in {}",
        milliseconds(total.as_secs_f64())
    )
}

pub(super) fn reconnected(name: &str, way: &str, after: Duration) -> String {
    format!(
        "{name}: connected {way} again after {:.1}s",
        after.as_secs_f64()
    )
}

/// What to say of a path; where only relays are used, no direct one was tried.
pub(super) fn way(path: Path, relay_only: bool) -> &'static str {
    match path {
        Path::Direct => "directly",
        Path::Relay if relay_only => "through a relay (relay only)",
        Path::Relay => "through a relay (direct path failed)",
    }
}

/// Where the time went and which way packets go: ` (ICE 6.0 ms, …), udp … to udp …`.
pub(super) fn how(setup: &Setup, local: Option<&Endpoint>, remote: Option<&Endpoint>) -> String {
    let phases = [
        ("signaling", Some(setup.signaling)),
        ("offer and answer", setup.offer_answer),
        ("ICE", setup.ice),
        ("DTLS", setup.dtls),
    ];
    let phase = |(name, time): (&str, Option<Duration>)| {
        Some(format!("{name} {}", milliseconds(time?.as_secs_f64())))
    };
    let phases: Vec<String> = phases.into_iter().filter_map(phase).collect();
    let ends = match (local, remote) {
        (Some(local), Some(remote)) => format!(", {} to {}", address(local), address(remote)),
        _ => String::new(),
    };
    format!(" ({}){ends}", phases.join(", "))
}

pub(super) fn track(
    direction: Direction,
    name: &str,
    codec: Option<&str>,
    channels: Option<u8>,
) -> String {
    let stereo = if channels == Some(2) { ", stereo" } else { "" };
    let codec = codec.map(|codec| format!("{codec}{stereo}"));
    let codec = parenthesised(codec.as_deref());
    match direction {
        Direction::Local => format!("sending sound to {name}{codec}"),
        Direction::Remote => format!("playing sound from {name}{codec}"),
    }
}

/// What is done to the sound that is sent, to follow the words of its track.
pub(super) fn processing(done: &Processing) -> String {
    let all = [
        (done.echo_cancellation, "echo cancellation"),
        (done.noise_suppression, "noise suppression"),
        (done.auto_gain_control, "gain control"),
    ];
    let on: Vec<&str> = all.iter().filter(|(on, _)| *on).map(|(_, n)| *n).collect();
    let on = match on.as_slice() {
        [] => "no voice processing".to_owned(),
        on => on.join(", "),
    };
    format!("; {on} ({})", done.because)
}

pub(super) fn hearing(name: &str, after: Duration) -> String {
    format!(
        "hearing {name} (first sound after {})",
        milliseconds(after.as_secs_f64())
    )
}

pub(super) fn digit(name: &str, digit: char) -> String {
    format!("{name} dialled {digit}")
}

pub(super) fn reconnecting(name: &str, why: &str, attempt: u32) -> String {
    format!("reconnecting ({attempt}) to {name}: {why}")
}

pub(super) fn binary(name: &str, label: &str, size: usize) -> String {
    format!(
        "binary message from {name} on \"{label}\": {size} bytes, not shown (--json shows them)"
    )
}

pub(super) fn ended(name: &str, by: EndedBy, reason: Option<&str>, summary: &Summary) -> String {
    let what = match by {
        EndedBy::Local => format!("hung up on {name}"),
        EndedBy::Remote => format!("{name} hung up"),
        EndedBy::Lost => format!("{name} vanished"),
    };
    let reason = reason
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    format!("{what}{reason} ({})", numbers(summary))
}

/// `00:42, direct, rtt 12 ms, loss 0.1%`.
fn numbers(summary: &Summary) -> String {
    let mut parts = vec![clock(summary.duration)];
    parts.extend(summary.path.map(|path| path.to_string()));
    parts.extend(
        summary
            .rtt
            .map(|rtt| format!("rtt {}", milliseconds(rtt.as_secs_f64()))),
    );
    parts.extend(summary.loss.map(|loss| format!("loss {}", percent(loss))));
    parts.join(", ")
}

/// `00:42`, `1:02:03`.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// A row of the table of devices: `microphone  #0     48000 Hz   1 ch  USB Audio  (default)`.
pub(super) fn device(device: &Device) -> String {
    let kind = match device.kind {
        DeviceKind::Input => "microphone",
        DeviceKind::Output => "speaker",
    };
    let rate = device
        .rate
        .map_or_else(String::new, |rate| format!("{rate} Hz"));
    let channels = device
        .channels
        .map_or_else(String::new, |channels| format!("{channels} ch"));
    let default = if device.default { "  (default)" } else { "" };
    // Its name may be as long as it likes at the end.
    format!(
        "{kind:<10}  {:<4}  {rate:>9}  {channels:>5}  {}{default}",
        format!("#{}", device.index),
        device.name
    )
}

/// A row of the doctor's list: `ok    stun        stun:example.org:3478: our address is … (12.0 ms)`.
pub(super) fn finding(finding: &Finding) -> String {
    let server = finding
        .server
        .as_ref()
        .map(|server| format!("{server}: "))
        .unwrap_or_default();
    let took = finding.took.map(|took| milliseconds(took.as_secs_f64()));
    format!(
        "{:<5} {:<11} {server}{}{}",
        finding.grade,
        finding.name,
        finding.text,
        parenthesised(took.as_deref())
    )
}

/// A good end needs no words, and an interrupted one had its `hanging up`.
pub(super) fn exit(code: u8, reason: &str) -> (Level, String) {
    let quiet = [Exit::Done, Exit::Interrupted, Exit::Terminated];
    if quiet.iter().any(|exit| exit.code() == code) {
        (Level::Detail, reason.to_owned())
    } else {
        (Level::Error, format!("error: {reason}"))
    }
}
