//! What `--help` says after the options.

use crate::exit::Exit;

/// Columns of a terminal that nobody has widened, less one.
pub(super) const WIDTH: usize = 79;

pub(super) const EXAMPLES: &str = "\
Three terminals, one call:
  signaling
  peer-cli answer
  peer-cli call
No server, no sound card:
  peer-cli loopback --expect tone=440";

pub(super) const CALL: &str = "\
Keys on a terminal, in a call:
  Tab mutes, Up and Down change the volume, a line and Enter sends it
Examples:
  peer-cli call
  peer-cli call demo --to bob --mic file:speech.wav --hangup-on-eof
  peer-cli call -s wss://example.org/socket demo -m hello --duration 10s
  peer-cli call --json --mic tone:440 --expect audio --max-setup 2s";

pub(super) const ANSWER: &str = "\
Keys on a terminal, in a call:
  Tab mutes, Up and Down change the volume, a line and Enter sends it
Examples:
  peer-cli answer
  peer-cli answer demo --name bob --speaker file:got.wav
  peer-cli answer --echo --keep --peers 50
  peer-cli answer --timeout 1m --expect tone=440";

pub(super) const LOOPBACK: &str = "\
Examples:
  peer-cli loopback
  peer-cli loopback --expect tone=440 --max-setup 2s
  peer-cli loopback --impair loss=5%,delay=80ms --duration 10s --stats";

pub(super) const DEVICES: &str = "\
Examples:
  peer-cli devices
  peer-cli devices --json";

pub(super) const DOCTOR: &str = "\
Examples:
  peer-cli doctor
  peer-cli doctor -s wss://example.org/socket --json
  PEER_TURN_PASSWORD=... peer-cli doctor -s off --turn turns:example.org \\
      --turn-user bob";

/// A text, and below it every way to end.
pub(super) fn with_exit_codes(text: &str) -> String {
    let codes = Exit::ALL.map(|exit| format!("\n{:>5}  {}", exit.code(), exit.meaning()));
    format!("{text}\n\nExit codes:{}", codes.concat())
}
