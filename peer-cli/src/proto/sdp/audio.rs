//! The audio section of a description: which payload type means what (RFC 8866 6.6, RFC 3551 6).

use crate::proto::packet::Codec;

/// Digits (RFC 4733 7.1.1).
const TELEPHONE_EVENT: &str = "telephone-event";
/// All of them and nothing else (RFC 4733 2.4.1).
pub const ALL_DIGITS: &str = "0-15";

/// One payload type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// As it stands in RTP headers.
    pub payload_type: u8,
    /// What it is.
    pub kind: FormatKind,
    /// Units of RTP timestamps in a second.
    pub clock_rate: u32,
    /// The `a=fmtp` line's parameters, as they were written.
    pub parameters: String,
}

/// What a payload type stands for, as far as it is of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatKind {
    /// Sound.
    Sound(Codec),
    /// Digits.
    Digits,
}

/// The formats of the first audio section that we know, in its order of preference; none where it is refused (port 0).
#[must_use]
pub fn audio_formats(sdp: &str) -> Vec<Format> {
    let mut lines = sdp.lines().map(str::trim_end);
    let Some(media) = lines.find(|line| line.starts_with("m=audio ")) else {
        return Vec::new();
    };
    let section: Vec<&str> = lines.take_while(|line| !line.starts_with("m=")).collect();
    let mut words = media.split_ascii_whitespace().skip(1);
    if words.next() == Some("0") {
        return Vec::new();
    }
    let types = words.skip(1).filter_map(|word| word.parse().ok());
    types
        .filter_map(|payload_type| format(payload_type, &section))
        .collect()
}

/// The first codec of `wanted` that is among the formats, and its payload type.
#[must_use]
pub fn choose(formats: &[Format], wanted: &[Codec]) -> Option<(Codec, u8)> {
    wanted.iter().find_map(|&codec| {
        let fits = |format: &&Format| format.kind == FormatKind::Sound(codec);
        formats
            .iter()
            .find(fits)
            .map(|format| (codec, format.payload_type))
    })
}

/// Payload type and clock rate of digits beside sound of this clock rate. One stream has one clock (RFC 4733 2.6.3), but where
/// only another is to be had, that is what everybody uses.
#[must_use]
pub fn digits(formats: &[Format], clock_rate: u32) -> Option<(u8, u32)> {
    let mut known = formats
        .iter()
        .filter(|format| format.kind == FormatKind::Digits);
    let same = known.clone().find(|format| format.clock_rate == clock_rate);
    let format = same.or_else(|| known.next())?;
    Some((format.payload_type, format.clock_rate))
}

/// The same with exactly these payload types and clock rates for digits in the first audio section, behind everything else.
#[must_use]
pub fn with_digits(sdp: &str, digits: &[(u8, u32)]) -> String {
    let known = audio_formats(sdp).into_iter();
    let known = known.filter(|format| format.kind == FormatKind::Digits);
    let old: Vec<String> = known
        .map(|format| format.payload_type.to_string())
        .collect();
    let is_old = |word: &str| old.iter().any(|old| old == word);
    let mut other = String::with_capacity(sdp.len() + 80);
    let mut section = Section::Before;
    for line in sdp.split_inclusive('\n') {
        if line.starts_with("m=") {
            section = match section {
                Section::Before if line.starts_with("m=audio ") => Section::Audio,
                Section::Audio => {
                    other.push_str(&attributes(digits));
                    Section::After
                }
                other => other,
            };
            if section == Section::Audio {
                let words = line.split_ascii_whitespace().enumerate();
                let kept = words.filter(|(at, word)| *at < 3 || !is_old(word));
                let mut words: Vec<String> = kept.map(|(_, word)| word.to_owned()).collect();
                words.extend(
                    digits
                        .iter()
                        .map(|(payload_type, _)| payload_type.to_string()),
                );
                other.push_str(&words.join(" "));
                other.push_str("\r\n");
                continue;
            }
        }
        let about = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"]
            .iter()
            .find_map(|name| line.strip_prefix(name)?.split_whitespace().next());
        if !(section == Section::Audio && about.is_some_and(is_old)) {
            other.push_str(line);
        }
    }
    if section == Section::Audio {
        other.push_str(&attributes(digits));
    }
    other
}

/// Where in a description a line stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Before,
    Audio,
    After,
}

