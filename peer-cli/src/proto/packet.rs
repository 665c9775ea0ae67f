//! One RTP packet of sound, without its header: the value in which `media` and `rtc` meet.

use std::time::Instant;

use bytes::Bytes;

/// How sound is encoded on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    /// Opus (RFC 6716, RFC 7587).
    #[default]
    Opus,
    /// G.711 µ-law (RFC 3551 4.5.14).
    Pcmu,
    /// G.711 A-law.
    Pcma,
}

impl Codec {
    /// All of them, the best first.
    pub const ALL: [Codec; 3] = [Codec::Opus, Codec::Pcmu, Codec::Pcma];

    /// Its encoding name (RFC 7587 6.1, RFC 3551 6).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Codec::Opus => "opus",
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        }
    }

    /// Units of its RTP timestamps in a second.
    #[must_use]
    pub fn clock_rate(self) -> u32 {
        match self {
            Codec::Opus => 48_000,
            Codec::Pcmu | Codec::Pcma => 8_000,
        }
    }

    /// The codec of this encoding name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Codec> {
        let fits = |codec: &Codec| codec.name().eq_ignore_ascii_case(name);
        Codec::ALL.into_iter().find(fits)
    }
}

/// One packet of encoded sound on its way in or out.
///
/// Outgoing packets count from sequence 0, timestamp 0, SSRC 0: whoever puts them on the wire adds the random offsets of RFC 3550.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// RTP sequence number (RFC 3550, section 5.1); wraps.
    pub sequence: u16,
    /// Sampling instant of the first sample, in units of the codec's clock; wraps.
    pub timestamp: u32,
    /// Synchronisation source; a new value means a new stream.
    pub ssrc: u32,
    /// First packet after a pause (RFC 3551, section 4.1).
    pub marker: bool,
    /// What the payload is.
    pub codec: Codec,
    /// The codec's bytes.
    pub payload: Bytes,
    /// When the packet came from the network, or was made.
    pub arrival: Instant,
}
