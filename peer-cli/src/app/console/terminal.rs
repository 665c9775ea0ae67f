//! The terminal on stdin: keys one by one and unseen, and given back as it was.

use std::io;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::stdio::{stderr, stdin};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcgetwinsize,
    tcsetattr,
};

/// Columns of a terminal that does not say how wide it is.
const COLUMNS: usize = 80;
/// Bytes read at once.
const PIECE: usize = 4096;

/// How the terminal was, while it is ours; whoever ends the program gives it back.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Given back when dropped.
#[derive(Debug)]
pub(super) struct Terminal(());

impl Terminal {
    /// Takes the keys, unless we are in the background.
    pub(super) fn take() -> io::Result<Terminal> {
        let before = tcgetattr(stdin())?;
        if tcgetpgrp(stdin())? != getpgrp() {
            return Err(io::Error::other("in the background"));
        }
        *before_us() = Some(before.clone());
        let terminal = Terminal(());
        terminal.apply(&before)?;
        Ok(terminal)
    }

    /// Signals and the printing of lines stay as they are.
    fn apply(&self, before: &Termios) -> io::Result<()> {
        let mut ours = before.clone();
        ours.local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO);
        ours.special_codes[SpecialCodeIndex::VMIN] = 1;
        ours.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(stdin(), OptionalActions::Now, &ours)?)
    }

    /// What was typed within this time; an error at the end of the terminal.
    pub(super) fn read(&self, patience: Duration) -> io::Result<Option<Vec<u8>>> {
        let mut fds = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        match poll(&mut fds, Some(&patience)) {
            Ok(0) => return self.keep().map(|()| None),
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let mut piece = [0; PIECE];
        match rustix::io::read(stdin(), &mut piece) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => Ok(Some(piece[..count].to_vec())),
            Err(Errno::INTR | Errno::AGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// After Ctrl-Z and `fg` a shell has made it a terminal of its own again.
    fn keep(&self) -> io::Result<()> {
        let is_ours = tcgetpgrp(stdin())? == getpgrp();
        if is_ours
            && tcgetattr(stdin())?.local_modes.contains(LocalModes::ICANON)
            && let Some(before) = before_us().as_ref()
        {
            self.apply(before)?;
        }
        Ok(())
    }

    /// Columns of the terminal that is written to.
    pub(super) fn columns(&self) -> usize {
        let columns = tcgetwinsize(stderr()).map_or(0, |size| usize::from(size.ws_col));
        if columns == 0 { COLUMNS } else { columns }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, if it is ours.
pub(in crate::app) fn restore() {
    if let Some(before) = before_us().take() {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
    }
}

fn before_us() -> MutexGuard<'static, Option<Termios>> {
    // It is there, or it is not: nothing half done could be left behind.
    BEFORE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
