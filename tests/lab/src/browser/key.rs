//! Keys by the names of the web (`KeyboardEvent.key`), and what either protocol calls them.                            PURE

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// One key, with those that are held down meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    name: String,
    code: String,
    /// Windows' virtual key code, by which Chromium goes.
    number: u32,
    /// What it writes; empty for keys that do something else.
    text: String,
    /// WebDriver's character for it.
    character: char,
    held: Vec<&'static Held>,
}

#[derive(Debug, PartialEq)]
struct Held {
    name: &'static str,
    /// In DevTools a bit.
    bit: u32,
    character: char,
}

const HELD: [Held; 4] = [
    Held {
        name: "Alt",
        bit: 1,
        character: '\u{e00a}',
    },
    Held {
        name: "Control",
        bit: 2,
        character: '\u{e009}',
    },
    Held {
        name: "Meta",
        bit: 4,
        character: '\u{e03d}',
    },
    Held {
        name: "Shift",
        bit: 8,
        character: '\u{e008}',
    },
];

/// Name, virtual key code, WebDriver's character, what it writes.
const NAMED: [(&str, u32, char, &str); 13] = [
    ("Enter", 13, '\u{e007}', "\r"),
    ("Tab", 9, '\u{e004}', ""),
    ("Escape", 27, '\u{e00c}', ""),
    ("Backspace", 8, '\u{e003}', ""),
    ("Delete", 46, '\u{e017}', ""),
    ("ArrowLeft", 37, '\u{e012}', ""),
    ("ArrowUp", 38, '\u{e013}', ""),
    ("ArrowRight", 39, '\u{e014}', ""),
    ("ArrowDown", 40, '\u{e015}', ""),
    ("Home", 36, '\u{e011}', ""),
    ("End", 35, '\u{e010}', ""),
    ("PageUp", 33, '\u{e00e}', ""),
    ("PageDown", 34, '\u{e00f}', ""),
];

impl Key {
    /// As `Enter`, `a`, `Space`, `Shift+Tab`.
    ///
    /// # Errors
    /// When there is no such key.
    pub(super) fn parse(name: &str) -> Result<Self> {
        let (mut held, mut rest) = (Vec::new(), name);
        while let Some((first, others)) =
            rest.split_once('+').filter(|(first, _)| !first.is_empty())
        {
            let key = HELD.iter().find(|held| held.name == first);
            held.push(key.with_context(|| format!("no key {first:?} to be held down"))?);
            rest = others;
        }
        let mut key = Self::alone(rest).with_context(|| format!("no key {name:?}"))?;
        // With these held down a key is a command and writes nothing.
        if held.iter().any(|held| held.name != "Shift") {
            key.text.clear();
        }
        Ok(Self { held, ..key })
    }

    /// The key that writes this.
    pub(super) fn writing(letter: char) -> Self {
        let upper = letter.to_ascii_uppercase();
        let code = match upper {
            'A'..='Z' => format!("Key{upper}"),
            '0'..='9' => format!("Digit{upper}"),
            ' ' => "Space".to_owned(),
            _ => String::new(),
        };
        Self {
            name: letter.to_string(),
            number: if code.is_empty() { 0 } else { u32::from(upper) },
            code,
            text: letter.to_string(),
            character: letter,
            held: Vec::new(),
        }
    }

    fn alone(name: &str) -> Result<Self> {
        if name == "Space" {
            return Ok(Self::writing(' '));
        }
        let mut letters = name.chars();
        if let (Some(letter), None) = (letters.next(), letters.next()) {
            return Ok(Self::writing(letter));
        }
        let Some((name, number, character, text)) = NAMED.into_iter().find(|key| key.0 == name)
        else {
            bail!("neither one letter nor a name that is known here");
        };
        Ok(Self {
            name: name.to_owned(),
            code: name.to_owned(),
            number,
            text: text.to_owned(),
            character,
            held: Vec::new(),
        })
    }

    /// Parameters of `Input.dispatchKeyEvent`: down, and up.
    pub(super) fn devtools(&self) -> [Value; 2] {
        let bits: u32 = self.held.iter().map(|held| held.bit).sum();
        let down = if self.text.is_empty() {
            "rawKeyDown"
        } else {
            "keyDown"
        };
        [down, "keyUp"].map(|kind| {
            let mut event = json!({
                "type": kind, "key": self.name, "code": self.code, "modifiers": bits,
                "windowsVirtualKeyCode": self.number,
            });
            if kind == "keyDown" {
                event["text"] = json!(self.text);
            }
            event
        })
    }

    /// Actions of WebDriver's source `key`.
    pub(super) fn webdriver(&self) -> Vec<Value> {
        let held = self.held.iter().map(|held| held.character);
        let down = held.clone().chain([self.character]);
        let up = [self.character].into_iter().chain(held.rev());
        let down = down.map(|value| json!({"type": "keyDown", "value": value}));
        let up = up.map(|value| json!({"type": "keyUp", "value": value}));
        down.chain(up).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::Key;

    #[test]
    fn both_protocols_know_every_key() {
        let [down, up] = Key::parse("Enter").unwrap().devtools();
        let enter = json!({
            "type": "keyDown", "key": "Enter", "code": "Enter", "modifiers": 0,
            "windowsVirtualKeyCode": 13, "text": "\r",
        });
        assert_eq!(down, enter);
        assert_eq!(up["type"], "keyUp");
        let back = Key::parse("Shift+Tab").unwrap();
        assert_eq!(back.devtools()[0]["modifiers"], 8);
        assert_eq!(back.devtools()[0]["type"], "rawKeyDown");
        let values: Vec<_> = back
            .webdriver()
            .iter()
            .map(|action| action["value"].clone())
            .collect();
        assert_eq!(values, ["\u{e008}", "\u{e004}", "\u{e004}", "\u{e008}"]);
        let letter = Key::parse("m").unwrap().devtools();
        assert_eq!([&letter[0]["code"], &letter[0]["text"]], ["KeyM", "m"]);
        assert_eq!(
            Key::parse("Control+a").unwrap().devtools()[0]["type"],
            "rawKeyDown"
        );
        assert_eq!(Key::parse("+").unwrap(), Key::writing('+'));
        assert_eq!(Key::parse("Space").unwrap(), Key::writing(' '));
        for wrong in ["", "Enterr", "Hyper+a", "Shift+"] {
            let why = Key::parse(wrong).unwrap_err();
            assert!(why.to_string().starts_with("no key"), "{why:#}");
        }
    }
}
