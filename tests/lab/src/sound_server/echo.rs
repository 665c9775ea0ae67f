//! A speaker that is heard by a microphone.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::acoustics::Room;

/// What carries the sound; gone when dropped.
#[derive(Debug)]
pub struct Echo {
    from: Child,
    to: Child,
}

impl Echo {
    pub(super) fn open(
        room: Room,
        (mut from, source): (Command, &str),
        (mut to, sink): (Command, &str),
    ) -> Result<Self> {
        for (command, device) in [(&mut from, source), (&mut to, sink)] {
            command
                .args(["--raw", "--format=s16le", "--channels=1", "--rate=48000"])
                .args(["--latency-msec=10", "-d", device]);
        }
        from.stdin(Stdio::null()).stdout(Stdio::piped());
        to.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut echo = Self {
            from: from.spawn().context("cannot start parec")?,
            to: to.spawn().context("cannot start pacat")?,
        };
        let ends = echo.from.stdout.take().zip(echo.to.stdin.take());
        let (played, heard) = ends.context("a process without pipes")?;
        // It ends with either of them.
        drop(room.between(played, heard));
        Ok(echo)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        for child in [&mut self.from, &mut self.to] {
            child.kill().ok();
            child.wait().ok();
        }
    }
}
