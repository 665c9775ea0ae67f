//! Why a socket was closed: the codes of RFC 6455 section 7.4 that the server uses, and its own from 4000 on.

use std::fmt;

/// The reason that a server gives when it closes a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The server stops or restarts.
    GoingAway = 1001,
    /// A binary frame came; the protocol is text.
    Binary = 1003,
    /// A rule was broken: no `hello` in time, a bad `hello`, an origin or room that is not allowed.
    Policy = 1008,
    /// A frame was larger than the server takes.
    TooLarge = 1009,
    /// The server cannot decide at the moment: what it asks does not answer.
    TryLater = 1013,
    /// The same peer connected again.
    Replaced = 4000,
    /// The room, or the server's list of rooms, is full.
    RoomFull = 4003,
    /// The client read too slowly and its queue ran over.
    TooSlow = 4008,
    /// The client said nothing for as long as the server permits.
    Idle = 4009,
    /// The client sent too many messages.
    TooMany = 4029,
    /// The client sent too many bytes.
    TooMuch = 4030,
    /// The server asks who you are and was not satisfied.
    NotAuthorised = 4401,
}

impl CloseCode {
    /// Every code, in ascending order.
    pub const ALL: [Self; 12] = [
        Self::GoingAway,
        Self::Binary,
        Self::Policy,
        Self::TooLarge,
        Self::TryLater,
        Self::Replaced,
        Self::RoomFull,
        Self::TooSlow,
        Self::Idle,
        Self::TooMany,
        Self::TooMuch,
        Self::NotAuthorised,
    ];

    /// The number on the wire.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The code with this number, if it is one of ours.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.code() == code)
    }

    /// Two or three words, also sent as the close frame's reason when nothing more precise is known.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GoingAway => "server going away",
            Self::Binary => "binary frame",
            Self::Policy => "policy violation",
            Self::TooLarge => "frame too large",
            Self::TryLater => "try again later",
            Self::Replaced => "replaced by a newer connection",
            Self::RoomFull => "room full",
            Self::TooSlow => "too slow",
            Self::Idle => "idle for too long",
            Self::TooMany => "too many messages",
            Self::TooMuch => "too many bytes",
            Self::NotAuthorised => "not authorised",
        }
    }

    /// One sentence for the user of the closed client.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::GoingAway => "the signaling server stops or restarts; connecting again may help",
            Self::Binary => "the server takes text frames only; this client is not made for it",
            Self::Policy => "the server refused this client; its reason and its --origin tell why",
            Self::TooLarge => {
                "a message was larger than the server takes; its operator can raise --max-frame"
            }
            Self::TryLater => {
                "the server cannot decide who may come in at the moment; try again later"
            }
            Self::Replaced => "the same peer connected again from elsewhere and took over",
            Self::RoomFull => {
                "the room, or the server's list of rooms, is full; use another room or have --max-room or --max-rooms raised"
            }
            Self::TooSlow => "this client read too slowly for its room; check the network",
            Self::Idle => {
                "this client said nothing for as long as the server permits; its operator can raise --idle-timeout"
            }
            Self::TooMany => "too many messages; slow down or have --max-rate raised",
            Self::TooMuch => "too many bytes; slow down or have --max-bytes raised",
            Self::NotAuthorised => "pass --token, or ask its operator for another one",
        }
    }

    /// Whether connecting again, after a pause, is sensible.
    pub const fn retry(self) -> bool {
        matches!(
            self,
            Self::GoingAway
                | Self::TryLater
                | Self::TooSlow
                | Self::Idle
                | Self::TooMany
                | Self::TooMuch
        )
    }

    /// The exit code of a command that ends because of it: 1 our own fault, 3 signaling refused.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Binary => 1,
            _ => 3,
        }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_there_and_back() {
        let codes: Vec<u16> = CloseCode::ALL.iter().map(|c| c.code()).collect();
        assert_eq!(
            codes,
            [
                1001, 1003, 1008, 1009, 1013, 4000, 4003, 4008, 4009, 4029, 4030, 4401
            ]
        );
        for code in 0..=u16::MAX {
            let back = CloseCode::from_code(code).map(CloseCode::code);
            assert_eq!(back, codes.contains(&code).then_some(code));
        }
    }

    #[test]
    fn every_name_fits_into_a_close_frame_and_advice_reads_as_one_sentence() {
        for code in CloseCode::ALL {
            assert!(code.name().len() <= 123, "RFC 6455 5.5: 125 with the code");
            assert!(!code.advice().ends_with('.') && !code.advice().is_empty());
            assert!(matches!(code.exit_code(), 1 | 3));
        }
    }

    #[test]
    fn a_replaced_peer_does_not_fight_back() {
        assert!(!CloseCode::Replaced.retry());
        assert!(CloseCode::GoingAway.retry());
    }
}
