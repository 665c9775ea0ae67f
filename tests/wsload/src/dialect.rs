//! What different signaling servers want to hear, and what they make of a message.                                      PURE

use serde_json::{Value, json};

use crate::stamp::{self, Stamp};

/// The servers that can be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Dialect {
    /// A broadcast to the room in `?room=`, byte for byte: `signaling`, and tutorials' servers.
    Broadcast,
    /// The signaling server of y-webrtc: topics, and the sender hears itself, too.
    YWebrtc,
    /// PeerServer of PeerJS: from one to one.
    Peerjs,
    /// matchbox_server: from one to one, by ids that the server gives.
    Matchbox,
}

/// What a text means to its hearer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A message of another one's.
    Message(Stamp),
    /// It may speak and be spoken to from now on.
    Ready,
    /// The other one in the room has this id; and whether it has to be told ours.
    Other(String, bool),
    /// A member has left.
    Left,
    /// Nothing that counts.
    Nothing,
}

/// One member: its number, its room's, and the number of whoever it speaks to where that is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) member: usize,
    pub(crate) room: usize,
    pub(crate) partner: usize,
}

impl Dialect {
    /// Path and query of the WebSocket, below the path that was given.
    pub(crate) fn target(self, path: &str, place: Place) -> String {
        let Place { member, room, .. } = place;
        match self {
            Self::Broadcast => format!("{path}?room=r{room}"),
            Self::YWebrtc => path.to_owned(),
            Self::Peerjs => {
                format!("{path}?key=peerjs&id=m{member}&token=t{member}&version=1.5.4")
            }
            Self::Matchbox => format!("{}/r{room}", path.trim_end_matches('/')),
        }
    }

    /// What is said first.
    pub(crate) fn greeting(self, place: Place) -> Option<String> {
        let topic = format!("r{}", place.room);
        (self == Self::YWebrtc).then(|| json!({"type": "subscribe", "topics": [topic]}).to_string())
    }

    /// Whether an open socket is all that it takes.
    pub(crate) fn ready_when_open(self) -> bool {
        matches!(self, Self::Broadcast | Self::YWebrtc)
    }

    /// Whether a message goes to one member, by its id.
    pub(crate) fn directed(self) -> bool {
        matches!(self, Self::Peerjs | Self::Matchbox)
    }

    /// A message with an empty stamp in it, of about so many bytes.
    pub(crate) fn message(self, place: Place, other: &str, size: usize) -> String {
        let sender = u32::try_from(place.member).unwrap_or(u32::MAX);
        let stamp = Stamp {
            sender,
            ..Stamp::default()
        };
        let whole = |filling: &str| self.filled(place, other, &(stamp.text() + filling));
        let bare = whole("").len();
        whole(&"x".repeat(size.saturating_sub(bare)))
    }

    fn filled(self, place: Place, other: &str, text: &str) -> String {
        let candidate = json!({"event": "candidate", "data": {"candidate": text}});
        match self {
            Self::Broadcast => candidate,
            Self::YWebrtc => {
                json!({"data": text, "topic": format!("r{}", place.room), "type": "publish"})
            }
            Self::Peerjs => {
                let dst = format!("m{}", place.partner);
                json!({"type": "CANDIDATE", "dst": dst, "payload": {"candidate": text}})
            }
            Self::Matchbox => json!({"Signal": {"receiver": other, "data": text}}),
        }
        .to_string()
    }

    /// What makes the other one know us.
    pub(crate) fn hello(self, other: &str) -> String {
        json!({"Signal": {"receiver": other, "data": "hello"}}).to_string()
    }

    /// What a server's text means to the member with this number.
    pub(crate) fn hear(self, text: &[u8], member: usize) -> Heard {
        if let Some((stamp, _)) = Stamp::find(text) {
            // An echo is no delivery.
            return if stamp.sender as usize == member {
                Heard::Nothing
            } else {
                Heard::Message(stamp)
            };
        }
        let Ok(value) = serde_json::from_slice::<Value>(text) else {
            return Heard::Nothing;
        };
        let other = |id: &Value, tell| {
            id.as_str()
                .map_or(Heard::Nothing, |id| Heard::Other(id.to_owned(), tell))
        };
        match self {
            Self::Broadcast if value["event"] == "left" => Heard::Left,
            Self::Peerjs if value["type"] == "OPEN" => Heard::Ready,
            // Those that are there already hear of a newcomer; the newcomer hears of nobody until one speaks.
            Self::Matchbox if value["NewPeer"].is_string() => other(&value["NewPeer"], true),
            Self::Matchbox => other(&value["Signal"]["sender"], false),
            _ => Heard::Nothing,
        }
    }
}

/// Where the stamp stands in a message.
pub(crate) fn stamp_of(message: &[u8]) -> Option<std::ops::Range<usize>> {
    let (_, at) = Stamp::find(message)?;
    Some(at..at + stamp::WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        member: 3,
        room: 1,
        partner: 2,
    };

    #[test]
    fn a_message_has_its_size_and_a_stamp_that_another_one_hears() {
        for dialect in [
            Dialect::Broadcast,
            Dialect::YWebrtc,
            Dialect::Peerjs,
            Dialect::Matchbox,
        ] {
            let message = dialect.message(PLACE, "5d3e", 200);
            assert_eq!(message.len(), 200, "{dialect:?}");
            let Heard::Message(stamp) = dialect.hear(message.as_bytes(), 2) else {
                panic!("{dialect:?}: {message}");
            };
            assert_eq!(stamp.sender, 3);
            assert_eq!(
                dialect.hear(message.as_bytes(), 3),
                Heard::Nothing,
                "its own"
            );
        }
    }

    #[test]
    fn what_servers_say_first() {
        let hear = |dialect: Dialect, text: &str| dialect.hear(text.as_bytes(), 0);
        assert_eq!(hear(Dialect::Peerjs, r#"{"type":"OPEN"}"#), Heard::Ready);
        assert_eq!(
            hear(Dialect::Matchbox, r#"{"NewPeer":"ab"}"#),
            Heard::Other("ab".into(), true)
        );
        assert_eq!(
            hear(
                Dialect::Matchbox,
                r#"{"Signal":{"sender":"cd","data":"hello"}}"#
            ),
            Heard::Other("cd".into(), false)
        );
        assert_eq!(
            hear(Dialect::Matchbox, r#"{"IdAssigned":"ab"}"#),
            Heard::Nothing
        );
        assert_eq!(hear(Dialect::Broadcast, "not JSON"), Heard::Nothing);
    }
}
