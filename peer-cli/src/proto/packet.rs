//! One RTP packet of sound, without its header: the value in which `media` and `rtc` meet.

use std::time::Instant;

use bytes::Bytes;

/// One packet of encoded sound on its way in or out.
///
/// Outgoing packets count from sequence 0, timestamp 0, SSRC 0: whoever puts them on the wire adds the random offsets of RFC 3550.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// RTP sequence number (RFC 3550, section 5.1); wraps.
    pub sequence: u16,
    /// Sampling instant of the first sample, in units of 1/48000 s; wraps.
    pub timestamp: u32,
    /// Synchronisation source; a new value means a new stream.
    pub ssrc: u32,
    /// First packet after a pause (RFC 3551, section 4.1).
    pub marker: bool,
    /// The codec's bytes.
    pub payload: Bytes,
    /// When the packet came from the network, or was made.
    pub arrival: Instant,
}
