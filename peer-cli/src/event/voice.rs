//! What is done to the sound before it is sent.

use serde::Serialize;

/// Voice processing of a local track, under the names of W3C mediacapture-streams; a high-pass filter goes with any of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Processing {
    /// The echo of what is played is taken away.
    pub echo_cancellation: bool,
    /// Steady noise is taken away.
    pub noise_suppression: bool,
    /// Speech is brought to an even level.
    pub auto_gain_control: bool,
    /// Why it is so, for people.
    pub because: String,
}
