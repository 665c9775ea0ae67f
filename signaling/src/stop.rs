//! What ends a server from outside.

use std::io;

use tokio_util::sync::CancellationToken;

/// A token that Ctrl-C or SIGTERM cancels.
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
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(windows)]
fn interruption() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move { drop(interrupt.recv().await) })
}
