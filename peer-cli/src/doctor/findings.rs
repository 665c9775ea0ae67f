//! From facts to the lines of the list.                                                                                PURE

use super::facts::{Device, Facts, Signaling, Stun, Turn};
use super::judge::Verdict;
use super::nat::{Filtering, Mapping, Measured};
use super::words;
use crate::audio::DeviceKind;
use crate::event::{Details, Event, Finding, Grade, SignalingMode, Subject};
use crate::rtc::probe::{Allocation, ProbeError};

/// How the signaling server is.
pub(super) fn of_signaling(signaling: &Signaling) -> Finding {
    let finding = match &signaling.result {
        Ok((mode, took)) => Finding {
            took: Some(*took),
            details: Details {
                mode: Some(*mode),
                ..Details::default()
            },
            ..match mode {
                SignalingMode::PeerV1 => Finding::new(Subject::Signaling, Grade::Ok, "reached"),
                SignalingMode::Plain => Finding::new(
                    Subject::Signaling,
                    Grade::Ok,
                    "reached; it only broadcasts and offers no STUN or TURN servers",
                ),
            }
        },
        Err(failure) => {
            let told = format!("cannot reach {}: ", signaling.url);
            let why = match failure.reason.strip_prefix(&told) {
                Some(why) => why.to_owned(),
                None => failure.reason.replace(&signaling.url, "it"),
            };
            Finding::new(Subject::Signaling, Grade::Fail, why)
        }
    };
    Finding {
        server: Some(signaling.url.clone()),
        ..finding
    }
}

/// How the servers and the NAT are.
pub(super) fn of_network(facts: &Facts) -> Vec<Finding> {
    // One that is gone is not missed where another does the same; a relay makes up for all of STUN.
    let relay = facts.has_relay();
    let mapped = relay || facts.stun.iter().any(|stun| stun.result.is_ok());
    let stun = facts.stun.iter().map(|stun| of_stun(stun, mapped));
    let nat = facts.nat.as_ref().and_then(of_nat);
    let turn = facts.turn.iter().flat_map(|turn| of_turn(turn, relay));
    stun.chain(nat).chain(turn).collect()
}

/// How one STUN server is; `others` are enough if it is gone.
fn of_stun(stun: &Stun, others: bool) -> Finding {
    let finding = match &stun.result {
        Ok(facts) => Finding {
            took: Some(facts.round_trip),
            details: Details {
                mapped: Some(facts.mapped.to_string()),
                ..Details::default()
            },
            ..Finding::new(
                Subject::Stun,
                Grade::Ok,
                format!("our address is {}", facts.mapped),
            )
        },
        Err(error) => failed(
            Subject::Stun,
            error,
            if others { Grade::Warn } else { Grade::Fail },
        ),
    };
    Finding {
        server: Some(stun.url.clone()),
        ..finding
    }
}

/// What the NAT does.
fn of_nat(measured: &Measured) -> Option<Finding> {
    let kind = measured.kind()?;
    let (mapping, filtering) = (
        measured.mapping().map(Mapping::word),
        measured.filtering().map(Filtering::word),
    );
    let text = match (mapping, filtering) {
        (Some(mapping), Some(filtering)) => format!(
            "{} (mapping {mapping}, filtering {filtering})",
            kind.words()
        ),
        (Some(mapping), None) => format!("{} (mapping {mapping})", kind.words()),
        _ => kind.words().to_owned(),
    };
    let grade = if kind == super::nat::Kind::Symmetric {
        Grade::Warn
    } else {
        Grade::Ok
    };
    Some(Finding {
        details: Details {
            nat: Some(kind.word()),
            mapping,
            filtering,
            ..Details::default()
        },
        ..Finding::new(Subject::Nat, grade, text)
    })
}

/// How one TURN server is, and whether it relays; `others` are enough if it is gone.
fn of_turn(turn: &Turn, others: bool) -> Vec<Finding> {
    let findings = match &turn.result {
        Ok(allocation) => vec![
            Finding {
                took: Some(allocation.round_trip),
                details: Details {
                    mapped: allocation.mapped.map(|mapped| mapped.to_string()),
                    relayed: Some(allocation.relayed.to_string()),
                    ..Details::default()
                },
                ..Finding::new(
                    Subject::Turn,
                    Grade::Ok,
                    format!("relayed address {}", allocation.relayed),
                )
            },
            of_echo(allocation),
        ],
        Err(error) => {
            let grade = if others && !turn.refuses() {
                Grade::Warn
            } else {
                Grade::Fail
            };
            vec![failed(Subject::Turn, error, grade)]
        }
    };
    let named = |finding| Finding {
        server: Some(turn.url.clone()),
        ..finding
    };
    findings.into_iter().map(named).collect()
}

fn of_echo(allocation: &Allocation) -> Finding {
    match &allocation.echo {
        Ok(took) => Finding {
            took: Some(*took),
            ..Finding::new(
                Subject::Relay,
                Grade::Ok,
                "a datagram went through it and came back",
            )
        },
        Err(ProbeError::NoReply) => Finding::new(
            Subject::Relay,
            Grade::Fail,
            "a datagram to the relayed address never came back",
        ),
        Err(error) => failed(Subject::Relay, error, Grade::Warn),
    }
}

fn failed(subject: Subject, error: &ProbeError, grade: Grade) -> Finding {
    let code = match error {
        ProbeError::Refused { code, .. } => Some(*code),
        ProbeError::Anonymous => Some(401),
        _ => None,
    };
    Finding {
        details: Details {
            code,
            ..Details::default()
        },
        ..Finding::new(subject, grade, error.to_string())
    }
}

/// How a microphone or speaker is.
pub(super) fn of_device(device: &Device) -> Finding {
    let subject = match device.kind {
        DeviceKind::Input => Subject::Microphone,
        DeviceKind::Output => Subject::Speaker,
    };
    match &device.result {
        Ok(heard) => {
            let (grade, text) = match (words::silence(heard), heard.peak) {
                (Some(_), _) => (Grade::Warn, format!("{}: silence (muted?)", heard.name)),
                (None, Some(peak)) => {
                    let level = 20.0 * peak.log10();
                    (
                        Grade::Ok,
                        format!("{}: sound, peak {level:.0} dBFS", heard.name),
                    )
                }
                (None, None) => (Grade::Ok, format!("{}: takes sound", heard.name)),
            };
            Finding {
                took: Some(heard.took),
                ..Finding::new(subject, grade, text)
            }
        }
        Err(error) => {
            let grade = if device.named {
                Grade::Fail
            } else {
                Grade::Warn
            };
            Finding::new(subject, grade, error.to_string())
        }
    }
}

/// The last event but one.
pub(super) fn of_verdict(facts: &Facts, verdict: &Verdict) -> Event {
    let codes = verdict
        .problems
        .iter()
        .map(|problem| problem.code)
        .collect();
    let mut sentences: Vec<String> = verdict
        .problems
        .iter()
        .map(|problem| sentence(&problem.text))
        .collect();
    if sentences.is_empty() {
        sentences.push(words::all_well(facts).to_owned());
    }
    Event::Verdict {
        ok: verdict.exit == crate::exit::Exit::Done,
        codes,
        text: sentences.join(" "),
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    let stop = if text.ends_with(['?', '.', '!']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{stop}", characters.as_str())
}
