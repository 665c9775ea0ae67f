//! What the playout buffer counts, under the names of W3C webrtc-stats (`inbound-rtp`).

use serde::Serialize;

use super::{FRAME, SAMPLE_RATE};

/// Counters of one received stream; times in seconds, samples at 48 kHz.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlayoutStats {
    /// Packets taken in, repeats not counted.
    pub packets_received: u64,
    /// Packets expected so far less those received; may fall again when late ones come.
    pub packets_lost: i64,
    /// Packets that came too late, did not fit or could not be decoded.
    pub packets_discarded: u64,
    /// Repeats of a packet that had already come (not a W3C name).
    pub packets_duplicated: u64,
    /// Packets taken in that carry a copy of the one before (in-band redundancy, RFC 6716, section 2.1.7).
    pub fec_packets_received: u64,
    /// Those of them whose copy was not needed, or came too late.
    pub fec_packets_discarded: u64,
    /// Lost packets rebuilt from such a copy (not a W3C name).
    pub packets_rebuilt: u64,
    /// Sum over all emitted samples of the time each spent in the buffer.
    pub jitter_buffer_delay: f64,
    /// Sum over all emitted samples of the delay aimed at.
    pub jitter_buffer_target_delay: f64,
    /// The same for the delay that the network alone asks for, without bounds set by the user.
    pub jitter_buffer_minimum_delay: f64,
    /// Samples that came out of packets.
    pub jitter_buffer_emitted_count: u64,
    /// All samples played since the first packet, concealment included.
    pub total_samples_received: u64,
    /// Samples made up because none were there.
    pub concealed_samples: u64,
    /// Those of them that were silence.
    pub silent_concealed_samples: u64,
    /// Times concealment began.
    pub concealment_events: u64,
    /// Samples added to slow playout down.
    pub inserted_samples_for_deceleration: u64,
    /// Samples left out to catch up.
    pub removed_samples_for_acceleration: u64,
    /// Level of the latest 10 ms, 0 to 1 of full scale.
    pub audio_level: f64,
    /// Sum of level squared times duration.
    pub total_audio_energy: f64,
    /// Duration of what was played.
    pub total_samples_duration: f64,
}

impl PlayoutStats {
    /// Counts 10 ms of any number of channels.
    pub(super) fn count_level(&mut self, frame: &[f32]) {
        let mean = mean_square(frame);
        let seconds = FRAME as f64 / SAMPLE_RATE;
        self.audio_level = mean.sqrt().min(1.0);
        self.total_audio_energy += mean * seconds;
        self.total_samples_duration += seconds;
    }
}

/// Mean of the squared samples: 1.0 is a full-scale square wave.
pub(super) fn mean_square(samples: &[f32]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let sum: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
    sum / samples.len() as f64
}
