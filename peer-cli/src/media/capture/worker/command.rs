//! What the owner of a capture asks for, and how it is carried out.

use std::sync::Arc;

use tokio::sync::mpsc::Sender;

use super::Worker;
use crate::audio::Sighting;
use crate::codec::CodecError;
use crate::media::capture::line::Line;
use crate::media::mailbox::Mailbox;
use crate::media::{Levels, ListenerId, MediaEvent, RecordTap};
use crate::proto::channels::Channels;
use crate::proto::packet::{Codec, Packet};
use crate::proto::sending::Sending;

/// What the owner asks for.
#[derive(Debug)]
pub(in crate::media::capture) enum Command {
    Add(ListenerId, (Codec, Channels), Sender<Packet>),
    Remove(ListenerId),
    Steer(Sending),
    Muted(bool),
    Seen(Sighting),
    Record(RecordTap),
    Show(Arc<Levels>),
    Quit,
}

impl Command {
    /// Tells what a look at the devices has shown, in place of what an older one has: a device that hangs must not queue them up.
    pub(super) fn look(mailbox: &Mailbox<Command>, seen: Sighting) {
        mailbox.replace(Command::Seen(seen), Command::is_look);
    }

    /// Ends the thread, without opening devices first.
    pub(in crate::media::capture) fn quit(mailbox: &Mailbox<Command>) {
        mailbox.replace(Command::Quit, Command::is_look);
    }

    fn is_look(&self) -> bool {
        matches!(self, Command::Seen(_))
    }
}

impl Worker {
    pub(super) fn obey(&mut self, command: Command) {
        let changed = match command {
            Command::Add(id, format, sender) => self.add(id, format, sender),
            Command::Remove(id) => {
                self.lines.iter_mut().for_each(|line| line.remove(id));
                self.stop_if_alone();
                Ok(())
            }
            Command::Steer(sending) => {
                self.steering = Some(sending);
                self.lines
                    .iter_mut()
                    .try_for_each(|line| line.steer(sending))
            }
            Command::Muted(muted) => {
                self.muted = muted;
                Ok(())
            }
            Command::Seen(seen) => {
                self.seen(seen);
                Ok(())
            }
            Command::Record(tap) => {
                self.tap = Some(tap);
                Ok(())
            }
            Command::Show(levels) => {
                self.levels = levels;
                Ok(())
            }
            Command::Quit => Ok(()),
        };
        if let Err(error) = changed {
            self.warn(&error);
        }
    }

    fn add(
        &mut self,
        id: ListenerId,
        (codec, channels): (Codec, Channels),
        sender: Sender<Packet>,
    ) -> Result<(), CodecError> {
        // Only what the source has, and only Opus has two.
        let channels = match codec {
            Codec::Opus => channels.common(self.options.channels),
            Codec::Pcmu | Codec::Pcma => Channels::Mono,
        };
        let format = (codec, channels);
        let known = self.lines.iter_mut().find(|line| line.format() == format);
        if let Some(line) = known {
            line.add(id, sender);
        } else {
            let mut line = Line::new(format, &self.options)?;
            if let Some(sending) = self.steering {
                line.steer(sending)?;
            }
            line.add(id, sender);
            self.lines.push(line);
        }
        if self.run.is_none() {
            self.start();
        }
        Ok(())
    }

    pub(super) fn warn(&mut self, error: &CodecError) {
        let text = error.to_string();
        self.notices.send(MediaEvent::Warning {
            code: "encoder",
            text,
            hint: None,
        });
    }
}
