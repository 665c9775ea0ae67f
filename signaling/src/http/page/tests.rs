#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// Bytes that a browser fetches to have the page.
const MAX_WEIGHT: usize = 60 * 1024;

fn file(path: &str) -> File {
    files().find(|file| file.path == path).unwrap()
}

fn asking(headers: &[(HeaderName, &str)]) -> HeaderMap {
    let pairs = headers.iter();
    pairs
        .map(|(name, value)| (name.clone(), value.parse().unwrap()))
        .collect()
}

fn header_of(response: &Response, name: &str) -> String {
    let value = response.headers().get(name);
    value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES
        .iter()
        .map(|(path, _, bytes)| (*path, str::from_utf8(bytes).unwrap()))
}

#[test]
fn the_page_is_light() {
    let weight: usize = files().map(|file| file.packed.len()).sum();
    assert!(weight <= MAX_WEIGHT, "{weight} bytes");
}

#[test]
fn everything_in_the_folder_is_served_and_referred_to() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let there: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| format!("/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    let name = |path: &str| match path {
        ENTRY => "/index.html".to_owned(),
        path => path.to_owned(),
    };
    let served: BTreeSet<String> = FILES.iter().map(|(path, ..)| name(path)).collect();
    assert_eq!(there, served);
    let entry = texts().next().unwrap().1;
    for path in served.iter().filter(|path| *path != "/index.html") {
        // Each module once more beside main.js, so that a browser asks for all of them at once.
        assert!(entry.contains(&format!("\"{path}\"")), "{path}");
    }
}

#[test]
fn every_module_that_is_imported_is_there() {
    for (path, text) in texts().filter(|(path, _)| path.ends_with(".js")) {
        for import in text.split("from './").skip(1) {
            let name = import.split('\'').next().unwrap();
            assert!(
                FILES.iter().any(|(path, ..)| *path == format!("/{name}")),
                "{path} imports {name}"
            );
        }
    }
}

#[test]
fn nothing_is_fetched_from_elsewhere_and_nothing_is_inline() {
    for (path, text) in texts() {
        for (at, _) in text.match_indices("//").filter(|(at, _)| {
            let before = &text[..*at];
            before.ends_with("http:") || before.ends_with("https:")
        }) {
            let rest = &text[at..];
            assert!(
                rest.starts_with("//www.w3.org/2000/svg"),
                "{path}: {}",
                &rest[..30]
            );
        }
        for inline in [
            "<style",
            " style=\"",
            " onclick=",
            "javascript:",
            "innerHTML",
            "console.",
        ] {
            assert!(!text.contains(inline), "{path}: {inline}");
        }
    }
}

#[test]
fn a_browser_that_has_it_is_told_so() {
    let page = file(ENTRY);
    let first = page.answer(&asking(&[]));
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(header_of(&first, "content-type"), HTML);
    assert_eq!(header_of(&first, "cache-control"), "no-cache");
    let tag = header_of(&first, "etag");
    for (asked, status) in [
        (tag.as_str(), StatusCode::NOT_MODIFIED),
        ("*", StatusCode::NOT_MODIFIED),
        ("W/\"other\"", StatusCode::OK),
    ] {
        let again = page.answer(&asking(&[(header::IF_NONE_MATCH, asked)]));
        assert_eq!(again.status(), status, "{asked}");
        assert_eq!(header_of(&again, "etag"), tag);
    }
    let several = format!("\"x\", {tag}");
    let again = page.answer(&asking(&[(header::IF_NONE_MATCH, &several)]));
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_ne!(tag, file("/main.js").tag);
}

#[test]
fn it_is_packed_for_whom_it_may_be() {
    for (accepted, packed) in [
        ("gzip, deflate, br", true),
        ("br;q=1.0, gzip;q=0.8", true),
        ("gzip;q=0", false),
        ("identity", false),
    ] {
        let asked = asking(&[(header::ACCEPT_ENCODING, accepted)]);
        let encoding = header_of(&file("/main.js").answer(&asked), "content-encoding");
        assert_eq!(encoding == "gzip", packed, "{accepted}");
    }
}

#[test]
fn the_policy_names_this_host_and_cannot_be_written_by_it() {
    let of = |host: &str| policy(&asking(&[(header::HOST, host)]));
    for host in ["127.0.0.1:8080", "[::1]:8080", "example.org", "my_host-1"] {
        let expected = format!("connect-src 'self' ws://{host} wss://{host}; ");
        assert!(of(host).contains(&expected), "{}", of(host));
    }
    for host in ["a; script-src *", "a;b", "a,b", "u@h", "a'b", "*"] {
        assert!(
            of(host).contains("connect-src 'self'; "),
            "{host}: {}",
            of(host)
        );
    }
    assert!(policy(&asking(&[])).starts_with("default-src 'none'; script-src 'self'; "));
}

#[test]
fn browsers_are_told_from_others() {
    for (accepted, is_browser) in [
        ("text/html,application/xhtml+xml,*/*;q=0.8", true),
        ("application/json, text/html;q=0.9", true),
        ("*/*", false),
        ("text/plain", false),
    ] {
        assert_eq!(
            takes_html(&asking(&[(header::ACCEPT, accepted)])),
            is_browser
        );
    }
}
