//! The audio section of a description: which payload type means what (RFC 8866 6.6, RFC 3551 6).

use crate::proto::packet::Codec;

#[cfg(test)]
mod tests;

/// Digits (RFC 4733 7.1.1).
const TELEPHONE_EVENT: &str = "telephone-event";
/// All of them and nothing else (RFC 4733 2.4.1).
pub const ALL_DIGITS: &str = "0-15";
/// Payload types have seven bits (RFC 3550 5.1).
const MOST_TYPES: usize = 128;

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

/// The formats of the first audio section that we know, in its order of preference; none where it is refused (port 0). A payload
/// type means one thing (RFC 8866 6.6, RFC 3264 5.1): where it is repeated, its first place and its first mapping count.
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
    let mut told = [false; MOST_TYPES];
    let is_first = |payload_type: &u8| {
        let told = told.get_mut(usize::from(*payload_type));
        told.is_some_and(|told| !std::mem::replace(told, true))
    };
    let types = words.skip(1).filter_map(|word| word.parse().ok());
    types
        .filter(is_first)
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

/// The same with exactly these payload types and clock rates for digits in the first audio section, behind everything else; those
/// that stand for sound there already are left out, and every payload type comes once.
#[must_use]
pub fn with_digits(sdp: &str, digits: &[(u8, u32)]) -> String {
    let (old, sound): (Vec<Format>, Vec<Format>) = audio_formats(sdp)
        .into_iter()
        .partition(|format| format.kind == FormatKind::Digits);
    let is_in = |formats: &[Format], payload_type: u8| {
        formats
            .iter()
            .any(|format| format.payload_type == payload_type)
    };
    let mut new: Vec<(u8, u32)> = Vec::new();
    for &(payload_type, clock_rate) in digits {
        let known = new.iter().any(|(new, _)| *new == payload_type);
        if !known && !is_in(&sound, payload_type) {
            new.push((payload_type, clock_rate));
        }
    }
    // Whatever else was said about their numbers is about something else.
    let goes = |word: &str| {
        let payload_type = word.parse::<u8>();
        payload_type.is_ok_and(|payload_type| {
            is_in(&old, payload_type) || new.iter().any(|(new, _)| *new == payload_type)
        })
    };
    let mut other = String::with_capacity(sdp.len() + 80);
    let mut section = Section::Before;
    for line in sdp.split_inclusive('\n') {
        if line.starts_with("m=") {
            section = match section {
                Section::Before if line.starts_with("m=audio ") => Section::Audio,
                Section::Audio => {
                    other.push_str(&attributes(&new));
                    Section::After
                }
                other => other,
            };
            if section == Section::Audio {
                other.push_str(&media(line, goes, &new));
                continue;
            }
        }
        let about = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"]
            .iter()
            .find_map(|name| line.strip_prefix(name)?.split_whitespace().next());
        if !(section == Section::Audio && about.is_some_and(goes)) {
            other.push_str(line);
        }
    }
    if section == Section::Audio {
        other.push_str(&attributes(&new));
    }
    other
}

/// The line of a section with each of its payload types once, less those that go, and these.
fn media(line: &str, goes: impl Fn(&str) -> bool, digits: &[(u8, u32)]) -> String {
    let mut words: Vec<String> = Vec::new();
    for (at, word) in line.split_ascii_whitespace().enumerate() {
        let repeated = || words.iter().skip(3).any(|known| known == word);
        if at < 3 || !(goes(word) || repeated()) {
            words.push(word.to_owned());
        }
    }
    let new = digits
        .iter()
        .map(|(payload_type, _)| payload_type.to_string());
    words.extend(new);
    words.join(" ") + "\r\n"
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
