//! The thread that owns the printer, so that a terminal that is slow for a moment holds up no call.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::cli::OutputOptions;
use crate::event::Stamped;
use crate::exit::{Exit, Failure};
use crate::output::{Output, OutputError};

/// How long a reader of stdout may take for the last lines.
const PATIENCE: Duration = Duration::from_secs(2);

/// Events that wait for the printer; beyond it the call's loop waits, its sound does not.
const QUEUE: usize = 1024;

/// The printer's thread.
pub(super) struct Printer {
    thread: JoinHandle<Option<Failure>>,
    screen: Screen,
}

/// What prints; whoever shows more than events shares it.
pub(super) type Screen = Arc<Mutex<Output<std::io::Stdout, std::io::Stderr>>>;

impl Printer {
    /// Opens the outputs and starts printing what comes through the returned queue.
    pub(super) fn start(options: OutputOptions) -> Result<(Self, mpsc::Sender<Stamped>), Failure> {
        let screen = Arc::new(Mutex::new(Output::open(options)?));
        let output = screen.clone();
        let (tx, rx) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("printer".to_owned())
            .spawn(move || print(&output, rx))
            .map_err(|error| Failure::new(Exit::Internal, format!("cannot start: {error}")))?;
        Ok((Self { thread, screen }, tx))
    }

    /// What prints.
    pub(super) fn screen(&self) -> Screen {
        self.screen.clone()
    }

    /// Waits until everything is printed, or nobody reads it; every sender must be gone. Gives what
    /// could not be printed.
    pub(super) fn finish(self) -> Option<Failure> {
        const LOOK: Duration = Duration::from_millis(5);
        let end = Instant::now() + PATIENCE;
        while !self.thread.is_finished() {
            if Instant::now() > end {
                return None;
            }
            std::thread::sleep(LOOK);
        }
        self.thread.join().ok().flatten()
    }
}

fn print(output: &Screen, mut events: mpsc::Receiver<Stamped>) -> Option<Failure> {
    let mut failed = None;
    while let Some(event) = events.blocking_recv() {
        // A line that was half printed by a thread that panicked is no reason to say nothing more.
        let mut output = output
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        match output.event(&event) {
            Ok(()) => {}
            // Nobody reads: what follows goes nowhere, and the command ends.
            Err(OutputError::Closed) => events.close(),
            Err(error) => {
                failed.get_or_insert(error.failure());
                events.close();
            }
        }
    }
    failed
}

/// Prints a failure that came before there was a printer, as its last event.
pub(super) fn last_words(
    options: &OutputOptions,
    start: Instant,
    failure: &Failure,
) -> std::process::ExitCode {
    let options = OutputOptions {
        stats_file: None,
        ..options.clone()
    };
    if let Ok(mut output) = Output::open(options) {
        let _ = output.event(&Stamped::new(start.elapsed(), failure.event()));
    }
    failure.exit.into()
}
