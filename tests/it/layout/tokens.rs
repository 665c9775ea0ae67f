//! Cuts Rust into words and signs.

/// A word or sign, and the line it stands on.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// Words, `::` and single signs; comments and literals leave nothing behind.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader {
        rest: text,
        line: 1,
    };
    let mut tokens = Vec::new();
    while let Some(first) = reader.rest.chars().next() {
        let line = reader.line;
        match first {
            '/' if reader.rest.starts_with("//") => reader.skip_to("\n"),
            '/' if reader.rest.starts_with("/*") => reader.skip_comment(),
            '"' => reader.skip_string(),
            '\'' => reader.skip_quote(),
            _ if reader.skip_raw_string() => {}
            _ if first.is_alphanumeric() || first == '_' => {
                let text = reader.word();
                // A byte string or character: its prefix goes with it.
                let prefix =
                    ["b", "c"].contains(&text.as_str()) && reader.rest.starts_with(['"', '\'']);
                if !prefix {
                    tokens.push(Token { text, line });
                }
            }
            ':' if reader.rest.starts_with("::") => {
                reader.advance(2);
                tokens.push(Token {
                    text: "::".into(),
                    line,
                });
            }
            _ => {
                reader.advance(first.len_utf8());
                if !first.is_whitespace() {
                    tokens.push(Token {
                        text: first.into(),
                        line,
                    });
                }
            }
        }
    }
    tokens
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn advance(&mut self, bytes: usize) {
        let (gone, rest) = self.rest.split_at(bytes.min(self.rest.len()));
        self.line += gone.matches('\n').count();
        self.rest = rest;
    }

    fn skip_to(&mut self, end: &str) {
        self.advance(
            self.rest
                .find(end)
                .map_or(self.rest.len(), |at| at + end.len()),
        );
    }

    /// Comments nest.
    fn skip_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.advance(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.advance(2);
                if depth == 0 {
                    return;
                }
            } else {
                let Some(next) = self.rest.chars().next() else {
                    return;
                };
                self.advance(next.len_utf8());
            }
        }
    }

    fn skip_string(&mut self) {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, sign)| {
            let ends = *sign == '"' && !escaped;
            escaped = *sign == '\\' && !escaped;
            ends
        });
        self.advance(end.map_or(self.rest.len(), |(at, _)| at + 1));
    }

    /// `r"…"`, `br#"…"#` and the like; `r#word` is none of them.
    fn skip_raw_string(&mut self) -> bool {
        let Some(after) = ["br", "cr", "r"]
            .iter()
            .find_map(|prefix| self.rest.strip_prefix(prefix))
        else {
            return false;
        };
        let hashes = after.len() - after.trim_start_matches('#').len();
        if !after[hashes..].starts_with('"') {
            return false;
        }
        self.advance(self.rest.len() - after.len() + hashes + 1);
        self.skip_to(&format!("\"{}", "#".repeat(hashes)));
        true
    }

    /// A character, or the mark of a lifetime.
    fn skip_quote(&mut self) {
        let mut signs = self.rest.chars().skip(1);
        match (signs.next(), signs.next()) {
            (Some('\\'), Some(escaped)) => {
                self.advance(2 + escaped.len_utf8());
                self.skip_to("'");
            }
            (Some(sign), Some('\'')) => self.advance(2 + sign.len_utf8()),
            _ => {
                self.advance(1);
                self.word();
            }
        }
    }

    fn word(&mut self) -> String {
        self.rest = self.rest.strip_prefix("r#").unwrap_or(self.rest);
        let end = self
            .rest
            .find(|sign: char| !sign.is_alphanumeric() && sign != '_')
            .unwrap_or(self.rest.len());
        let word = self.rest[..end].to_owned();
        self.advance(end);
        word
    }
}
