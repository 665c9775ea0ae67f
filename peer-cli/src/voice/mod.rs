//! Voice processing between a microphone and its encoder: echo cancellation, noise suppression, gain control and a high-pass
//! filter. The only place that names the crate which does it.
//!
//! ```text
//! playback: mix ▶ sink          capture: source ▶ Voice ▶ encoder
//!            └▶ Tap ▶ ring ▶ Reference ▶ Aligner ┘
//! ```
//! The echo of what is played can be taken away only by who knows what is played: the playback's [`Tap`] passes it on, the
//! capture's [`Reference`] brings it to the clock of the microphone.

mod align;
mod choice;
mod drift;
mod processor;
mod reference;
#[cfg(test)]
mod tests;

pub use choice::{Asked, Because, Choice, Processing};
pub use processor::{Voice, VoiceStats};
pub use reference::{Reference, Tap, reference};
