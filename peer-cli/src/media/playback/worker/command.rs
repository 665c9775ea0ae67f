//! What the owner of a playback asks for.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio::sync::mpsc::Receiver;

use crate::audio::{AudioError, Sighting};
use crate::media::mailbox::Mailbox;
use crate::media::{Levels, OutputStats, RecordTap, StreamId};
use crate::proto::packet::Packet;
use crate::proto::playout::PlayoutStats;
use crate::proto::sound_check::{SoundCheck, SoundMeter};
use crate::voice::Tap;

/// What the owner asks for.
#[derive(Debug)]
pub(in crate::media::playback) enum Command {
    Add(StreamId, Receiver<Packet>, Vec<SoundCheck>),
    Listen(Tap),
    Drain(StreamId),
    Remove(StreamId),
    Stats(StreamId, SyncSender<Option<PlayoutStats>>),
    Checks(StreamId, SyncSender<Vec<SoundMeter>>),
    Seen(Sighting),
    Record(RecordTap),
    Show(Arc<Levels>),
    Volume(f32),
    Output(SyncSender<OutputStats>),
    Quit(Option<Answer>),
}

/// Where to tell how it went.
type Answer = SyncSender<Result<(), AudioError>>;

impl Command {
    /// Tells what a look at the devices has shown, in place of what an older one has: a device that hangs must not queue them up.
    pub(super) fn look(mailbox: &Mailbox<Command>, seen: Sighting) {
        mailbox.replace(Command::Seen(seen), Command::is_look);
    }

    /// Ends the thread, without opening devices first.
    pub(in crate::media::playback) fn quit(mailbox: &Mailbox<Command>, answer: Option<Answer>) {
        mailbox.replace(Command::Quit(answer), Command::is_look);
    }

    fn is_look(&self) -> bool {
        matches!(self, Command::Seen(_))
    }
}
