//! What ends a server from outside, and what makes it read its files again.

use std::io;

use tokio_util::sync::CancellationToken;

/// What signals have asked for.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// The first of Ctrl-C, SIGTERM and a closed terminal (SIGHUP).
    pub gently: CancellationToken,
    /// The second.
    pub at_once: CancellationToken,
}

/// Heeds signals from now on; `reload` is what SIGHUP asks for, where it does not say that the terminal has been closed.
pub fn by_signals(reload: impl Fn() + Send + Sync + 'static) -> io::Result<Signals> {
    let signals = Signals::default();
    let told = signals.clone();
    let mut heard = Heard::new()?;
    tokio::spawn(async move {
        heard.end(&reload).await;
        told.gently.cancel();
        heard.end(&reload).await;
        told.at_once.cancel();
    });
    Ok(signals)
}

#[cfg(unix)]
struct Heard {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    /// Whether there was a terminal that could be closed, and whose end is ours.
    had_terminal: bool,
}

#[cfg(unix)]
impl Heard {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        // Before the signal has a handler.
        let had_terminal = has_terminal() && !is_to_outlive_it();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            had_terminal,
        })
    }

    /// Until it is told to end.
    async fn end(&mut self, reload: &(impl Fn() + Sync)) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hang_up.recv() => {}
            }
            if self.had_terminal && !has_terminal() {
                return;
            }
            reload();
        }
    }
}

/// A closed terminal is nobody's any more.
#[cfg(unix)]
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// `nohup` starts a program with SIGHUP ignored, so that the end of the terminal is not its own. Only Linux tells.
#[cfg(unix)]
fn is_to_outlive_it() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, and that the lowest bit.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(windows)]
struct Heard(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Heard {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn end(&mut self, _reload: &(impl Fn() + Sync)) {
        drop(self.0.recv().await);
    }
}
