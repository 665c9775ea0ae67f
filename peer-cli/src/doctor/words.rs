//! Sentences of the verdict.                                                                                           PURE

use super::facts::{Facts, Heard, Turn};
use crate::audio::DeviceKind;
use crate::net::DialError;
use crate::rtc::probe::ProbeError;

/// A microphone below this gives nothing but the noise of its own electronics, or is muted: -80 dBFS.
const SILENCE: f32 = 1e-4;

/// The constant word and the sentence about a TURN server that gives no allocation.
pub(super) fn turn_problem(turn: &Turn, error: &ProbeError) -> (&'static str, String) {
    let url = &turn.url;
    match error {
        ProbeError::Refused { code, reason } => refusal(turn, *code, reason),
        ProbeError::Anonymous => (
            "turn-credentials",
            format!(
                "the TURN server {url} wants a user and password: give --turn-user, and PEER_TURN_PASSWORD in the environment"
            ),
        ),
        ProbeError::Dial(DialError::Tls(_)) => ("turn-tls", with_hint(url, error)),
        ProbeError::Dial(DialError::Proxy { .. } | DialError::BadProxy { .. }) => {
            ("proxy", with_hint(url, error))
        }
        _ => (
            "turn-unreachable",
            format!("the TURN server {url} cannot be used: {error}"),
        ),
    }
}

/// What follows from an ERROR-CODE (RFC 8656 19).
fn refusal(turn: &Turn, code: u16, reason: &str) -> (&'static str, String) {
    let (url, user) = (&turn.url, &turn.user);
    let (word, what) = match code {
        401 if turn.offered => (
            "turn-credentials",
            "refuses the credentials that the signaling server hands out: tell who runs them (the same secret, the \
             right time)"
                .to_owned(),
        ),
        401 => (
            "turn-credentials",
            format!("refuses user \"{user}\": check --turn-user and PEER_TURN_PASSWORD"),
        ),
        438 => (
            "turn-nonce",
            "takes no nonce, not even its own new one (438): several servers behind one name?".to_owned(),
        ),
        486 => (
            "turn-quota",
            format!(
                "gives user \"{user}\" no more allocations (486, quota reached): end other calls, or raise its quota"
            ),
        ),
        508 => (
            "turn-full",
            "has no relay address left (508): widen its port range, or try later".to_owned(),
        ),
        _ => (
            "turn-refused",
            format!("refuses an allocation ({code} {reason}): ask who runs it"),
        ),
    };
    (word, format!("the TURN server {url} {what}"))
}

fn with_hint(url: &str, error: &ProbeError) -> String {
    let hint = match error {
        ProbeError::Dial(error) => error.hint(),
        _ => None,
    };
    format!(
        "the TURN server {url} cannot be used: {error}{}",
        crate::exit::parenthesised(hint.as_deref())
    )
}

/// The server that is silent.
pub(super) fn silent(facts: &Facts) -> String {
    let stun = facts
        .stun
        .iter()
        .filter(|stun| stun.result == Err(ProbeError::NoReply))
        .map(|stun| &stun.url);
    let turn = facts
        .turn
        .iter()
        .filter(|turn| turn.result == Err(ProbeError::NoReply))
        .map(|turn| &turn.url);
    stun.chain(turn).next().cloned().unwrap_or_default()
}

/// What the first server that could not even be asked shows.
pub(super) fn why_nowhere(facts: &Facts) -> String {
    let stun = facts
        .stun
        .iter()
        .filter_map(|stun| Some((&stun.url, stun.result.as_ref().err()?)));
    let turn = facts
        .turn
        .iter()
        .filter_map(|turn| Some((&turn.url, turn.result.as_ref().err()?)));
    let mut all = stun.chain(turn);
    all.next()
        .map(|(url, error)| format!("{url}: {error}"))
        .unwrap_or_default()
}

/// Where nothing was named, a call goes on without.
pub(super) fn without(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Input => {
            "there is no microphone: calls send silence (or --mic file:PATH, --mic tone:440)"
        }
        DeviceKind::Output => "there is no speaker: calls play nothing (or --speaker file:PATH)",
    }
}

/// The constant word about a device.
pub(super) fn device_code(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Input => "microphone",
        DeviceKind::Output => "speaker",
    }
}

/// A microphone that gives zeros.
pub(super) fn silence(heard: &Heard) -> Option<String> {
    let peak = heard.peak?;
    (peak < SILENCE).then(|| format!("the microphone {} gives silence: is it muted?", heard.name))
}

/// Nothing is wrong.
pub(super) fn all_well(facts: &Facts) -> &'static str {
    match (facts.stun.is_empty(), facts.has_relay()) {
        (_, true) => {
            "All is well: calls find a direct path where there is one, and a relay where there is none."
        }
        (false, false) => {
            "All is well: calls find a direct path where there is one; there is no relay for where there is none."
        }
        (true, false) => {
            "Nothing is wrong, but no STUN or TURN server was asked: calls work inside your own network."
        }
    }
}
