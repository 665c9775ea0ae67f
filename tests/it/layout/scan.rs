//! Reads Rust as far as the rules need it: which paths a file names, under which names, and outside of its tests.

use super::tokens::{Token, tokens};

/// A path such as `std::net::UdpSocket`, with the names that `use` gave resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// What a file names.
pub(crate) struct Names {
    pub(crate) paths: Vec<Named>,
    /// Every word, for the few rules that look at words alone.
    pub(crate) words: Vec<Token>,
    pub(crate) functions: Vec<Function>,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// From its name to its last brace.
    pub(crate) lines: usize,
}

/// One leaf of a `use` tree.
struct Import {
    binding: String,
    named: Named,
}

impl Names {
    /// All that stands outside of comments, literals and `#[cfg(test)]` items.
    pub(crate) fn of(text: &str) -> Self {
        let tokens = without_tests(&tokens(text));
        let (imports, rest) = imports(&tokens);
        let declared = declared_modules(&rest);
        let mut paths: Vec<Named> = imports.iter().map(|import| import.named.clone()).collect();
        for mut named in plain_paths(&rest) {
            let root = named.path[0].clone();
            if let Some(import) = imports.iter().find(|import| import.binding == root) {
                named.path.splice(..1, import.named.path.iter().cloned());
            }
            paths.push(named);
        }
        for named in &mut paths {
            if declared.contains(&named.path[0]) {
                named.path.insert(0, "self".into());
            }
            // `::name` is a crate whatever else is called so.
            if named.path[0] == "::" {
                named.path.remove(0);
            }
        }
        let is_word = |token: &&Token| {
            token
                .text
                .starts_with(|first: char| first.is_alphabetic() || first == '_')
        };
        Self {
            paths,
            words: rest.iter().filter(is_word).cloned().collect(),
            functions: functions(&rest),
        }
    }
}

/// Takes out the items that are compiled for tests only.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let text = |offset: usize| {
            tokens
                .get(at + offset)
                .map_or("", |token| token.text.as_str())
        };
        if text(0) == "#" && text(1) == "[" {
            let end = closing(tokens, at + 1);
            let inside: Vec<&str> = tokens[at + 2..end]
                .iter()
                .map(|token| token.text.as_str())
                .collect();
            if inside.first() == Some(&"cfg")
                && inside.contains(&"test")
                && !inside.contains(&"not")
            {
                at = item_end(tokens, end + 1);
                continue;
            }
        }
        kept.push(tokens[at].clone());
        at += 1;
    }
    kept
}

/// Where the bracket that opens at `open` is closed again.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len().saturating_sub(1)
}

/// Behind the item that starts here: after its `;` or its block.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let mut at = start;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            ";" => return at + 1,
            "{" => return closing(tokens, at) + 1,
            "(" | "[" => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
    at
}

/// The leaves of all `use` trees, and the tokens outside of them.
fn imports(tokens: &[Token]) -> (Vec<Import>, Vec<Token>) {
    let (mut found, mut rest) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        // `use<…>` belongs to a type.
        let generic = tokens.get(at + 1).is_some_and(|next| next.text == "<");
        if tokens[at].text == "use" && !generic {
            at = leaves(tokens, at + 1, &[], &mut found);
        } else {
            rest.push(tokens[at].clone());
            at += 1;
        }
    }
    (found, rest)
}

/// Reads one branch of a `use` tree and returns where it ends: at `,`, `}` or `;`.
fn leaves(tokens: &[Token], start: usize, prefix: &[String], found: &mut Vec<Import>) -> usize {
    let mut path = prefix.to_vec();
    let mut binding = None;
    let mut at = start;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "," | "}" | ";" => break,
            "::" if at == start => path.push("::".into()),
            "::" => {}
            "as" => {
                binding = tokens.get(at + 1).map(|name| name.text.clone());
                at += 1;
            }
            "{" => {
                at += 1;
                while tokens
                    .get(at)
                    .is_some_and(|token| token.text != "}" && token.text != ";")
                {
                    at = leaves(tokens, at, &path, found);
                    at += usize::from(tokens.get(at).is_some_and(|token| token.text == ","));
                }
                return (at + 1).min(tokens.len());
            }
            // `use a::b::{self}` means `a::b`.
            "self" if !path.is_empty() => {}
            word => path.push(word.into()),
        }
        at += 1;
    }
    if let (Some(last), Some(token)) = (path.last().cloned(), tokens.get(start)) {
        let named = Named {
            path,
            line: token.line,
        };
        found.push(Import {
            binding: binding.unwrap_or(last),
            named,
        });
    }
    at
}

/// Every `fn name` that has a body.
fn functions(tokens: &[Token]) -> Vec<Function> {
    let starts = tokens
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0].text == "fn");
    starts
        .filter(|(_, pair)| {
            pair[1]
                .text
                .starts_with(|sign: char| sign.is_alphabetic() || sign == '_')
        })
        .filter_map(|(at, pair)| {
            let end = item_end(tokens, at);
            let last = tokens.get(end.checked_sub(1)?)?;
            let function = Function {
                name: pair[1].text.clone(),
                line: pair[0].line,
                lines: last.line + 1 - pair[0].line,
            };
            (last.text == "}").then_some(function)
        })
        .collect()
}

/// `mod name` of this file: a path that begins so stays inside.
fn declared_modules(tokens: &[Token]) -> Vec<String> {
    tokens
        .windows(2)
        .filter(|pair| pair[0].text == "mod")
        .map(|pair| pair[1].text.clone())
        .collect()
}

/// Paths of two or more names, and the one name of `extern crate`.
fn plain_paths(tokens: &[Token]) -> Vec<Named> {
    let is_name = |at: usize| {
        tokens.get(at).is_some_and(|token: &Token| {
            token
                .text
                .starts_with(|sign: char| sign.is_alphabetic() || sign == '_')
        })
    };
    let is = |at: usize, sign: &str| tokens.get(at).is_some_and(|token| token.text == sign);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let start = at;
        at += 1;
        if !is_name(start) {
            continue;
        }
        while is(at, "::") && is_name(at + 1) {
            at += 2;
        }
        let mut path: Vec<String> = tokens[start..at]
            .iter()
            .step_by(2)
            .map(|token| token.text.clone())
            .collect();
        // `<T as Trait>::name` and `name::<T>::other` do not begin a path; `::name` does.
        let led = start > 0 && is(start - 1, "::");
        let inner = led && start > 1 && (is_name(start - 2) || is(start - 2, ">"));
        let external = start > 1 && is(start - 1, "crate") && is(start - 2, "extern");
        if led {
            path.insert(0, "::".into());
        }
        if !inner && (path.len() > 1 || external) {
            found.push(Named {
                path,
                line: tokens[start].line,
            });
        }
    }
    found
}
