//! The DevTools protocol through two pipes: commands one way, results and events the other. There is no port that somebody else could
//! take, and the browser ends when its pipes do.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Command;
use std::sync::Arc;
use std::thread::spawn;

use anyhow::{Context, Result};
use serde_json::Value;

use super::program::Program;
use super::wire::Wire;

/// Its pipes are file descriptors 3 and 4, which only a shell can hand over without `unsafe`.
const PIPES: &str = "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null";

/// A browser with `--remote-debugging-pipe` among its options.
pub(super) fn start(
    browser: &Command,
    kept: &'static [&'static str],
) -> Result<(Program, Arc<Wire>)> {
    let mut program = Program::start(PIPES, browser)?;
    let mut commands = program.child.stdin.take().context("no pipe to Chromium")?;
    let results = program.child.stdout.take().context("no pipe of Chromium")?;
    let speak = Box::new(move |text: &str| {
        commands.write_all(text.as_bytes())?;
        commands.write_all(&[0])?;
        Ok(commands.flush()?)
    });
    let words = program.words.clone();
    let wire = Arc::new(Wire::new("Chromium", page_of, kept, words, speak));
    let ear = Arc::clone(&wire);
    spawn(move || {
        each_message(results, |message| ear.take(message));
        ear.end();
    });
    Ok((program, wire))
}

fn page_of(event: &Value) -> Option<&str> {
    event["sessionId"].as_str()
}

/// Messages are JSON, each ended by a zero byte; the first that is none ends it all.
fn each_message(pipe: impl Read, mut take: impl FnMut(Value)) {
    let mut pipe = BufReader::new(pipe);
    let mut text = Vec::new();
    while pipe.read_until(0, &mut text).is_ok_and(|length| length > 0) {
        match serde_json::from_slice(text.strip_suffix(&[0]).unwrap_or(&text)) {
            Ok(message) => take(message),
            Err(_) => return,
        }
        text.clear();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::each_message;

    #[test]
    fn messages_end_with_zero_bytes() {
        let heard = |bytes: &[u8]| {
            let mut all: Vec<Value> = Vec::new();
            each_message(bytes, |message| all.push(message));
            all
        };
        let two = [json!({"id": 1}), json!("ü")];
        assert_eq!(heard("{\"id\":1}\0\"ü\"\0".as_bytes()), two);
        assert_eq!(heard("{\"id\":1}\0\"ü\"".as_bytes()), two);
        assert_eq!(heard(b"{\"id\":1}\0oops\0{}\0"), two[..1]);
    }
}
