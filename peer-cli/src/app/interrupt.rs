//! Ctrl-C and its like: the first hangs up, the second ends at once.

use tokio::sync::watch;

use crate::call::Emitter;
use crate::event::Event;
use crate::exit::Exit;

/// Catches signals of the system from now on.
pub(super) fn watch(stop: watch::Sender<Option<Exit>>, emit: Emitter) {
    // Without a handler the system's own behaviour stays: the process ends.
    if let Ok(signals) = Signals::new() {
        tokio::spawn(obey(signals, stop, emit));
    }
}

async fn obey(mut signals: Signals, stop: watch::Sender<Option<Exit>>, emit: Emitter) {
    let first = signals.next().await;
    // The printer may be what is stuck: from here on nothing waits for it.
    emit.hurry();
    emit.emit(Event::warning("hanging-up", "hanging up")).await;
    stop.send_replace(Some(first));
    let second = signals.next().await;
    let event = Event::Exit {
        code: second.code(),
        reason: second.meaning().to_owned(),
    };
    emit.emit(event).await;
    // One turn for the printer: the line is in its queue already.
    emit.drained().await;
    super::console::restore();
    std::process::exit(i32::from(second.code()));
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
            // The terminal was closed.
            _ = self.hang_up.recv() => Exit::Terminated,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Exit {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Exit::Interrupted
    }
}
