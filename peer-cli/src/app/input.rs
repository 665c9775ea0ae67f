//! Lines of stdin, on their way to be messages.

use std::io::{BufRead, Read};

use tokio::sync::mpsc;

use crate::proto::chat;

/// Lines that wait for the call: beyond it, whoever writes them waits.
const QUEUE: usize = 64;

/// A line is read in pieces of this size, bytes, so that no line fills the memory.
const PIECE: u64 = 60 * 1024;

/// Starts reading; the channel closes at the end of input.
pub(super) fn lines() -> mpsc::Receiver<String> {
    let (tx, rx) = mpsc::channel(QUEUE);
    // A thread of its own, since a read from a terminal cannot be cancelled; it ends with the process.
    let spawned = std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || read(std::io::stdin().lock(), &tx));
    if let Err(error) = spawned {
        tracing::warn!(%error, "stdin is not read");
    }
    rx
}

fn read(mut input: impl BufRead, lines: &mpsc::Sender<String>) {
    let mut line = Vec::new();
    loop {
        let more = (&mut input).take(PIECE).read_until(b'\n', &mut line);
        let ended = match more {
            Ok(read) => read == 0,
            Err(error) => {
                tracing::warn!(%error, "stdin cannot be read");
                true
            }
        };
        let whole = ended || line.ends_with(b"\n");
        let rest = if whole {
            Vec::new()
        } else {
            unfinished(&mut line)
        };
        let text = String::from_utf8_lossy(&line);
        let text = if whole {
            text.trim_end_matches(['\n', '\r'])
        } else {
            &text
        };
        for part in chat::parts(text)
            .into_iter()
            .filter(|part| !part.is_empty())
        {
            if lines.blocking_send(part.to_owned()).is_err() {
                return;
            }
        }
        if ended {
            return;
        }
        line = rest;
    }
}

/// Takes the bytes of a character that is cut off at the end.
fn unfinished(line: &mut Vec<u8>) -> Vec<u8> {
    match std::str::from_utf8(line) {
        Err(error) if error.error_len().is_none() => line.split_off(error.valid_up_to()),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lines_come_whole_and_long_ones_in_parts() {
        let (tx, mut rx) = mpsc::channel(QUEUE);
        // Odd in length, so that a piece ends inside a character.
        let long = format!("x{}", "é".repeat(100_000));
        let text = format!("one\r\n\ntwo\n{long}\nlast");
        read(text.as_bytes(), &tx);
        drop(tx);
        let lines: Vec<String> = std::iter::from_fn(|| rx.blocking_recv()).collect();
        assert_eq!(lines[..2], ["one", "two"]);
        assert_eq!(lines[2..lines.len() - 1].concat(), long);
        assert_eq!(lines.last().unwrap(), "last");
    }
}
