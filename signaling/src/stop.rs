//! What ends a server from outside.

use std::io;

use tokio_util::sync::CancellationToken;

/// A token that Ctrl-C, SIGTERM or a closed terminal (SIGHUP) cancels.
pub fn by_signals() -> io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let heard = stop.clone();
    let interrupted = interruption()?;
    tokio::spawn(async move {
        interrupted.await;
        heard.cancel();
    });
    Ok(stop)
}

#[cfg(unix)]
fn interruption() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

#[cfg(windows)]
fn interruption() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move { drop(interrupt.recv().await) })
}
