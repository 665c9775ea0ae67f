//! Wakes a poll on time: its own timeout counts whole milliseconds, in which four messages of two thousand clients would gather.

use std::io;
use std::time::Duration;

use mio::Registry;

#[cfg(not(target_os = "linux"))]
pub(crate) use coarse::Alarm;
#[cfg(target_os = "linux")]
pub(crate) use fine::Alarm;

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

        /// What is left for the poll to count.
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
mod coarse {
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
