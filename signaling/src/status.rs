//! One line at the bottom of a terminal that says how the server does, below a log that goes on above it.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tracing_subscriber::fmt::MakeWriter;

use crate::activity::Activity;
use crate::metrics::Glance;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// To the line's beginning, and nothing stands there.
const CLEAR: &str = "\r\x1b[K";

/// What is too long for the terminal is cut off there and does not wrap: DECAWM.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// The log's way out, with at most one line that stays below it; clones are the same.
#[derive(Debug)]
pub struct Screen<W = io::Stderr>(Arc<Mutex<Shown<W>>>);

#[derive(Debug)]
struct Shown<W> {
    out: W,
    /// What stands at the bottom, if anything.
    line: Option<String>,
}

impl<W> Clone for Screen<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Screen {
    /// Stderr, without a line.
    #[must_use]
    pub fn stderr() -> Self {
        Self::on(io::stderr())
    }
}

impl<W: Write> Screen<W> {
    fn on(out: W) -> Self {
        Self(Arc::new(Mutex::new(Shown { out, line: None })))
    }

    /// A panic elsewhere leaves at worst half a line.
    fn shown(&self) -> MutexGuard<'_, Shown<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this stands at the bottom, or nothing. A terminal that has gone is nobody's loss.
    fn show(&self, line: Option<String>) {
        let mut shown = self.shown();
        if shown.line.is_some() || line.is_some() {
            shown.line = line;
            let text = format!("{CLEAR}{}", shown.drawn());
            let _ = shown.out.write_all(text.as_bytes());
            let _ = shown.out.flush();
        }
    }
}

impl<W> Shown<W> {
    fn drawn(&self) -> String {
        let line = self.line.as_ref();
        line.map_or_else(String::new, |line| format!("{NO_WRAP}{line}{WRAP}"))
    }
}

/// One event of the log, which is written in one piece: above the line. It never fails: a log that nobody can read any more,
/// since its terminal or pipe is gone, is no reason not to serve, and who logs would say so by a panic.
impl<W: Write> Write for Screen<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let mut shown = self.shown();
        let _ = if shown.line.is_none() {
            shown.out.write_all(event)
        } else {
            let text = [CLEAR.as_bytes(), event, shown.drawn().as_bytes()].concat();
            shown.out.write_all(&text)
        };
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.shown().out.flush();
        Ok(())
    }
}

impl<W: Write> MakeWriter<'_> for Screen<W> {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// A line that is kept up to date until this is dropped.
#[derive(Debug)]
pub struct Line {
    screen: Screen,
    task: JoinHandle<()>,
}

impl Line {
    /// Where there is a terminal that can do it.
    #[must_use]
    pub fn start(screen: Screen, activity: Activity) -> Option<Self> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if is_dumb || !io::stderr().is_terminal() {
            return None;
        }
        let task = tokio::spawn(keep(screen.clone(), activity));
        Some(Self { screen, task })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
        self.screen.show(None);
    }
}

async fn keep(screen: Screen, activity: Activity) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = (Instant::now(), activity.now());
    loop {
        tick.tick().await;
        let next = (Instant::now(), activity.now());
        let line = is_in_front().then(|| words(&last.1, &next.1, next.0 - last.0));
        screen.show(line);
        last = next;
    }
}

/// Whether the terminal is this program's: with `signaling &` it is whoever's is run next.
#[cfg(unix)]
fn is_in_front() -> bool {
    let in_front = rustix::termios::tcgetpgrp(io::stderr());
    in_front.is_ok_and(|group| group == rustix::process::getpgrp())
}

/// Not to be told.
#[cfg(not(unix))]
fn is_in_front() -> bool {
    true
}

fn words(before: &Glance, now: &Glance, between: Duration) -> String {
    let rate = |before: u64, now: u64| {
        // Counts of a second: exact.
        let count = now.saturating_sub(before) as f64;
        (count / between.as_secs_f64().max(0.001)).round()
    };
    let plural = |count: i64| if count == 1 { "" } else { "s" };
    format!(
        "{} connection{}, {} room{}, messages/s {} in {} out, {} waiting",
        now.connections,
        plural(now.connections),
        now.rooms,
        plural(now.rooms),
        rate(before.heard, now.heard),
        rate(before.told, now.told),
        size(now.queued)
    )
}

/// In the units of the options: k is 1024.
fn size(bytes: i64) -> String {
    match bytes {
        ..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{}k", bytes >> 10),
        _ => format!("{}M", bytes >> 20),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn text(screen: &Screen<Vec<u8>>) -> String {
        let mut shown = screen.shown();
        String::from_utf8(std::mem::take(&mut shown.out)).unwrap()
    }

    #[test]
    fn the_log_goes_above_the_line() {
        let screen = Screen::on(Vec::new());
        screen.clone().write_all(b"first\n").unwrap();
        assert_eq!(text(&screen), "first\n", "no line, nothing to clear");
        screen.show(Some("one".into()));
        assert_eq!(text(&screen), "\r\x1b[K\x1b[?7lone\x1b[?7h");
        screen.make_writer().write_all(b"second\n").unwrap();
        assert_eq!(text(&screen), "\r\x1b[Ksecond\n\x1b[?7lone\x1b[?7h");
        screen.show(None);
        assert_eq!(text(&screen), "\r\x1b[K");
        screen.show(None);
        assert_eq!(text(&screen), "");
    }

    #[test]
    fn a_log_that_nobody_reads_breaks_nothing() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        let mut screen = Screen::on(Gone);
        screen.show(Some("one".into()));
        assert_eq!(screen.write(b"event\n").unwrap(), 6);
        screen.flush().unwrap();
    }

    #[test]
    fn it_says_how_the_server_does() {
        let before = Glance {
            heard: 10,
            told: 100,
            ..Glance::default()
        };
        let now = Glance {
            connections: 3,
            rooms: 1,
            heard: 30,
            told: 700,
            queued: 2048,
        };
        assert_eq!(
            words(&before, &now, Duration::from_secs(2)),
            "3 connections, 1 room, messages/s 10 in 300 out, 2k waiting"
        );
        assert_eq!((size(1023), size(3 << 20)), ("1023 B".into(), "3M".into()));
    }
}
