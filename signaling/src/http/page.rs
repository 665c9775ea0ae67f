//! The page: a browser's peer, in files that are part of this program. What is served of them, and how.

use std::io::Write;

use axum::body::{Body, Bytes};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Bytes of a hash that tell one version of a file from another.
const TAG: usize = 12;

macro_rules! files {
    ($($path:literal $kind:ident $file:literal),+ $(,)?) => {
        &[$(($path, $kind, include_bytes!(concat!("../../web/", $file)))),+]
    };
}

/// Path, media type, content.
const FILES: &[(&str, &str, &[u8])] = files![
    "/" HTML "index.html",
    "/style.css" CSS "style.css",
    "/favicon.svg" SVG "favicon.svg",
    "/main.js" SCRIPT "main.js",
    "/calls.js" SCRIPT "calls.js",
    "/chat.js" SCRIPT "chat.js",
    "/connection.js" SCRIPT "connection.js",
    "/exchange.js" SCRIPT "exchange.js",
    "/memory.js" SCRIPT "memory.js",
    "/messages.js" SCRIPT "messages.js",
    "/negotiation.js" SCRIPT "negotiation.js",
    "/plot.js" SCRIPT "plot.js",
    "/recovery.js" SCRIPT "recovery.js",
    "/sdp.js" SCRIPT "sdp.js",
    "/session.js" SCRIPT "session.js",
    "/share.js" SCRIPT "share.js",
    "/signaling.js" SCRIPT "signaling.js",
    "/sound.js" SCRIPT "sound.js",
    "/stats.js" SCRIPT "stats.js",
    "/view.js" SCRIPT "view.js",
    "/words.js" SCRIPT "words.js",
];

/// Where its entry is.
pub(super) const ENTRY: &str = "/";

/// One file, ready to be served.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) path: &'static str,
    kind: &'static str,
    plain: &'static [u8],
    /// RFC 1952.
    packed: Bytes,
    /// RFC 9110 section 8.8.3; weak, since packed and plain share it.
    tag: String,
}

/// All of them.
pub(super) fn files() -> impl Iterator<Item = File> {
    FILES.iter().map(|&(path, kind, plain)| {
        let hash = Sha256::digest(plain);
        File {
            path,
            kind,
            plain,
            packed: pack(plain),
            tag: format!("W/\"{}\"", BASE64URL_NOPAD.encode(&hash[..TAG])),
        }
    })
}

fn pack(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Into memory, which does not fail.
    let packed = encoder.write_all(plain).and_then(|()| encoder.finish());
    packed.unwrap_or_default().into()
}

impl File {
    /// Answers a request for it.
    pub(super) fn answer(&self, asked: &HeaderMap) -> Response {
        let mut response = if self.is_known(asked) {
            StatusCode::NOT_MODIFIED.into_response()
        } else if !self.packed.is_empty() && takes_gzip(asked) {
            let encoding = [(header::CONTENT_ENCODING, "gzip")];
            (encoding, Body::from(self.packed.clone())).into_response()
        } else {
            Body::from(self.plain).into_response()
        };
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set(header::CONTENT_TYPE, self.kind);
        set(header::ETAG, &self.tag);
        set(header::CACHE_CONTROL, "no-cache");
        set(header::VARY, "Accept, Accept-Encoding");
        set(header::CONTENT_SECURITY_POLICY, &policy(asked));
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(header::REFERRER_POLICY, "no-referrer");
        set(
            HeaderName::from_static("permissions-policy"),
            "microphone=(self), camera=(), geolocation=()",
        );
        response
    }

    /// Whether the browser has this version.
    fn is_known(&self, asked: &HeaderMap) -> bool {
        words(asked, &header::IF_NONE_MATCH).any(|tag| tag == self.tag || tag == "*")
    }
}

/// Whether somebody asks with a browser, who is shown the page; others read plain words.
pub(super) fn takes_html(asked: &HeaderMap) -> bool {
    words(asked, &header::ACCEPT).any(|kind| kind.split(';').next() == Some("text/html"))
}

fn takes_gzip(asked: &HeaderMap) -> bool {
    words(asked, &header::ACCEPT_ENCODING).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip") && !parts.any(|part| matches!(part, "q=0" | "q=0.0"))
    })
}

/// The members of a header that is a list.
fn words<'a>(asked: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = asked.get_all(name).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',').map(str::trim))
}

/// Nothing but what this server serves, and its WebSocket: not every browser lets `'self'` stand for `ws:`.
fn policy(asked: &HeaderMap) -> String {
    let socket = host(asked).map(|host| format!(" ws://{host} wss://{host}"));
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        socket.unwrap_or_default()
    )
}

/// What the browser calls this server: a name or address with its port, and nothing that means something in a policy.
pub(super) fn host(asked: &HeaderMap) -> Option<&str> {
    let host = asked.get(header::HOST)?.to_str().ok()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    (host.chars().all(is_plain) && host.parse::<Authority>().is_ok()).then_some(host)
}

#[cfg(test)]
mod tests;
