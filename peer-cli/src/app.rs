//! The one place that chooses parts: options to calls, calls to an exit code.

mod calls;
#[cfg(unix)]
mod console;
#[cfg(not(unix))]
#[path = "app/console_none.rs"]
mod console;
mod devices;
mod dial;
mod doctor;
mod input;
mod interrupt;
mod log;
mod printer;

use std::ffi::OsString;
use std::num::NonZero;
use std::process::ExitCode;
use std::time::Instant;

use tokio::sync::watch;

use crate::call::{Emitter, Outcome};
use crate::cli::{self, Command};
use crate::event::Event;
use crate::exit::{Exit, Failure};
use printer::{Printer, Screen};

/// Runs the command that the arguments name, to its end.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let start = Instant::now();
    let command = match cli::parse(arguments) {
        Ok(command) => command,
        Err(stop) => {
            // A closed stdout or stderr does not change what the exit code says.
            let _ = stop.tell(start.elapsed());
            return stop.exit().into();
        }
    };
    let options = command.output().clone();
    log::start(options.verbosity);
    let (printer, events) = match Printer::start(options.clone()) {
        Ok(printer) => printer,
        Err(failure) => return printer::last_words(&options, start, &failure),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers(&command))
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            drop(events);
            printer.finish();
            let failure = Failure::new(Exit::Internal, format!("cannot start: {error}"));
            return printer::last_words(&options, start, &failure);
        }
    };
    let emit = Emitter::new(start, events);
    let screen = console::is_possible(&options).then(|| printer.screen());
    let exit = runtime.block_on(command_to_exit(command, emit, screen));
    // Threads that read stdin, or a name server that does not answer, do not hold the exit.
    runtime.shutdown_background();
    match printer.finish() {
        // That nothing more could be told is worse than whatever was to be told.
        Some(failure) => printer::last_words(&options, start, &failure),
        None => exit.into(),
    }
}

/// Calls that one worker thread carries easily: each takes less than half a percent of a core there.
const CALLS_PER_WORKER: usize = 50;

/// Threads for all that waits for the network. More of them than there is work for would be woken one beside the other for
/// each packet.
fn workers(command: &Command) -> usize {
    let calls = match command {
        Command::Call(options) | Command::Answer(options) => options.signaling.peers,
        _ => 1,
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    calls.div_ceil(CALLS_PER_WORKER).clamp(1, cores)
}

/// Runs a command and says how it ended; `exit` is the last event, whatever happened.
async fn command_to_exit(command: Command, emit: Emitter, screen: Option<Screen>) -> Exit {
    let (stop_tx, stop) = watch::channel(None);
    interrupt::watch(stop_tx, emit.clone());
    let outcome = run_on(command, emit.clone(), stop, screen).await;
    let (exit, event) = match outcome {
        Ok(outcome) => {
            let event = Event::Exit {
                code: outcome.exit.code(),
                reason: outcome.reason,
            };
            (outcome.exit, event)
        }
        Err(failure) => (failure.exit, failure.event()),
    };
    emit.emit(event).await;
    exit
}

/// Runs one command; what happens goes to `emit`, and `stop` ends it.
///
/// # Errors
/// When it could not do what it was asked to.
pub async fn run(
    command: Command,
    emit: Emitter,
    stop: watch::Receiver<Option<Exit>>,
) -> Result<Outcome, Failure> {
    run_on(command, emit, stop, None).await
}

/// The same, on a terminal with keys and a meter.
async fn run_on(
    command: Command,
    emit: Emitter,
    stop: watch::Receiver<Option<Exit>>,
    screen: Option<Screen>,
) -> Result<Outcome, Failure> {
    match command {
        Command::Call(options) => calls::call(*options, emit, stop, screen).await,
        Command::Answer(options) => calls::answer(*options, emit, stop, screen).await,
        Command::Loopback(options) => calls::loopback(*options, emit, stop).await,
        Command::Devices(_) => devices::list(emit).await,
        Command::Doctor(options) => doctor::run(*options, emit, stop).await,
    }
}
