//! Two channels of Opus: who likes to get them, and who sends them (RFC 7587 6.1).

use super::audio::{Format, FormatKind};
use crate::proto::channels::Channels;
use crate::proto::packet::Codec;

/// We like to get them, and are likely to send them.
const PARAMETERS: [&str; 2] = ["stereo=1", "sprop-stereo=1"];

/// The same, saying of every Opus that we like this number of channels, whatever it said before: an answer may repeat the words
/// of the offer.
#[must_use]
pub fn with_channels(sdp: &str, formats: &[Format], channels: Channels) -> String {
    let opus = |line: &str| {
        let opus = formats.iter().filter(|format| is_opus(format));
        let starts = opus.map(|format| format!("a=fmtp:{} ", format.payload_type));
        starts
            .into_iter()
            .find_map(|start| Some((line.strip_prefix(&start)?.to_owned(), start)))
    };
    let mut other = String::with_capacity(sdp.len() + 32);
    for line in sdp.split_inclusive('\n') {
        let text = line.trim_end();
        match opus(text) {
            Some((parameters, start)) => {
                other.push_str(&start);
                other.push_str(&changed(&parameters, channels));
                other.push_str(&line[text.len()..]);
            }
            None => other.push_str(line),
        }
    }
    other
}

fn changed(parameters: &str, channels: Channels) -> String {
    let said = parameters.split(';').map(str::trim);
    let kept = said.filter(|parameter| {
        let name = parameter.split('=').next().unwrap_or_default();
        let about = ["stereo", "sprop-stereo"];
        !parameter.is_empty() && !about.iter().any(|about| about.eq_ignore_ascii_case(name))
    });
    let ours = match channels {
        Channels::Mono => &PARAMETERS[..0],
        Channels::Stereo => &PARAMETERS,
    };
    let all: Vec<&str> = kept.chain(ours.iter().copied()).collect();
    all.join(";")
}

/// Whether they like to get two channels: who does not say so gets one, as RFC 7587 has it.
#[must_use]
pub fn takes_stereo(formats: &[Format]) -> bool {
    formats
        .iter()
        .any(|format| is_opus(format) && has(&format.parameters, PARAMETERS[0]))
}

fn is_opus(format: &Format) -> bool {
    format.kind == FormatKind::Sound(Codec::Opus)
}

fn has(parameters: &str, wanted: &str) -> bool {
    parameters
        .split([';', ' '])
        .any(|parameter| parameter.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::sdp::audio_formats;

    const OFFER: &str = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=rtpmap:111 opus/48000/2\r\n\
        a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:0 PCMU/8000\r\na=fmtp:1112 x=1\r\n";

    #[test]
    fn it_is_said_once_and_of_opus_alone_and_understood() {
        let formats = audio_formats(OFFER);
        assert!(!takes_stereo(&formats));
        let stereo = with_channels(OFFER, &formats, Channels::Stereo);
        let expected = OFFER.replace(
            "useinbandfec=1\r",
            "useinbandfec=1;stereo=1;sprop-stereo=1\r",
        );
        assert_eq!(stereo, expected);
        let formats = audio_formats(&stereo);
        assert!(takes_stereo(&formats));
        assert_eq!(with_channels(&stereo, &formats, Channels::Stereo), expected);
        // And taken back, where an answer repeats what the offer said.
        assert_eq!(with_channels(&stereo, &formats, Channels::Mono), OFFER);
    }

    #[test]
    fn whoever_only_sends_two_or_refuses_them_gets_one() {
        for parameters in ["sprop-stereo=1", "stereo=0", "stereo=10", "xstereo=1", ""] {
            let offer = OFFER.replace("minptime=10;useinbandfec=1", parameters);
            assert!(!takes_stereo(&audio_formats(&offer)), "{parameters}");
        }
        let offer = OFFER.replace("minptime=10;", "minptime=10; Stereo=1; ");
        assert!(takes_stereo(&audio_formats(&offer)));
    }
}
