//! The checks on small made-up sources: each must find what it is there for, and nothing else.

use super::checks::{budgets, circles, foreign_crates, manifests, order, purity};
use super::source::Source;
use super::tokens::tokens;

const FOREIGN: &[(&str, &[&str])] = &[
    ("webrtc", &["peer-cli/src/rtc/"]),
    ("rtc", &["peer-cli/src/rtc/"]),
];
const FLOORS: &[&[&str]] = &[&["main"], &["call"], &["rtc", "media"], &["proto"]];

fn files(files: &[(&str, &str)]) -> Vec<Source> {
    files
        .iter()
        .map(|(path, text)| Source::new(path, text))
        .collect()
}

/// The lines at which a source in `call.rs` names a foreign crate.
fn foreign(text: &str) -> Vec<String> {
    foreign_crates(&files(&[("peer-cli/src/call.rs", text)]), FOREIGN)
        .iter()
        .map(|violation| violation.split(' ').take(3).collect::<Vec<_>>().join(" "))
        .collect()
}

/// How many things are wrong with a pure module of this text.
fn impure(text: &str) -> usize {
    purity(&files(&[("peer-cli/src/proto/jitter.rs", text)])).len()
}

#[test]
fn words_are_read_and_literals_are_not() {
    let text = r####"a /* b /* c */ d */ "e \" f" 'g' '\'' b'h' b"i" r#"j " k"# r#match 'life x::y 1.5 // z"####;
    let read: Vec<String> = tokens(text).into_iter().map(|token| token.text).collect();
    assert_eq!(read, ["a", "match", "x", "::", "y", "1", ".", "5"]);
    let lines: Vec<usize> = tokens("a\n\"b\nc\"\n/*\n*/ d")
        .iter()
        .map(|token| token.line)
        .collect();
    assert_eq!(lines, [1, 5]);
}

#[test]
fn a_foreign_crate_is_found_in_every_spelling() {
    for text in [
        "use webrtc::peer::Peer;",
        "use webrtc;",
        "use ::webrtc as w;",
        "use {std::fmt, webrtc::{a, b as c}};",
        "fn f() -> webrtc::Peer { todo!() }",
        "extern crate webrtc;",
        "fn f(x: &::webrtc::Peer) {}",
        "#[webrtc::test] fn f() {}",
        "type T = Vec<webrtc::Peer>;",
        "use rtc::Sample;",
    ] {
        assert!(!foreign(text).is_empty(), "not found: {text}");
    }
    assert_eq!(
        foreign("\n\nuse webrtc::Peer;"),
        ["peer-cli/src/call.rs:3 names webrtc,"]
    );
}

#[test]
fn what_only_looks_like_a_foreign_crate_is_not_one() {
    for text in [
        "// webrtc::Peer\n/// [`webrtc::Peer`]\nfn f() {}",
        "const NAME: &str = \"webrtc::Peer\";",
        "use crate::rtc::Peer;",
        "use crate::rtc; fn f() { rtc::connect() }",
        "use crate::{rtc, proto}; fn f() { rtc::connect() }",
        "mod rtc; pub use rtc::Peer;",
        "fn f(webrtc: u32) -> u32 { webrtc }",
        "fn f() { crate::rtc::connect(); super::rtc::x(); a.rtc::<u8>() }",
    ] {
        assert_eq!(foreign(text), Vec::<String>::new(), "{text}");
    }
    let at_home = files(&[("peer-cli/src/rtc/peer.rs", "use webrtc::Peer;")]);
    assert!(foreign_crates(&at_home, FOREIGN).is_empty());
}

