//! Which payload types a connection has agreed on, each way: we send under those of their description, and get those of ours
//! (RFC 3264 5.1).

use std::sync::{Arc, Mutex};

use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodec, RTCRtpCodecParameters};

use crate::proto::channels::Channels;
use crate::proto::packet::Codec;
use crate::proto::sdp::{self, Format, FormatKind};

/// Payload types that we offer: Opus and digits for either clock as browsers do, G.711's own.
const OPUS: u8 = 111;
const DIGITS: [(u8, u32); 2] = [(110, 48_000), (126, 8_000)];

/// As the crate registers a codec.
pub(super) fn capability(codec: Codec) -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: format!("audio/{}", codec.name()),
        clock_rate: codec.clock_rate(),
        channels: match codec {
            // RFC 7587 7: always 48000/2 in SDP.
            Codec::Opus => 2,
            Codec::Pcmu | Codec::Pcma => 0,
        },
        sdp_fmtp_line: match codec {
            Codec::Opus => "minptime=10;useinbandfec=1".to_owned(),
            Codec::Pcmu | Codec::Pcma => String::new(),
        },
        rtcp_feedback: vec![],
    }
}

/// Everything that is offered, in this order.
pub(super) fn offered(codecs: &[Codec]) -> Vec<RTCRtpCodecParameters> {
    let sound = codecs.iter().map(|&codec| RTCRtpCodecParameters {
        rtp_codec: capability(codec),
        payload_type: match codec {
            Codec::Opus => OPUS,
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
        },
    });
    let digits = digits(codecs).into_iter();
    let digits = digits.map(|(payload_type, clock_rate)| digits_as(payload_type, clock_rate));
    sound.chain(digits).collect()
}

fn digits_as(payload_type: u8, clock_rate: u32) -> RTCRtpCodecParameters {
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: "audio/telephone-event".to_owned(),
            clock_rate,
            channels: 0,
            sdp_fmtp_line: sdp::ALL_DIGITS.to_owned(),
            rtcp_feedback: vec![],
        },
        payload_type,
    }
}

/// Digits in the clock of each codec.
fn digits(codecs: &[Codec]) -> Vec<(u8, u32)> {
    let mut digits = DIGITS.to_vec();
    digits.retain(|(_, rate)| codecs.iter().any(|codec| codec.clock_rate() == *rate));
    digits
}

/// What was agreed on; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Formats(Arc<Mutex<Agreed>>);

#[derive(Default)]
struct Agreed {
    /// What we like to send and to get.
    channels: Channels,
    ours: Vec<Format>,
    theirs: Vec<Format>,
}

impl Formats {
    pub(super) fn new(channels: Channels) -> Self {
        Self(Arc::new(Mutex::new(Agreed {
            channels,
            ..Agreed::default()
        })))
    }

    /// Our offer, put right: the crate tells digits apart by their name alone and repeats one of them.
    pub(super) fn offer(&self, sdp: &str, codecs: &[Codec]) -> String {
        let Ok(mut agreed) = self.0.lock() else {
            return sdp.to_owned();
        };
        // What was once agreed on keeps its numbers (RFC 3264 8.3.2).
        let mut wanted = digits_in(&agreed.ours);
        if agreed.ours.is_empty() {
            wanted = digits(codecs);
        }
        agreed.describe_ours(sdp, &wanted)
    }

    /// Our answer, put right likewise: with the digits of the offer.
    pub(super) fn answer(&self, sdp: &str) -> String {
        let Ok(mut agreed) = self.0.lock() else {
            return sdp.to_owned();
        };
        let wanted = digits_in(&agreed.theirs);
        agreed.describe_ours(sdp, &wanted)
    }

    /// Their description.
    pub(super) fn describe_theirs(&self, sdp: &str) {
        if let Ok(mut agreed) = self.0.lock() {
            agreed.theirs = sdp::audio_formats(sdp);
        }
    }

    /// All that they take of these codecs, and digits, under their payload types: what the crate is to let pass.
    pub(super) fn passing(&self, codecs: &[Codec]) -> Vec<RTCRtpCodecParameters> {
        let Ok(agreed) = self.0.lock() else {
            return Vec::new();
        };
        let sound = codecs.iter().filter_map(|codec| {
            let (codec, payload_type) = sdp::choose(&agreed.theirs, &[*codec])?;
            Some(RTCRtpCodecParameters {
                rtp_codec: capability(codec),
                payload_type,
            })
        });
        let digits = digits_in(&agreed.theirs).into_iter();
        let digits = digits.map(|(payload_type, clock_rate)| digits_as(payload_type, clock_rate));
        sound.chain(digits).collect()
    }

    /// The first of these codecs that they take.
    pub(super) fn choose(&self, wanted: &[Codec]) -> Option<Codec> {
        let agreed = self.0.lock().ok()?;
        sdp::choose(&agreed.theirs, wanted).map(|(codec, _)| codec)
    }

    /// How many channels we send in it: two where both sides like them.
    pub(super) fn channels(&self, codec: Codec) -> Channels {
        let Ok(agreed) = self.0.lock() else {
            return Channels::Mono;
        };
        if codec == Codec::Opus && sdp::takes_stereo(&agreed.theirs) {
            agreed.channels
        } else {
            Channels::Mono
        }
    }

    /// Under which payload type they take it.
    pub(super) fn sent_as(&self, codec: Codec) -> Option<u8> {
        let agreed = self.0.lock().ok()?;
        sdp::choose(&agreed.theirs, &[codec]).map(|(_, payload_type)| payload_type)
    }

    /// Payload type and clock rate under which they take digits beside this codec.
    pub(super) fn digits(&self, codec: Codec) -> Option<(u8, u32)> {
        let agreed = self.0.lock().ok()?;
        sdp::digits(&agreed.theirs, codec.clock_rate())
    }

    /// What comes under this payload type.
    pub(super) fn received(&self, payload_type: u8) -> Option<FormatKind> {
        let agreed = self.0.lock().ok()?;
        let fits = |format: &&Format| format.payload_type == payload_type;
        agreed.ours.iter().find(fits).map(|format| format.kind)
    }
}

impl Agreed {
    /// The description of our side: the crate's with these digits, and our channels.
    fn describe_ours(&mut self, sdp: &str, digits: &[(u8, u32)]) -> String {
        let sdp = sdp::with_digits(sdp, digits);
        self.ours = sdp::audio_formats(&sdp);
        sdp::with_channels(&sdp, &self.ours, self.channels)
    }
}

fn digits_in(formats: &[Format]) -> Vec<(u8, u32)> {
    let digits = formats
        .iter()
        .filter(|format| format.kind == FormatKind::Digits);
    digits
        .map(|format| (format.payload_type, format.clock_rate))
        .collect()
}
