//! Calls of the sound system may never return: a server that hangs holds up a thread of its own, not ours.

use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use super::system;

/// Does it on another thread and waits so long for the result; what takes longer is left to itself.
pub(super) fn bounded<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, result) = sync_channel(1);
    let spawned = thread::Builder::new()
        .name("sound system".to_owned())
        .spawn(move || {
            system::quiet();
            tell.send(work())
        });
    spawned.ok()?;
    result.recv_timeout(limit).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn what_never_returns_is_not_waited_for() {
        assert_eq!(bounded(Duration::from_secs(20), || 7), Some(7));
        let (gate, shut) = channel::<()>();
        assert_eq!(
            bounded(Duration::from_millis(20), move || shut.recv()),
            None
        );
        drop(gate);
    }
}