#[test]
fn a_pure_module_is_caught_with_anything_impure() {
    for text in [
        "use std::fs;",
        "use std::{fmt, net::UdpSocket};",
        "use std::net; fn f() { net::TcpStream::connect(a) }",
        "use std::time::Instant; fn f() { Instant::now() }",
        "use std::time as clock; fn f() { clock::Instant::now() }",
        "fn f() { std::thread::sleep(x) }",
        "static S: std::sync::Mutex<u8> = x;",
        "use std::sync::*;",
        "use tokio::sync::mpsc;",
        "async fn f() {}",
        "fn f(since: Instant) { since.elapsed() }",
        "use crate::rtc::Peer;",
        "use crate::Front;",
    ] {
        assert!(impure(text) > 0, "not found: {text}");
    }
    let marked = files(&[(
        "tests/xtask/src/figures.rs",
        "//! Sums.     PURE\nuse std::fs;",
    )]);
    assert_eq!(purity(&marked).len(), 1);
}

#[test]
fn a_pure_module_may_name_values_and_test_as_it_likes() {
    for text in [
        "use std::net::{IpAddr, SocketAddr}; use std::time::{Duration, Instant};",
        "fn f(now: Instant) -> Option<Instant> { None }",
        "use crate::proto::packet::Packet; use super::packet; use shared::Message;",
        "use crate::event::Event;",
        "#[cfg(test)] mod tests { use std::time::Instant; fn f() { Instant::now() } }",
        "#[cfg(all(test, unix))]\n#[allow(dead_code)]\nmod tests { use std::fs; }\nfn after() {}",
    ] {
        assert_eq!(impure(text), 0, "{text}");
    }
    let elsewhere = files(&[
        ("peer-cli/src/rtc/peer.rs", "use std::fs;"),
        ("peer-cli/src/proto/tests.rs", "use std::fs;"),
    ]);
    assert!(purity(&elsewhere).is_empty());
    assert_eq!(
        impure("#[cfg(test)] mod tests { fn f() {} }\nuse std::fs;"),
        1
    );
    assert_eq!(impure("#[cfg(not(test))] use std::fs;"), 1);
}

#[test]
fn rooms_may_look_down_but_not_up_or_sideways() {
    let check = |path: &str, text: &str| {
        let others = [
            ("peer-cli/src/call.rs", ""),
            ("peer-cli/src/rtc/mod.rs", ""),
            ("peer-cli/src/media.rs", ""),
            ("peer-cli/src/event.rs", ""),
        ];
        let mut sources = files(&others);
        sources.retain(|source| source.path != path);
        sources.push(Source::new(path, text));
        order(&sources, "peer-cli", FLOORS, &["event"]).len()
    };
    assert_eq!(
        check(
            "peer-cli/src/call.rs",
            "use crate::{rtc::Peer, media, event};"
        ),
        0
    );
    assert_eq!(check("peer-cli/src/media.rs", "use crate::rtc::Peer;"), 1);
    assert_eq!(
        check(
            "peer-cli/src/rtc/mod.rs",
            "fn f() { crate::call::Call::new() }"
        ),
        1
    );
    assert_eq!(
        check(
            "peer-cli/src/rtc/peer.rs",
            "use super::super::call::Call; use super::track::Track;"
        ),
        1
    );
    assert_eq!(check("peer-cli/src/event.rs", "use crate::call::Call;"), 1);
    assert_eq!(check("peer-cli/src/media.rs", "use crate::Peer;"), 1);
    assert_eq!(check("peer-cli/src/attic.rs", ""), 1);
    assert_eq!(
        check("peer-cli/src/main.rs", "use peer_cli::{call, Front};"),
        0
    );
    assert_eq!(
        check(
            "peer-cli/src/media.rs",
            "#[cfg(test)] mod tests { use crate::rtc::Peer; }"
        ),
        0
    );
}