fn attributes(digits: &[(u8, u32)]) -> String {
    let lines = |(payload_type, clock_rate): &(u8, u32)| {
        format!(
            "a=rtpmap:{payload_type} {TELEPHONE_EVENT}/{clock_rate}\r\na=fmtp:{payload_type} {ALL_DIGITS}\r\n"
        )
    };
    digits.iter().map(lines).collect()
}

fn format(payload_type: u8, section: &[&str]) -> Option<Format> {
    let attribute = |name: &str| {
        section.iter().find_map(|line| {
            let (number, value) = line.strip_prefix(name)?.split_once(' ')?;
            (number.parse() == Ok(payload_type)).then_some(value.trim())
        })
    };
    let encoding = attribute("a=rtpmap:").or(match payload_type {
        0 => Some("PCMU/8000"),
        8 => Some("PCMA/8000"),
        _ => None,
    })?;
    let mut parts = encoding.split('/');
    let name = parts.next()?;
    let clock_rate = parts.next()?.parse().ok().filter(|rate| *rate > 0)?;
    let kind = if name.eq_ignore_ascii_case(TELEPHONE_EVENT) {
        FormatKind::Digits
    } else {
        let codec = Codec::named(name)?;
        (codec.clock_rate() == clock_rate).then_some(FormatKind::Sound(codec))?
    };
    Some(Format {
        payload_type,
        kind,
        clock_rate,
        parameters: attribute("a=fmtp:").unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a browser, shortened.
    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\na=rtpmap:111 opus/48000/2\r\n\
        a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:9 G722/8000\r\n\
        a=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\n\
        a=rtpmap:126 telephone-event/8000\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n";

    #[test]
    fn what_a_browser_offers_is_understood() {
        let formats = audio_formats(OFFER);
        let types: Vec<u8> = formats.iter().map(|format| format.payload_type).collect();
        assert_eq!(types, [111, 0, 8, 110, 126]);
        assert_eq!(formats[0].parameters, "minptime=10;useinbandfec=1");
        assert_eq!(choose(&formats, &Codec::ALL), Some((Codec::Opus, 111)));
        assert_eq!(
            choose(&formats, &[Codec::Pcma, Codec::Opus]),
            Some((Codec::Pcma, 8))
        );
        assert_eq!(digits(&formats, 48_000), Some((110, 48_000)));
        assert_eq!(digits(&formats, 8_000), Some((126, 8_000)));
        assert_eq!(digits(&formats[..3], 8_000), None);
        assert_eq!(digits(&formats[4..], 48_000), Some((126, 8_000)));
    }

    #[test]
    fn digits_are_replaced_wherever_the_audio_section_stands() {
        let last = OFFER.replace("m=video", "x=video");
        for sdp in [OFFER, &last] {
            let other = with_digits(sdp, &[(99, 8000), (98, 48_000)]);
            let types: Vec<_> = audio_formats(&other)
                .iter()
                .map(|format| (format.payload_type, format.clock_rate))
                .collect();
            let expected = [
                (111, 48_000),
                (0, 8000),
                (8, 8000),
                (99, 8000),
                (98, 48_000),
            ];
            assert_eq!(types, expected);
            assert!(other.contains("SAVPF 111 63 9 0 8 13 99 98\r\n") && !other.contains(":110"));
            let back = with_digits(&other, &[(110, 48_000), (126, 8000)]);
            assert_eq!(audio_formats(&back).len(), 5);
            assert_eq!(
                back.len(),
                with_digits(sdp, &[(110, 48_000), (126, 8000)]).len()
            );
        }
        let none = with_digits(OFFER, &[]);
        assert_eq!(audio_formats(&none).len(), 3);
        assert!(none.contains("m=video") && with_digits("v=0\r\n", &[(9, 8)]) == "v=0\r\n");
        // As the crate repeats a format that it knows by name alone.
        let twice = OFFER.replace(" 126", " 110");
        assert!(with_digits(&twice, &[(110, 48_000)]).contains("0 8 13 110\r\n"));
    }

    #[test]
    fn nothing_is_made_of_nonsense() {
        for sdp in [
            "",
            "m=audio",
            "m=audio 9 UDP/TLS/RTP/SAVPF",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111 999 x",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/0",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/16000/2",
            "m=audio 0 UDP/TLS/RTP/SAVPF 0",
        ] {
            assert_eq!(audio_formats(sdp), [], "{sdp}");
        }
    }
}
