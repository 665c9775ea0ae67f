//! The few lines of a session description (RFC 8866) that signaling needs; the crate reads the rest.

mod audio;
mod stereo;

pub use audio::{ALL_DIGITS, Format, FormatKind, audio_formats, choose, digits, with_digits};
pub use stereo::{takes_stereo, with_channels};

/// What tells one connection's descriptions from another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User name and session id of the `o=` line (RFC 8866 5.2), the same for all versions.
    pub origin: String,
    /// The first `a=fingerprint` (RFC 8122): the same certificate is the same connection.
    pub fingerprint: String,
}

/// Whose description this is; absent where it has no `o=` line.
#[must_use]
pub fn identity(sdp: &str) -> Option<Identity> {
    let origin: Vec<&str> = value(sdp, "o=")?.split(' ').take(2).collect();
    Some(Identity {
        origin: origin.join(" "),
        fingerprint: value(sdp, "a=fingerprint:").unwrap_or_default().to_owned(),
    })
}

/// The whole `o=` line: equal for a repeated description, different for a renegotiation.
#[must_use]
pub fn version(sdp: &str) -> Option<&str> {
    value(sdp, "o=")
}

/// The ICE generation (`a=ice-ufrag`, RFC 8839 5.4).
#[must_use]
pub fn ufrag(sdp: &str) -> Option<&str> {
    value(sdp, "a=ice-ufrag:")
}

/// The same without the candidates in it: those of an earlier generation, where ICE restarts.
#[must_use]
pub fn without_candidates(sdp: &str) -> String {
    let stays =
        |line: &&str| !line.starts_with("a=candidate:") && !line.starts_with("a=end-of-candidates");
    sdp.split_inclusive('\n').filter(stays).collect()
}

/// The candidates in it, without the `a=` of their lines; a bundle may repeat them in every section.
pub fn candidates(sdp: &str) -> impl Iterator<Item = &str> {
    sdp.lines().filter_map(candidate_line)
}

/// The same with at most so many different candidates, `known` ones counted; nothing where that leaves it as it is.
#[must_use]
pub fn with_candidates_at_most(sdp: &str, most: usize, known: &[String]) -> Option<String> {
    let mut known: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut bounded = String::with_capacity(sdp.len());
    for line in sdp.split_inclusive('\n') {
        if let Some(candidate) = candidate_line(line)
            && !known.contains(&candidate)
        {
            if known.len() >= most {
                continue;
            }
            known.push(candidate);
        }
        bounded.push_str(line);
    }
    (bounded.len() < sdp.len()).then_some(bounded)
}

fn candidate_line(line: &str) -> Option<&str> {
    let attribute = line.trim_end().strip_prefix("a=")?;
    attribute.starts_with("candidate:").then_some(attribute)
}

/// Which side begins the DTLS handshake (`a=setup`, RFC 4145 4): `active`, `passive` or, in offers,
/// `actpass`.
#[must_use]
pub fn setup(sdp: &str) -> Option<&str> {
    value(sdp, "a=setup:")
}

/// The same with this `a=setup` in every section.
#[must_use]
pub fn with_setup(sdp: &str, role: &str) -> String {
    let line = |line: &str| {
        if line.starts_with("a=setup:") {
            format!("a=setup:{role}\r\n")
        } else {
            line.to_owned()
        }
    };
    sdp.split_inclusive('\n').map(line).collect()
}

/// The type, address and protocol words of a `candidate:` attribute (RFC 8839 5.1).
#[must_use]
pub fn candidate_parts(candidate: &str) -> Option<CandidateParts<'_>> {
    let line = candidate.strip_prefix("a=").unwrap_or(candidate);
    let mut words = line.strip_prefix("candidate:")?.split_ascii_whitespace();
    let protocol = words.nth(2)?;
    let address = words.nth(1)?;
    let port = words.next()?.parse().ok()?;
    let kind = (words.next()? == "typ").then(|| words.next())??;
    Some(CandidateParts {
        kind,
        address,
        port,
        protocol,
    })
}

/// The base of a reflexive or relayed candidate, as `raddr … rport …` writes it.
#[must_use]
pub fn related_address(candidate: &str) -> Option<&str> {
    let (_, rest) = candidate.split_once(" raddr ")?;
    let end = rest
        .match_indices(' ')
        .nth(2)
        .map_or(rest.len(), |(at, _)| at);
    Some(&rest[..end])
}

/// Words of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CandidateParts<'a> {
    /// host, srflx, prflx or relay.
    pub kind: &'a str,
    /// IP address or mDNS name.
    pub address: &'a str,
    /// Port.
    pub port: u16,
    /// udp or tcp.
    pub protocol: &'a str,
}

fn value<'a>(sdp: &'a str, prefix: &str) -> Option<&'a str> {
    sdp.lines()
        .find_map(|line| line.trim_end().strip_prefix(prefix))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SDP: &str = "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\na=fingerprint:sha-256 AB:CD\r\na=ice-ufrag:wxyz\r\n";

    #[test]
    fn a_new_version_is_the_same_connection() {
        let again = SDP.replace("4611 2", "4611 3");
        assert_eq!(identity(SDP), identity(&again));
        assert_ne!(version(SDP), version(&again));
        assert_eq!(ufrag(SDP), Some("wxyz"));
        let other = SDP.replace("AB:CD", "AB:CE");
        assert_ne!(identity(SDP), identity(&other));
        assert_eq!(identity("v=0"), None);
    }

    #[test]
    fn what_is_changed_is_only_what_was_asked_for() {
        let candidates = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n";
        let sdp = format!("{SDP}a=setup:active\r\n{candidates}a=mid:0\r\n");
        let bare = without_candidates(&sdp);
        assert_eq!(bare, format!("{SDP}a=setup:active\r\na=mid:0\r\n"));
        assert_eq!(setup(&sdp), Some("active"));
        let turned = with_setup(&sdp, "passive");
        assert_eq!(turned, sdp.replace("setup:active", "setup:passive"));
    }

    #[test]
    fn surplus_candidates_are_left_out_and_repeated_ones_are_no_surplus() {
        let line = |n: u32| format!("a=candidate:{n} 1 udp 1 192.0.2.1 9 typ host\r\n");
        let (one, two, three) = (line(1), line(2), line(3));
        let section = format!("m=audio 9\r\n{one}{two}");
        let sdp = format!("{SDP}{section}{section}{three}a=end-of-candidates\r\n");
        assert_eq!(candidates(&sdp).count(), 5);
        assert_eq!(with_candidates_at_most(&sdp, 3, &[]), None);
        let bounded = with_candidates_at_most(&sdp, 2, &[]);
        assert_eq!(bounded, Some(sdp.replace(&three, "")));
        let known = [
            "candidate:3 1 udp 1 192.0.2.1 9 typ host",
            "candidate:7",
            "candidate:8",
        ];
        let bounded = with_candidates_at_most(&sdp, 2, &known.map(str::to_owned));
        assert_eq!(bounded, Some(sdp.replace(&one, "").replace(&two, "")));
    }

    #[test]
    fn candidates_are_taken_apart_or_refused() {
        let line = "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host";
        let parts = candidate_parts(line).unwrap();
        assert_eq!((parts.kind, parts.address), ("host", "192.0.2.1"));
        assert_eq!((parts.port, parts.protocol), (5000, "udp"));
        for broken in [
            "",
            "candidate:",
            "candidate:1 1 udp",
            "candidate:1 1 udp 1 a b typ host",
            "x",
        ] {
            assert_eq!(candidate_parts(broken), None);
        }
    }
}
