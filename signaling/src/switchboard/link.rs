//! The switchboard as one connection sees it.

use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::{Command, Outbox, Stopped};
use crate::hub::{ConnId, Input};
use crate::text::Text;
use crate::verdict::Verdict;

/// One connection's end.
pub(crate) struct Link {
    pub(crate) conn: ConnId,
    /// What is for this client.
    pub(crate) outbox: Outbox,
    /// Comes at most once.
    pub(crate) verdict: oneshot::Receiver<Verdict>,
    pub(super) commands: mpsc::Sender<Command>,
}

/// The way of one connection's frames, apart from what it hears, so that the two can be awaited together.
pub(crate) struct Mouthpiece {
    conn: ConnId,
    commands: mpsc::Sender<Command>,
}

impl Link {
    /// For what the client says.
    pub(crate) fn mouthpiece(&self) -> Mouthpiece {
        Mouthpiece {
            conn: self.conn,
            commands: self.commands.clone(),
        }
    }
}

impl Mouthpiece {
    /// Hands a frame over; waits while the switchboard is busy.
    pub(crate) async fn say(&self, text: Text) -> Result<(), Stopped> {
        let frame = Input::Frame {
            conn: self.conn,
            text,
        };
        let command = Command::Frame(frame, Instant::now());
        self.commands.send(command).await.map_err(|_| Stopped)
    }

    /// Says that the socket has ended.
    pub(crate) async fn gone(&self) {
        // Refused only by a switchboard that stops, and then everybody is gone.
        let gone = Command::Input(Input::Gone { conn: self.conn });
        let _ = self.commands.send(gone).await;
    }
}
