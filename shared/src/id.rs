//! What a peer, a room or a session may be called: at most 64 ASCII letters, digits, `.`, `_` or `-`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::limits::MAX_WORD;

/// Why a text is no name, room, peer id or session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadWord {
    kind: &'static str,
    shown: String,
    why: String,
}

impl fmt::Display for BadWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.kind, self.shown, self.why)
    }
}

impl std::error::Error for BadWord {}

/// Characters of a refused text that the complaint repeats.
const SHOWN: usize = 24;

fn check(kind: &'static str, text: &str) -> Result<(), BadWord> {
    let why = if text.is_empty() {
        "is empty: give at least one letter or digit".to_owned()
    } else if let Some(bad) = text
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
    {
        format!("contains {bad:?}: use letters, digits, \".\", \"_\" and \"-\"")
    } else if text.len() > MAX_WORD {
        format!("has {} characters: use at most {MAX_WORD}", text.len())
    } else {
        return Ok(());
    };
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Err(BadWord { kind, shown, why })
}

macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Accepts the text if its characters and length are allowed.
            pub fn new(text: impl Into<String>) -> Result<Self, BadWord> {
                let text = text.into();
                check($kind, &text)?;
                Ok(Self(text))
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadWord;

            fn from_str(text: &str) -> Result<Self, BadWord> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

word! {
    /// What others see of a peer, chosen by its user.
    Name, "name"
}
word! {
    /// A room of the server; no room at all means its one global room.
    Room, "room"
}
word! {
    /// Who a peer is: set by the server from its secret. Ordered bytewise: the lower id is the polite one.
    PeerId, "peer id"
}
word! {
    /// One call, named by its offerer.
    SessionId, "session"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn words_in_bounds_are_kept_as_they_are() {
        for good in ["a", "demo", "A.b_c-9", "..", &"x".repeat(64)] {
            assert_eq!(Room::new(good).map(|r| r.to_string()), Ok(good.to_owned()));
        }
    }

    #[test]
    fn words_out_of_bounds_say_why() {
        let complaint = |text: &str| Name::new(text).map_err(|e| e.to_string());
        assert_eq!(
            complaint(""),
            Err("name \"\" is empty: give at least one letter or digit".into())
        );
        assert_eq!(
            complaint("a b"),
            Err("name \"a b\" contains ' ': use letters, digits, \".\", \"_\" and \"-\"".into())
        );
        assert_eq!(
            complaint(&"y".repeat(65)),
            Err(format!(
                "name \"{}…\" has 65 characters: use at most 64",
                "y".repeat(24)
            ))
        );
        for bad in ["zoë", "a/b", "\u{1b}[31m", "a\0", "-\n"] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
            let shown = complaint(bad).unwrap_err();
            assert!(!shown.chars().any(char::is_control), "{shown:?}");
        }
    }

    #[test]
    fn a_huge_word_makes_a_short_complaint() {
        let complaint = Name::new("é".repeat(100_000)).unwrap_err().to_string();
        assert!(complaint.len() < 200, "{complaint}");
    }
}
