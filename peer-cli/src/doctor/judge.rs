//! From facts to a verdict: what does not work, what to do about it, and the exit code.                               PURE

use super::facts::{Facts, Turn};
use super::nat::Kind;
use super::words;
use crate::event::Grade;
use crate::exit::Exit;
use crate::rtc::probe::ProbeError;

/// The conclusion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How the command ends.
    pub exit: Exit,
    /// What is wrong, worst first.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong, or that calls have to live with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A constant word for scripts.
    pub code: &'static str,
    /// How bad it is.
    pub grade: Grade,
    /// What is wrong and what to do, as a sentence without full stop.
    pub text: String,
    /// How the command ends if nothing before it decides.
    exit: Exit,
}

/// Whether datagrams get out and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Udp {
    /// One came back.
    Works,
    /// None did, though a server is there or several were asked.
    Blocked,
    /// The only server that was asked is silent.
    Silent,
    /// Nothing could be sent: no name has an address, or there is no network.
    NoNetwork,
    /// There was nobody to ask.
    Unknown,
}

impl Facts {
    /// Whether UDP works here.
    #[must_use]
    pub fn udp(&self) -> Udp {
        let by_udp = || self.turn.iter().filter(|turn| turn.udp);
        if self.stun.iter().any(|stun| stun.proves_udp()) || by_udp().any(Turn::proves_udp) {
            return Udp::Works;
        }
        let silent_stun = self
            .stun
            .iter()
            .filter(|stun| stun.result == Err(ProbeError::NoReply));
        let silent_turn = by_udp().filter(|turn| turn.result == Err(ProbeError::NoReply));
        let mut silent: Vec<&str> = silent_stun
            .map(|stun| stun.host.as_str())
            .chain(silent_turn.map(|turn| turn.host.as_str()))
            .collect();
        silent.sort_unstable();
        silent.dedup();
        let there = silent.iter().any(|host| self.answers_tcp(host));
        match silent[..] {
            [] if self.stun.is_empty() && by_udp().next().is_none() => Udp::Unknown,
            [] => Udp::NoNetwork,
            [_] if !there => Udp::Silent,
            _ => Udp::Blocked,
        }
    }

    /// Whether a machine was reached another way.
    fn answers_tcp(&self, host: &str) -> bool {
        let signaling = self
            .signaling
            .iter()
            .filter(|signaling| signaling.result.is_ok());
        let turn = self
            .turn
            .iter()
            .filter(|turn| !turn.udp && (turn.result.is_ok() || turn.refuses()));
        let hosts = signaling
            .map(|signaling| &signaling.host)
            .chain(turn.map(|turn| &turn.host));
        hosts
            .into_iter()
            .any(|other| other.eq_ignore_ascii_case(host))
    }

    /// Whether any relay works.
    #[must_use]
    pub fn has_relay(&self) -> bool {
        self.turn.iter().any(Turn::works)
    }

