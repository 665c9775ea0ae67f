//! A terminal in a call: lines typed are messages, a few keys change the sound, and a line at the bottom shows how loud it is.
//!
//! Keys come one by one, so that the line being typed can be kept below what is printed. Everything else stays as it is: Ctrl-C
//! and Ctrl-Z are the terminal's own.

mod bottom;
mod editor;
mod terminal;

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::printer::Screen;
use crate::call::{Console, Control, Meter};
use crate::cli::OutputOptions;
use crate::proto::chat;
use editor::{Editor, Press};
use terminal::Terminal;
pub(super) use terminal::restore;

/// What is said once a call is connected.
const HINT: &str = "keys: Tab mutes, Up and Down change the volume; type a line to send it";
/// Between two looks at the meter.
const METER: Duration = Duration::from_millis(100);
/// Lines that wait for the call: beyond it, whoever types them waits.
const LINES: usize = 64;
/// How long the thread may take to end, and how often that is looked at.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(5);
/// Keys that wait for the call; more of them at once are lost.
const KEYS: usize = 16;

/// The terminal as it was, when dropped.
#[derive(Debug)]
pub(super) struct Keys {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Whether there is somebody who sees a line at the bottom and has keys.
pub(super) fn is_possible(options: &OutputOptions) -> bool {
    let plain = options.json || options.quiet || options.verbosity > 1;
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    !plain && !dumb && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Takes the keys; [`None`] where the terminal does not give them.
pub(super) fn start(screen: Screen) -> Option<(Keys, mpsc::Receiver<String>, Console)> {
    let terminal = match Terminal::take() {
        Ok(terminal) => terminal,
        Err(error) => {
            tracing::info!(%error, "the terminal keeps its keys");
            return None;
        }
    };
    let (lines, typed) = mpsc::channel(LINES);
    let (controls, pressed) = mpsc::channel(KEYS);
    let (meter, stop) = (Arc::new(Meter::default()), Arc::new(AtomicBool::new(false)));
    with(&screen, |output| output.say_once_connected(HINT));
    let desk = Desk {
        terminal,
        screen,
        meter: meter.clone(),
        lines: Some(lines),
        controls,
        editor: Editor::default(),
    };
    let stopped = stop.clone();
    let thread = std::thread::Builder::new()
        .name("console".to_owned())
        .spawn(move || desk.run(&stopped))
        .ok()?;
    let keys = Keys { stop, thread };
    let console = Console {
        controls: pressed,
        meter,
    };
    Some((keys, typed, console))
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let until = Instant::now() + PATIENCE;
        while !self.thread.is_finished() && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
        // Also when the thread hangs, since the terminal was stopped with Ctrl-S, or has panicked.
        restore();
    }
}

/// All that the thread has.
struct Desk {
    terminal: Terminal,
    screen: Screen,
    meter: Arc<Meter>,
    /// Until the end of input.
    lines: Option<mpsc::Sender<String>>,
    controls: mpsc::Sender<Control>,
    editor: Editor,
}

impl Desk {
    fn run(mut self, stop: &AtomicBool) {
        let mut shown = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let presses = match self.terminal.read(METER) {
                Ok(Some(bytes)) => self.editor.feed(&bytes),
                Ok(None) => vec![],
                // The terminal is gone; the system says so with a signal, too.
                Err(_) => break,
            };
            let quiet = presses.is_empty();
            for press in presses {
                self.press(press, stop);
            }
            if !quiet || shown.elapsed() >= METER {
                shown = Instant::now();
                self.show();
            }
        }
        with(&self.screen, |output| output.show_below(""));
    }

    fn press(&mut self, press: Press, stop: &AtomicBool) {
        let control = match press {
            Press::Mute => Control::Mute,
            Press::Louder => Control::Louder,
            Press::Softer => Control::Softer,
            Press::Line(line) => return self.send(&line, stop),
            Press::Changed => return,
            Press::End => {
                self.lines = None;
                return;
            }
        };
        // Somebody leans on the key: the rest would only come late.
        let _ = self.controls.try_send(control);
    }

    fn send(&mut self, line: &str, stop: &AtomicBool) {
        // It moves from the bottom to where it stays.
        self.show();
        with(&self.screen, |output| output.say(&format!("> {line}")));
        for part in chat::parts(line)
            .into_iter()
            .filter(|part| !part.is_empty())
        {
            let mut part = part.to_owned();
            while let Some(lines) = &self.lines {
                match lines.try_send(part) {
                    Ok(()) => break,
                    Err(mpsc::error::TrySendError::Closed(_)) => return self.lines = None,
                    Err(mpsc::error::TrySendError::Full(back)) => part = back,
                }
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::sleep(METER);
            }
        }
    }

    fn show(&self) {
        let text = bottom::line(&self.meter, self.editor.text(), self.terminal.columns());
        with(&self.screen, |output| output.show_below(&text));
    }
}

fn with(
    screen: &Screen,
    work: impl FnOnce(&mut crate::output::Output<std::io::Stdout, std::io::Stderr>),
) {
    // A line that was half printed by a thread that panicked is no reason to show nothing more.
    work(
        &mut screen
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()),
    );
}
