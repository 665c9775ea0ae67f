//! What somebody else's WebRTC stack does in a call.

use std::fmt;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use lab::Sound;

/// Hertz of the tone that `peer-cli` sends.
pub(super) const OURS: u32 = 440;

/// Who offers the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// The other stack calls `peer-cli answer`.
    Other,
    /// `peer-cli call` calls the other stack.
    Ours,
}

impl Caller {
    pub(super) const BOTH: [Self; 2] = [Self::Other, Self::Ours];
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Other => "calls",
            Self::Ours => "is called",
        })
    }
}

/// Somebody else's implementation, ready to be started.
pub(super) struct Stack {
    /// For the names of files.
    pub(super) name: &'static str,
    /// With its version.
    pub(super) title: String,
    /// Hertz of the tone that we hear from it.
    pub(super) tone: u32,
    /// Whether it has a codec to hear us with.
    pub(super) decodes: bool,
    /// Brings it into the room with this URL; it answers an offer that comes. Files may have names that begin with this path.
    pub(super) start: Box<Start>,
}

pub(super) type Start = dyn Fn(&str, &Path) -> Result<Box<dyn Other>> + Send + Sync;

/// One in a room, and in a call of it. Whatever is waited for is an error when it does not come.
pub(super) trait Other {
    /// Offers a call and waits until its channel is open. The milliseconds from the beginning of its offer, by its own clock.
    fn call(&mut self) -> Result<f64>;

    /// Waits until its channel is open in a call that was offered to it.
    fn connected(&mut self) -> Result<()>;

    /// Sends a text on its channel.
    fn send(&mut self, text: &str) -> Result<()>;

    /// Waits until so many texts have come; all that have, in their order.
    fn texts(&mut self, number: usize) -> Result<Vec<String>>;

    /// What was heard so far, if it [decodes](Stack::decodes).
    fn heard(&mut self) -> Result<Sound>;

    /// Ends the call.
    fn hang_up(&mut self) -> Result<()>;

    /// Waits until it has noticed that the call is over; when that was.
    fn ended(&mut self) -> Result<Instant>;

    /// After the call: whether anything in it was not as it should be, though nobody missed it.
    fn well(&self) -> Result<()> {
        Ok(())
    }
}
