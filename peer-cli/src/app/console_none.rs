//! No keys here: lines of stdin are messages.

use tokio::sync::mpsc;

use super::printer::Screen;
use crate::call::Console;
use crate::cli::OutputOptions;

pub(super) fn is_possible(_: &OutputOptions) -> bool {
    false
}

pub(super) fn start(_: Screen) -> Option<((), mpsc::Receiver<String>, Console)> {
    None
}

pub(super) fn restore() {}
