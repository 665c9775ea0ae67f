//! Text of others, made harmless for a terminal: nothing in it moves the cursor, colours, or reorders what is shown.

/// One line: control characters and those that change the direction of text are shown as `\n`, `\u{1b}`.
pub(super) fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

fn is_harmful(c: char) -> bool {
    match c {
        '\t' => false,
        // Line and paragraph separators; direction marks, embeddings, overrides and isolates; the byte order mark.
        '\u{2028}' | '\u{2029}' | '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{feff}' => true,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_harmful_characters_are_escaped() {
        for (text, shown) in [
            ("grüß dich 👋\t\\", "grüß dich 👋\t\\"),
            ("a\nb\r\0", "a\\nb\\r\\u{0}"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("abc\u{202e}txt", "abc\\u{202e}txt"),
        ] {
            assert_eq!(line(text), shown);
        }
    }

    proptest! {
        #[test]
        fn never_a_control_character(text: String) {
            prop_assert!(!line(&text).chars().any(|c| c.is_control() && c != '\t'));
        }
    }
}
