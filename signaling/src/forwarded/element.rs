//! One hop of a chain of proxies.                                                                                   PURE

use std::net::{IpAddr, SocketAddr};

/// What one proxy says of whoever asked it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// `None` where it keeps that to itself (`unknown`, `_hidden`) or writes nonsense.
    pub(super) ip: Option<IpAddr>,
    pub(super) proto: Option<String>,
    pub(super) host: Option<String>,
}

impl Element {
    /// An address alone, as `X-Forwarded-For` has it; some proxies add the port.
    pub(super) fn node(text: &str) -> Self {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        let ip = bare.parse().ok();
        let ip = ip.or_else(|| text.parse().ok().map(|addr: SocketAddr| addr.ip()));
        Self {
            ip: ip.map(|ip: IpAddr| ip.to_canonical()),
            ..Self::default()
        }
    }
}

/// All elements of all `Forwarded` headers, RFC 7239 section 4.
pub(super) fn all(values: &[&str]) -> Vec<Element> {
    let elements = values.iter().flat_map(|value| split(value, ','));
    elements.filter(|e| !e.is_empty()).map(element).collect()
}

fn element(text: &str) -> Element {
    let mut found = Element::default();
    for pair in split(text, ';') {
        let Some((name, value)) = pair.split_once('=') else {
            continue;
        };
        let value = unquoted(value.trim());
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => found.ip = Element::node(&value).ip,
            "proto" => found.proto = Some(value),
            "host" => found.host = Some(value),
            _ => {}
        }
    }
    found
}

/// At a separator outside of quotes.
fn split(text: &str, at: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(move |c| {
        let separates = c == at && !quoted;
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        separates
    });
    parts.map(str::trim).collect()
}

/// RFC 9110 section 5.6.4.
fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut escaped = false;
    let plain = inner.chars().filter(|c| {
        escaped = *c == '\\' && !escaped;
        !escaped
    });
    plain.collect()
}
