//! From the bytes of a terminal to presses and lines.                                                                  PURE

/// Bytes of a line; what is typed beyond them is not taken.
const LONGEST: usize = 60 * 1024;
const ESCAPE: u8 = 0x1b;

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Press {
    /// Tab.
    Mute,
    /// Up.
    Louder,
    /// Down.
    Softer,
    /// Enter, after this.
    Line(String),
    /// The line being typed is another now.
    Changed,
    /// Ctrl-D on an empty line.
    End,
}

/// The line being typed, and what has come of a key that sends several bytes.
#[derive(Debug, Default)]
pub(super) struct Editor {
    line: String,
    pending: Vec<u8>,
    /// One byte was read, as a key sends it.
    is_alone: bool,
}

impl Editor {
    /// The line so far.
    pub(super) fn text(&self) -> &str {
        &self.line
    }

    /// Takes what was read.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Press> {
        self.pending.extend_from_slice(bytes);
        // A tab among other bytes was pasted, and must not open a microphone.
        self.is_alone = bytes.len() == 1;
        let mut presses = Vec::new();
        while let Some((used, press)) = self.next() {
            self.pending.drain(..used);
            presses.extend(press);
        }
        presses
    }

    /// The first key that is whole: its bytes, and what it does.
    fn next(&mut self) -> Option<(usize, Option<Press>)> {
        let first = *self.pending.first()?;
        Some(match first {
            ESCAPE => return self.escape(),
            b'\t' => (1, self.is_alone.then_some(Press::Mute)),
            b'\n' | b'\r' => (1, Some(Press::Line(std::mem::take(&mut self.line)))),
            0x04 if self.line.is_empty() => (1, Some(Press::End)),
            0x08 | 0x7f => (1, self.changed(erase_character)),
            // Ctrl-U and Ctrl-W.
            0x15 => (1, self.changed(String::clear)),
            0x17 => (1, self.changed(erase_word)),
            0..0x20 => (1, None),
            _ => return self.character(),
        })
    }

    fn changed(&mut self, change: impl FnOnce(&mut String)) -> Option<Press> {
        change(&mut self.line);
        Some(Press::Changed)
    }

    /// `ESC [ … final` and `ESC O final` (ECMA-48, section 5.4; the arrows of every terminal).
    fn escape(&self) -> Option<(usize, Option<Press>)> {
        let Some(kind) = self.pending.get(1) else {
            // Escape alone, or the rest is still on its way: nothing is lost by waiting.
            return None;
        };
        if ![b'[', b'O'].contains(kind) {
            return Some((1, None));
        }
        let rest = &self.pending[2..];
        let last = rest.iter().position(|byte| (0x40..=0x7e).contains(byte))?;
        let press = match rest[last] {
            b'A' => Some(Press::Louder),
            b'B' => Some(Press::Softer),
            _ => None,
        };
        Some((2 + last + 1, press))
    }

    fn character(&mut self) -> Option<(usize, Option<Press>)> {
        let length = match self.pending[0] {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        let bytes = self.pending.get(..length)?;
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Some((1, None));
        };
        if self.line.len() + length > LONGEST {
            return Some((length, None));
        }
        self.line.push_str(text);
        Some((length, Some(Press::Changed)))
    }
}

fn erase_character(line: &mut String) {
    line.pop();
}

/// Spaces at the end, and the word before them.
fn erase_word(line: &mut String) {
    let word = line
        .trim_end()
        .trim_end_matches(|c: char| !c.is_whitespace());
    line.truncate(word.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(editor: &mut Editor, bytes: &[u8]) -> Vec<Press> {
        let presses = editor.feed(bytes);
        presses
            .into_iter()
            .filter(|press| *press != Press::Changed)
            .collect()
    }

    #[test]
    fn lines_are_typed_and_mended() {
        let mut editor = Editor::default();
        assert_eq!(fed(&mut editor, b"helo"), []);
        assert_eq!(editor.text(), "helo");
        assert_eq!(
            fed(&mut editor, b"\x7flo w\xc3\xb6rld wide\x17web\r"),
            [Press::Line("hello wörld web".into())]
        );
        assert_eq!(editor.text(), "");
        assert_eq!(
            fed(&mut editor, b"away\x15one\ntwo\n"),
            [Press::Line("one".into()), Press::Line("two".into())]
        );
    }

    #[test]
    fn keys_work_while_a_line_is_typed_also_when_their_bytes_come_one_by_one() {
        let mut editor = Editor::default();
        assert_eq!(
            fed(&mut editor, b"hi\x1b[A\x1bOB"),
            [Press::Louder, Press::Softer]
        );
        assert_eq!(fed(&mut editor, b"\t"), [Press::Mute]);
        // Pasted out of a table: no key.
        assert_eq!(fed(&mut editor, b"\t\x15hi"), []);
        for byte in b"\x1b[1;5A" {
            let presses = fed(&mut editor, &[*byte]);
            assert!(
                presses.is_empty() || presses == [Press::Louder],
                "{presses:?}"
            );
        }
        assert_eq!(editor.text(), "hi");
        // Other keys are no text; half a character waits for its other half.
        assert_eq!(fed(&mut editor, b"\x1b[D\x1b[3~\x01\x0b\xe6\x97"), []);
        assert_eq!(editor.text(), "hi");
        assert_eq!(fed(&mut editor, b"\xa5"), []);
        assert_eq!(editor.text(), "hi日");
    }

    #[test]
    fn the_end_of_input_is_on_an_empty_line_only_and_rubbish_is_lived_with() {
        let mut editor = Editor::default();
        assert_eq!(fed(&mut editor, b"x\x04\x08\x04"), [Press::End]);
        let rubbish: Vec<u8> = (0..=255).rev().cycle().take(4096).collect();
        editor.feed(&rubbish);
        let long = vec![b'a'; LONGEST * 2];
        editor.feed(&[&b"~\n"[..], &long].concat());
        assert!(editor.text().len() <= LONGEST);
    }
}
