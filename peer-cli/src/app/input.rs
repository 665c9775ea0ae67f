//! Lines of stdin, on their way to be messages.

use std::io::BufRead;

use tokio::sync::mpsc;

/// Lines that wait for the call: beyond it, whoever writes them waits.
const QUEUE: usize = 64;

/// A message must fit into one data-channel message (RFC 8831 6.6, 64 KiB with its number).
const LONGEST: usize = 60 * 1024;

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
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let mut rest = text.trim_end_matches(['\n', '\r']);
        // A line that is too long for one message becomes several.
        while !rest.is_empty() {
            let cut = rest.floor_char_boundary(LONGEST);
            let (head, tail) = rest.split_at(cut);
            if lines.blocking_send(head.to_owned()).is_err() {
                return;
            }
            rest = tail;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lines_come_whole_and_long_ones_in_parts() {
        let (tx, mut rx) = mpsc::channel(QUEUE);
        let long = "é".repeat(LONGEST);
        let text = format!("one\r\n\ntwo\n{long}\nlast");
        read(text.as_bytes(), &tx);
        drop(tx);
        let lines: Vec<String> = std::iter::from_fn(|| rx.blocking_recv()).collect();
        assert_eq!(lines[..2], ["one", "two"]);
        assert_eq!(lines[2..lines.len() - 1].concat(), long);
        assert!(lines.iter().all(|line| line.len() <= LONGEST));
        assert_eq!(lines.last().unwrap(), "last");
    }
}
