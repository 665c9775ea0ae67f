//! Single values: what may be written and what is said otherwise.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::{Host, Url};

use crate::audio::spec::SinkSpec;
use crate::proto::packet::Codec;
use crate::proto::quantity;

/// Characters in a name or room.
const LONGEST_NAME: usize = 64;

/// Opus bit rates, bit/s, RFC 6716 section 2.1.1.
const BITRATES: std::ops::RangeInclusive<u64> = 6_000..=510_000;

/// The shortest interval of statistics.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Where a signaling server has its socket unless the URL says otherwise.
const DEFAULT_PATH: &str = "/socket";

/// A room.
pub(super) fn room(text: &str) -> Result<String, String> {
    word(text, "a room")
}

/// A peer's name, or its id.
pub(super) fn name(text: &str) -> Result<String, String> {
    word(text, "a name")
}

fn word(text: &str, what: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.is_empty() {
        return Err(format!("{what} has at least one character"));
    }
    if let Some(other) = text.chars().find(|&c| !allowed(c)) {
        return Err(format!(
            "{what} has only letters a to z, digits, \".\", \"_\" and \"-\", not {other:?}"
        ));
    }
    if text.len() > LONGEST_NAME {
        return Err(format!(
            "{what} has at most {LONGEST_NAME} characters, not {}",
            text.len()
        ));
    }
    Ok(text.to_owned())
}

/// A duration above 0.
pub(super) fn period(text: &str) -> Result<Duration, String> {
    match quantity::duration(text)? {
        Duration::ZERO => Err("must be more than 0".to_owned()),
        duration => Ok(duration),
    }
}

/// The interval of `--stats`; a word after it was probably meant as the room.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let hint = |reason| format!("{reason}; to name a room after it, write --stats=1s {text}");
    let interval = quantity::duration(text).map_err(|reason| {
        if room(text).is_ok() {
            hint(reason)
        } else {
            reason
        }
    })?;
    if interval < SHORTEST_INTERVAL {
        return Err(format!(
            "must be at least {}",
            quantity::written(SHORTEST_INTERVAL)
        ));
    }
    Ok(interval)
}

/// A file for both sides of a call.
pub(super) fn recording(text: &str) -> Result<PathBuf, String> {
    match format!("file:{text}").parse() {
        Ok(SinkSpec::File(path)) if !text.starts_with("file:") => Ok(path),
        _ => Err("must be a file that ends in .wav, .ogg or .opus".to_owned()),
    }
}

/// Sound in one packet, ms.
pub(super) fn ptime(text: &str) -> Result<u32, String> {
    match text {
        "10" => Ok(10),
        "20" => Ok(20),
        "40" => Ok(40),
        "60" => Ok(60),
        _ => Err("not one of 10, 20, 40, 60 (ms)".to_owned()),
    }
}

/// An Opus bit rate.
pub(super) fn bitrate(text: &str) -> Result<u32, String> {
    let rate = quantity::bit_rate(text)?;
    let wrong = || "must be from 6k to 510k bit/s".to_owned();
    if BITRATES.contains(&rate) {
        u32::try_from(rate).map_err(|_| wrong())
    } else {
        Err(wrong())
    }
}

/// A codec.
pub(super) fn codec(text: &str) -> Result<Codec, String> {
    Codec::named(text).ok_or_else(|| format!("no codec \"{text}\" (opus, pcmu or pcma)"))
}

/// An address of this machine.
pub(super) fn bind(text: &str) -> Result<IpAddr, String> {
    let wrong = || "not an IP address (write 192.168.1.4 or fe80::1)".to_owned();
    let address: IpAddr = text.parse().map_err(|_| wrong())?;
    if address.is_unspecified() {
        return Err("stands for every address, which is the default (leave it out)".to_owned());
    }
    if address.is_multicast() {
        return Err("is a multicast address, not one of this machine".to_owned());
    }
    Ok(address)
}

/// A web origin, as browsers send it.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let wrong = || "not a web origin (write https://example.org or http://host:8000)".to_owned();
    let url = Url::parse(text).map_err(|_| wrong())?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    let origin = url.origin();
    if !(origin.is_tuple() && bare && anonymous) {
        return Err(wrong());
    }
    Ok(origin.ascii_serialization())
}

/// A signaling server without, and its room, if it names one. Messages never repeat a query or credentials.
pub(super) fn server(text: &str) -> Result<(Url, Option<String>), String> {
    let shown = without_secrets(text);
    let Some((scheme, rest)) = shown.split_once("://") else {
        return Err(format!(
            "\"{shown}\" is not a WebSocket URL (did you mean ws://{shown}?)"
        ));
    };
    let mut url = Url::parse(text)
        .map_err(|reason| format!("\"{shown}\" is not a WebSocket URL: {reason}"))?;
    match url.scheme() {
        "ws" | "wss" => {}
        "http" => {
            return Err(format!(
                "\"{shown}\" is not a WebSocket URL (did you mean ws://{rest}?)"
            ));
        }
        "https" => {
            return Err(format!(
                "\"{shown}\" is not a WebSocket URL (did you mean wss://{rest}?)"
            ));
        }
        _ => {
            return Err(format!(
                "\"{shown}\" is not a WebSocket URL: {scheme}:// is not ws:// or wss://"
            ));
        }
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "\"{shown}\" carries a user or password, which WebSocket servers do not take that way"
        ));
    }
    url.set_fragment(None);
    if !rest.contains('/') {
        url.set_path(DEFAULT_PATH);
    }
    let room = take_room(&mut url)?;
    Ok((url, room))
}

/// The URL with this token in place of its own; an empty one is none.
pub(super) fn with_token(mut url: Url, token: Option<&str>) -> Url {
    if let Some(token) = token.filter(|token| !token.is_empty()) {
        let others: Vec<_> = url.query_pairs().into_owned().collect();
        let others = others.into_iter().filter(|(key, _)| key != "token");
        url.query_pairs_mut()
            .clear()
            .extend_pairs(others)
            .append_pair("token", token);
    }
    url
}

/// Takes `room=…` out of the query.
fn take_room(url: &mut Url) -> Result<Option<String>, String> {
    let (rooms, others): (Vec<_>, Vec<_>) = url
        .query_pairs()
        .into_owned()
        .partition(|(key, _)| key == "room");
    let Some((_, first)) = rooms.into_iter().next() else {
        return Ok(None);
    };
    url.set_query(None);
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    room(&first)
        .map(Some)
        .map_err(|reason| format!("the server's URL names a wrong room: {reason}"))
}

/// The URL up to its query, with `…@` in place of credentials.
fn without_secrets(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or(text);
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let elided = if host.len() < authority.len() {
        "…@"
    } else {
        ""
    };
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{elided}{host}{path}")
}

/// Whether a server is on this machine.
pub(super) fn is_loopback(server: &Url) -> bool {
    match server.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
