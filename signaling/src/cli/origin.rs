//! Web origins as browsers send them: RFC 6454 section 6.2. PURE

use url::Url;

/// What pages without an origin of their own send: RFC 6454 section 6.1.
const OPAQUE: &str = "null";
/// What Chromium sends for pages in files of this machine, as in Electron.
const FILES: &str = "file://";

/// `scheme://host[:port]`, in the one form that a browser sends: lower case, other scripts as punycode, without the port that
/// goes without saying.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let wrong = |what: &str| Err(format!("{what}: write https://example.org"));
    // As in a list with a space behind each comma.
    let text = text.trim();
    let plain = text.to_ascii_lowercase();
    if plain == OPAQUE || plain == FILES {
        return Ok(plain);
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return wrong("not a web origin");
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '\\', '?', '#', '@']) {
        return wrong("an origin is a scheme, a host and perhaps a port, nothing else");
    }
    if rest.contains('*') {
        return wrong("an origin stands for itself alone, and there may be many");
    }
    if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return wrong("not a web origin");
    }
    let url = match Url::parse(&format!("{scheme}://{rest}")) {
        Ok(url) => url,
        Err(why) => return wrong(&format!("not a web origin ({why})")),
    };
    if let scheme @ ("ws" | "wss") = url.scheme() {
        let page = scheme.replacen("ws", "http", 1);
        return wrong(&format!(
            "a page has the origin that it comes from, {page}://…"
        ));
    }
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return wrong("the host is missing");
    };
    let port = url.port().map(|port| format!(":{port}"));
    let port = port.unwrap_or_default();
    Ok(format!("{}://{host}{port}", url.scheme()).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_what_a_browser_sends() {
        for (written, sent) in [
            ("https://example.org", "https://example.org"),
            ("HTTPS://Example.ORG/", "https://example.org"),
            ("https://example.org:443", "https://example.org"),
            ("http://example.org:80/", "http://example.org"),
            ("https://example.org:80", "https://example.org:80"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://192.0.2.1:8080/", "http://192.0.2.1:8080"),
            ("http://[2001:DB8::1]:80", "http://[2001:db8::1]"),
            ("https://Bücher.example", "https://xn--bcher-kva.example"),
            (" https://a ", "https://a"),
            ("null", "null"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
            ("capacitor://localhost/", "capacitor://localhost"),
            ("app://Local:1", "app://local:1"),
            ("file://", "file://"),
        ] {
            assert_eq!(origin(written), Ok(sent.to_owned()), "{written}");
        }
    }

    #[test]
    fn what_is_none_says_what_to_write() {
        for (written, why) in [
            ("", "not a web origin"),
            ("example.org", "not a web origin"),
            ("example.org:443", "not a web origin"),
            ("*", "not a web origin"),
            ("https:example.org", "not a web origin"),
            ("https://", "not a web origin"),
            ("https:///", "not a web origin"),
            ("https://a/x", "nothing else"),
            ("https://a//", "nothing else"),
            ("https://a?x", "nothing else"),
            ("https://a#x", "nothing else"),
            ("https://u@a", "nothing else"),
            ("https://a\\x", "nothing else"),
            ("https://*.example.org", "for itself alone"),
            ("https://a b", "not a web origin"),
            ("https://a:99999", "invalid port"),
            ("1a://b", "not a web origin"),
            ("app://", "the host is missing"),
            ("wss://example.org", "https://…"),
            ("ws://example.org", "http://…"),
        ] {
            let said = origin(written).unwrap_err();
            assert!(said.contains(why), "{written:?}: {said}");
            assert!(said.ends_with("write https://example.org"), "{said}");
        }
    }
}
