//! Events in people's words. Whatever comes from others is made harmless here, once, for every line.

use std::collections::{BTreeMap, BTreeSet};

use super::harmless;
use super::live::Live;
use crate::event::{Content, EndedBy, Event, PeerState, Stamped};
use crate::exit::parenthesised;

mod phrases;

/// Names remembered; a room that turns over for weeks must not grow the process.
const MOST_NAMES: usize = 4096;

/// Who wants to read a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// On stdout, always.
    Result,
    /// Always.
    Error,
    /// Unless `-q`.
    Normal,
    /// With `-v`.
    Detail,
}

/// A line for people.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) level: Level,
    pub(super) text: String,
}

/// Knows what was said before: names of peers, running calls.
#[derive(Debug)]
pub(super) struct Words {
    verbosity: u8,
    /// No direct path is tried.
    relay_only: bool,
    place: String,
    names: BTreeMap<String, String>,
    calls: BTreeSet<String>,
    live: Live,
}

impl Words {
    pub(super) fn new(verbosity: u8, relay_only: bool) -> Self {
        Self {
            verbosity,
            relay_only,
            place: "the room".to_owned(),
            names: BTreeMap::new(),
            calls: BTreeSet::new(),
            live: Live::default(),
        }
    }

    /// What people read about an event.
    pub(super) fn of(&mut self, stamped: &Stamped) -> Option<Line> {
        self.before(&stamped.event);
        let line = self.line(stamped);
        self.after(&stamped.event);
        line.map(|(level, text)| Line {
            level,
            text: harmless::line(&text),
        })
    }

    /// Learns what the words of this event need.
    fn before(&mut self, event: &Event) {
        match event {
            Event::Hello { room, server, .. } => {
                self.place = phrases::place(room.as_deref(), server.as_deref())
            }
            Event::Peer {
                id,
                name: Some(name),
                ..
            } if self.names.len() < MOST_NAMES => {
                self.names.insert(id.clone(), name.clone());
            }
            Event::Connected { peer, .. } => {
                self.calls.insert(peer.clone());
            }
            _ => {}
        }
    }

    /// Forgets what no later event needs; who left the room may still be in a call.
    fn after(&mut self, event: &Event) {
        match event {
            Event::Peer {
                state: PeerState::Left,
                id,
                ..
            } if !self.calls.contains(id) => {
                self.names.remove(id);
            }
            Event::Ended { peer, .. } => {
                self.calls.remove(peer);
                self.live.forget(peer);
            }
            _ => {}
        }
    }

    fn line(&mut self, Stamped { t, event }: &Stamped) -> Option<(Level, String)> {
        if let Event::Stats { peer, stats } = event {
            let numbers = self.live.line(peer, stats);
            let text = format!("{}  {}  {numbers}", phrases::clock(*t), self.name(peer));
            return Some((Level::Normal, text));
        }
        self.meeting(event)
            .or_else(|| self.course(event))
            .or_else(|| outcome(event))
    }

    /// Until the call, and its beginning and end.
    fn meeting(&self, event: &Event) -> Option<(Level, String)> {
        use Level::{Detail, Normal};
        Some(match event {
            Event::Hello { version, .. } => (Detail, format!("peer-cli {version}")),
            Event::Signaling { state, id, mode } => {
                let (id, in_call) = (id.as_deref(), !self.calls.is_empty());
                (
                    Normal,
                    phrases::signaling(*state, id, *mode, &self.place, in_call),
                )
            }
            Event::Peer { state, id, .. } => (Detail, phrases::presence(*state, &self.name(id))),
            Event::Candidate {
                direction,
                endpoint,
                ..
            } => (Detail, phrases::candidate(*direction, endpoint)),
            Event::Pair { pair, .. } => (Normal, phrases::pair(pair)),
            Event::Connected {
                peer,
                path,
                local,
                remote,
                setup_ms,
            } => {
                let way = phrases::way(*path, self.relay_only);
                let mut text = phrases::connected(&self.name(peer), way, setup_ms.total);
                if self.verbosity > 0 {
                    text += &phrases::how(setup_ms, local.as_ref(), remote.as_ref());
                }
                (Normal, text)
            }
            Event::Ended {
                peer,
                by,
                reason,
                summary,
            } => {
                let told = *by == EndedBy::Lost || self.verbosity > 0;
                let reason = reason.as_deref().filter(|_| told);
                (
                    Normal,
                    phrases::ended(&self.name(peer), *by, reason, summary),
                )
            }
            _ => return None,
        })
    }

    /// While a call runs.
    fn course(&self, event: &Event) -> Option<(Level, String)> {
        use Level::{Detail, Normal, Result};
        Some(match event {
            Event::Track {
                peer,
                direction,
                codec,
                channels,
                processing,
                ..
            } => {
                let name = self.name(peer);
                let track = phrases::track(*direction, &name, codec.as_deref(), *channels);
                let done = processing.as_ref().map(phrases::processing);
                (Detail, track + &done.unwrap_or_default())
            }
            Event::Audio { peer, after } => (Normal, phrases::hearing(&self.name(peer), *after)),
            Event::Message {
                content: Content::Text(text),
                ..
            } => (Result, text.clone()),
            Event::Message {
                peer,
                label,
                content: Content::Binary(bytes),
            } => (
                Normal,
                phrases::binary(&self.name(peer), label, bytes.len()),
            ),
            Event::Dtmf { peer, digit } => (Normal, phrases::digit(&self.name(peer), *digit)),
            Event::Reconnecting { peer, why, attempt } => (
                Normal,
                phrases::reconnecting(&self.name(peer), why, *attempt),
            ),
            Event::Reconnected {
                peer, path, after, ..
            } => (
                Normal,
                phrases::reconnected(
                    &self.name(peer),
                    phrases::way(*path, self.relay_only),
                    *after,
                ),
            ),
            _ => return None,
        })
    }

    /// A peer's name, else the beginning of its id.
    fn name(&self, peer: &str) -> String {
        self.names
            .get(peer)
            .cloned()
            .unwrap_or_else(|| phrases::short(peer))
    }
}

/// What needs no knowledge of peers.
fn outcome(event: &Event) -> Option<(Level, String)> {
    use Level::{Error, Normal, Result};
    Some(match event {
        Event::Warning { text, hint, .. } => {
            (Normal, format!("{text}{}", parenthesised(hint.as_deref())))
        }
        Event::Expect { check, ok, got } if *ok => (Normal, format!("met: {check} ({got})")),
        Event::Expect { check, got, .. } => (Error, format!("not met: {check} ({got})")),
        Event::Device(device) => (Result, phrases::device(device)),
        Event::Check(finding) => (Result, phrases::finding(finding)),
        Event::Verdict { text, .. } => (Result, text.clone()),
        Event::Exit { code, reason } => phrases::exit(*code, reason),
        _ => return None,
    })
}