    /// The verdict.
    #[must_use]
    pub fn judge(&self) -> Verdict {
        let mut problems = Vec::new();
        problems.extend(self.of_signaling());
        problems.extend(self.of_udp());
        problems.extend(self.of_nat());
        problems.extend(self.turn.iter().filter_map(|turn| self.of_turn(turn)));
        problems.extend(self.of_devices());
        // Stable: among equals the order is that of a call.
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.grade));
        let failed = problems
            .iter()
            .filter(|problem| problem.grade == Grade::Fail);
        let exit = failed
            .map(|problem| problem.exit)
            .min_by_key(|exit| exit.code());
        Verdict {
            exit: exit.unwrap_or(Exit::Done),
            problems,
        }
    }

    fn of_signaling(&self) -> Vec<Problem> {
        let Some(signaling) = &self.signaling else {
            return Vec::new();
        };
        let unreadable = signaling.unreadable.iter().map(|what| {
            Problem::warn(
                "offer-unreadable",
                format!("the signaling server offers {what}: tell who runs it"),
            )
        });
        let unreachable = signaling
            .result
            .as_ref()
            .err()
            .map(|failure| Problem::fail("signaling", Exit::Signaling, failure.to_string()));
        unreachable.into_iter().chain(unreadable).collect()
    }

    fn of_udp(&self) -> Option<Problem> {
        let relay = self.turn.iter().find(|turn| turn.works());
        let text = match (self.udp(), relay) {
            (Udp::Unknown, _) => return None,
            (Udp::Works, _) => return self.of_stun(),
            (Udp::Blocked, Some(relay)) => {
                return Some(Problem::warn(
                    "udp-blocked",
                    format!("UDP is blocked here: calls go through {}", relay.url),
                ));
            }
            (Udp::Silent | Udp::NoNetwork, Some(relay)) => {
                return Some(Problem::warn(
                    "stun",
                    format!(
                        "no STUN server answers: calls to other networks go through {}",
                        relay.url
                    ),
                ));
            }
            (Udp::Blocked, None) => {
                return Some(Problem::fail(
                    "udp-blocked",
                    Exit::NoPath,
                    "UDP is blocked here: calls need a relay over TCP or TLS (--turn turns:HOST:443)",
                ));
            }
            (Udp::Silent, None) => format!(
                "no reply from {}, the only server asked: it is down, or UDP is blocked here (try --stun with another, \
                 or a relay over TCP or TLS: --turn turns:HOST:443)",
                words::silent(self)
            ),
            (Udp::NoNetwork, None) => format!(
                "no way to any STUN or TURN server ({}): is this machine connected? calls work inside its own network at most",
                words::why_nowhere(self)
            ),
        };
        let code = if self.udp() == Udp::Silent {
            "udp-silent"
        } else {
            "no-network"
        };
        Some(Problem::fail(code, Exit::NoPath, text))
    }

    /// UDP works, and still nobody tells our address.
    fn of_stun(&self) -> Option<Problem> {
        if self.stun.is_empty() || self.stun.iter().any(|stun| stun.result.is_ok()) {
            return None;
        }
        if self.has_relay() {
            let text = "no STUN server answers: calls to other networks go through the relay (try another --stun)";
            return Some(Problem::warn("stun", text));
        }
        let text =
            "no STUN server answers: calls work only inside your own network (try another --stun)";
        Some(Problem::fail("stun", Exit::Expectation, text))
    }

    fn of_nat(&self) -> Option<Problem> {
        let symmetric = self.nat?.kind()? == Kind::Symmetric;
        if !symmetric || self.has_relay() {
            return None;
        }
        let text = "your NAT is symmetric: calls to others behind such a NAT, or a port-restricted one, need a relay (--turn)";
        Some(Problem::warn("nat-symmetric", text))
    }

    fn of_turn(&self, turn: &Turn) -> Option<Problem> {
        let (code, text) = match &turn.result {
            Ok(allocation) => match &allocation.echo {
                Ok(_) => return None,
                Err(ProbeError::NoReply) => (
                    "relay-mute",
                    format!(
                        "the TURN server {} gives an address but lets nothing through: its relay ports ({} and its like) must be open to UDP",
                        turn.url, allocation.relayed
                    ),
                ),
                Err(error) => {
                    let text = format!(
                        "the TURN server {} does not relay to its own addresses ({error}): two peers that both need it may not meet",
                        turn.url
                    );
                    return Some(Problem::warn("relay-to-itself", text));
                }
            },
            // Said once, and not for each server.
            Err(ProbeError::NoReply) if turn.udp && self.udp() != Udp::Works => return None,
            Err(error) => words::turn_problem(turn, error),
        };
        // With another relay that works, one that is gone is not missed; one that says no is a mistake somewhere.
        let missed = turn.refuses() || !self.has_relay();
        Some(if missed {
            Problem::fail(code, Exit::Expectation, text)
        } else {
            Problem::warn(code, text)
        })
    }

    fn of_devices(&self) -> Vec<Problem> {
        let judge = |device: &super::facts::Device| {
            let error = match &device.result {
                Ok(heard) => {
                    return words::silence(heard)
                        .map(|text| Problem::warn("microphone-silent", text));
                }
                Err(error) => error,
            };
            let code = words::device_code(device.kind);
            Some(if device.named {
                Problem::fail(
                    code,
                    Exit::Device,
                    format!("{error} (peer-cli devices lists what there is)"),
                )
            } else {
                Problem::warn(code, words::without(device.kind))
            })
        };
        self.devices.iter().filter_map(judge).collect()
    }
}

impl Problem {
    fn fail(code: &'static str, exit: Exit, text: impl Into<String>) -> Self {
        Self {
            code,
            grade: Grade::Fail,
            text: text.into(),
            exit,
        }
    }

    fn warn(code: &'static str, text: impl Into<String>) -> Self {
        Self {
            code,
            grade: Grade::Warn,
            text: text.into(),
            exit: Exit::Done,
        }
    }
}

#[cfg(test)]
mod tests;
