//! Wakes a poll on time. epoll's own timeout counts whole milliseconds: 2000 clients at two messages a second send four in one.

use std::io;
use std::time::Duration;

use mio::Registry;

#[cfg(target_os = "linux")]
pub(crate) use fine::Alarm;
#[cfg(not(target_os = "linux"))]
pub(crate) use plain::Alarm;

#[cfg(target_os = "linux")]
mod fine {
    use std::os::fd::{AsRawFd, OwnedFd};

    use mio::unix::SourceFd;
    use mio::{Interest, Token};
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };

    use super::{Duration, Registry, io};

    /// No member's number.
    const TOKEN: Token = Token(usize::MAX);

    pub(crate) struct Alarm {
        timer: OwnedFd,
    }

    impl Alarm {
        pub(crate) fn new(registry: &Registry) -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            registry.register(&mut SourceFd(&timer.as_raw_fd()), TOKEN, Interest::READABLE)?;
            Ok(Self { timer })
        }

        /// The timeout for the poll; none where the timer wakes it. The timer is never read: setting it anew clears what it has
        /// counted, and each time that it runs out is an edge of its own.
        pub(crate) fn set(&mut self, wait: Duration) -> io::Result<Option<Duration>> {
            if wait.is_zero() {
                return Ok(Some(wait));
            }
            let once = Itimerspec {
                it_interval: Timespec::default(),
                it_value: Timespec::try_from(wait).map_err(io::Error::other)?,
            };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
            Ok(None)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod plain {
    use super::{Duration, Registry, io};

    pub(crate) struct Alarm;

    impl Alarm {
        pub(crate) fn new(_: &Registry) -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) fn set(&mut self, wait: Duration) -> io::Result<Option<Duration>> {
            Ok(Some(wait))
        }
    }
}