#[test]
fn circles_are_found_on_every_level() {
    let none = [
        ("shared/src/lib.rs", "mod a; mod b; pub use a::X;"),
        ("shared/src/a.rs", "use crate::b::B; use super::b;"),
        ("shared/src/b.rs", ""),
    ];
    assert!(circles(&files(&none)).is_empty());
    let direct = [
        ("shared/src/a.rs", "use crate::b::B;"),
        ("shared/src/b.rs", "fn f() { super::a::g() }"),
    ];
    assert_eq!(circles(&files(&direct)), ["shared: a ▶ b ▶ a"]);
    let long = [
        ("peer-cli/src/rtc/mod.rs", "mod x; mod y; mod z;"),
        ("peer-cli/src/rtc/x.rs", "use super::y::Y;"),
        ("peer-cli/src/rtc/y.rs", "use crate::rtc::z;"),
        ("peer-cli/src/rtc/z.rs", "mod deep;"),
        ("peer-cli/src/rtc/z/deep.rs", "use super::super::x::X;"),
    ];
    assert_eq!(
        circles(&files(&long)),
        ["peer-cli: rtc::x ▶ rtc::y ▶ rtc::z ▶ rtc::x"]
    );
    let family = [
        ("shared/src/a.rs", "mod c; use c::C;"),
        ("shared/src/a/c.rs", "use super::A;"),
    ];
    assert!(circles(&files(&family)).is_empty());
}

#[test]
fn manifests_are_read() {
    let check = |path: &str, text: &str| manifests(&files(&[(path, text)]));
    assert!(
        check(
            "shared/Cargo.toml",
            "[dependencies]\nserde.workspace = true\n[dev-dependencies]\nproptest = \"1\""
        )
        .is_empty()
    );
    assert_eq!(
        check("shared/Cargo.toml", "[dependencies]\ntokio = \"1\""),
        ["shared depends on tokio"]
    );
    assert_eq!(
        check(
            "signaling/Cargo.toml",
            "[dev-dependencies]\npeer-cli.workspace = true"
        ),
        ["signaling depends on peer-cli"]
    );
    assert_eq!(
        check(
            "peer-cli/Cargo.toml",
            "[dependencies.signaling]\npath = \"../signaling\""
        ),
        ["peer-cli depends on signaling"]
    );
    assert_eq!(
        check(
            "peer-cli/Cargo.toml",
            "[target.'cfg(unix)'.dependencies]\nsignaling = {}"
        ),
        ["peer-cli depends on signaling"]
    );
    assert!(
        check(
            "peer-cli/Cargo.toml",
            "[features]\nsignaling = []\n[dependencies]\n# signaling = 1\nanyhow = \"1\""
        )
        .is_empty()
    );
}

#[test]
fn long_files_and_empty_names_are_told() {
    let lines = |count: usize| "\n".repeat(count);
    let check = |path: &str, count: usize| {
        let report = budgets(&[Source::new(path, &lines(count))]);
        (report.violations.len(), report.long.len())
    };
    assert_eq!(check("shared/src/a.rs", 300), (0, 0));
    assert_eq!(check("shared/src/a.rs", 301), (0, 1));
    assert_eq!(check("shared/src/a.rs", 401), (1, 0));
    assert_eq!(check("shared/src/a/tests.rs", 401), (0, 0));
    assert_eq!(check("shared/src/main.rs", 81), (1, 0));
    assert_eq!(check("shared/src/utils.rs", 1), (1, 0));
    assert_eq!(check("shared/src/common/a.rs", 1), (1, 0));
}

#[test]
fn long_functions_are_told() {
    let check = |path: &str, lines: usize| {
        let body = "\n".repeat(lines - 1);
        let text = format!(
            "trait T {{ fn no_body(self); }}\nimpl X {{ async fn f<T>(a: [u8; 4]) -> fn(u8) where T: U {{{body}}} }}\n"
        );
        let report = budgets(&[Source::new(path, &text)]);
        (report.violations.len(), report.long.len())
    };
    assert_eq!(check("shared/src/a.rs", 50), (0, 0));
    assert_eq!(check("shared/src/a.rs", 51), (0, 1));
    assert_eq!(check("shared/src/a.rs", 61), (1, 0));
    assert_eq!(check("shared/src/a/tests.rs", 61), (0, 0));
}
