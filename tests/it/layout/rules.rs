//! The rules themselves: change them together with the map in README.md.

/// A foreign crate and the places (beginnings of paths) that may name it: its upgrade touches one folder.
pub(crate) const FOREIGN: &[(&str, &[&str])] = &[
    ("axum", &["signaling/src/http", "tests/"]),
    ("http_body_util", &["signaling/src/auth/webhook.rs"]),
    ("hyper", &["signaling/src/auth/webhook.rs"]),
    ("hyper_rustls", &["signaling/src/auth/webhook.rs"]),
    ("hyper_util", &["signaling/src/auth/webhook.rs"]),
    ("ipnet", &["signaling/src/forwarded"]),
    ("jsonwebtoken", &["signaling/src/auth"]),
    ("ring", &["signaling/src/auth"]),
    ("signature", &["signaling/src/auth"]),
    ("prometheus_client", &["signaling/src/metrics"]),
    ("async_nats", &["signaling/src/backplane/nats.rs"]),
    ("flate2", &["signaling/src/http/page.rs"]),
    ("webrtc", &["peer-cli/src/rtc/", "tests/"]),
    ("rtc", &["peer-cli/src/rtc/", "tests/"]),
    (
        "socket2",
        &[
            "peer-cli/src/rtc/",
            "signaling/src/http/wire.rs",
            "signaling/src/relay/",
            "tests/wsload/",
        ],
    ),
    ("mio", &["tests/wsload/"]),
    ("quinn_udp", &["signaling/src/relay/udp.rs"]),
    ("stun_types", &["signaling/src/relay/turn", "tests/"]),
    ("turn_types", &["signaling/src/relay/turn", "tests/"]),
    ("hmac", &["signaling/src/relay/credentials.rs"]),
    ("sha1", &["signaling/src/relay/credentials.rs"]),
    ("cpal", &["peer-cli/src/audio/device"]),
    ("rtrb", &["peer-cli/src/audio/", "peer-cli/src/voice/"]),
    ("rubato", &["peer-cli/src/audio/", "peer-cli/src/voice/"]),
    ("sonora", &["peer-cli/src/voice/"]),
    ("symphonia", &["peer-cli/src/audio/"]),
    ("ogg", &["peer-cli/src/audio/"]),
    ("hound", &["peer-cli/src/audio/"]),
    ("opusic_c", &["peer-cli/src/codec/"]),
    ("tokio_tungstenite", &["peer-cli/src/signal/", "tests/"]),
    (
        "rustls",
        &[
            "peer-cli/src/net/",
            "peer-cli/tests/process/gate.rs",
            "signaling/src/auth/webhook.rs",
            "signaling/src/tls",
            "signaling/tests/operations/acme.rs",
            "signaling/tests/operations/tls.rs",
            "signaling/tests/operations/webhook.rs",
            "tests/",
        ],
    ),
    ("x509_parser", &["signaling/src/tls"]),
    ("toml", &["signaling/src/cli/file"]),
    (
        "tokio_rustls",
        &[
            "peer-cli/src/net/",
            "peer-cli/tests/process/gate.rs",
            "signaling/src/tls",
            "tests/",
        ],
    ),
    (
        "rustls_native_certs",
        &["peer-cli/src/net/", "signaling/src/tls"],
    ),
    ("rustls_acme", &["signaling/src/tls/acme.rs"]),
    ("httparse", &["peer-cli/src/net/"]),
    ("percent_encoding", &["peer-cli/src/net/"]),
    ("sha2", &["signaling/src/"]),
    (
        "clap",
        &[
            "signaling/src/cli",
            "signaling/src/main.rs",
            "peer-cli/src/cli",
            "peer-cli/src/main.rs",
            "tests/",
        ],
    ),
];

/// Places (beginnings of paths) that are pure; so is every file whose first line ends with the word `PURE`.
pub(crate) const PURE: &[&str] = &[
    "shared/src/",
    "signaling/src/backplane/address",
    "signaling/src/elsewhere",
    "signaling/src/envelope",
    "signaling/src/exchange",
    "signaling/src/forwarded",
    "signaling/src/grant",
    "signaling/src/hub",
    "signaling/src/identity",
    "signaling/src/limits",
    "signaling/src/mesh",
    "signaling/src/relay/credentials",
    "signaling/src/relay/frame",
    "signaling/src/relay/ice_servers",
    "signaling/src/relay/policy",
    "signaling/src/relay/turn",
    "signaling/src/relay/url",
    "signaling/src/switchboard/farewells",
    "signaling/src/text",
    "signaling/src/verdict",
    "peer-cli/src/proto/",
    "peer-cli/src/checks",
];

/// What a pure module may not name: beginnings of paths.
pub(crate) const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::hash::RandomState",
    "std::collections::hash_map::RandomState",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::net::*",
    "std::os",
    "std::process",
    "std::sync::*",
    "std::sync::Condvar",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::sync::mpsc",
    "std::thread",
    "std::time::*",
    "std::time::Instant::now",
    "std::time::SystemTime",
    "axum",
    "cpal",
    "fastrand",
    "futures_util",
    "getrandom",
    "if_addrs",
    "opusic_c",
    "rand",
    "rtc",
    "socket2",
    "tokio",
    "tokio_tungstenite",
    "tokio_util",
    "tracing",
    "webrtc",
];

/// Words that a pure module may not contain at all: reading the clock through a value, and tasks.
pub(crate) const IMPURE_WORDS: &[&str] = &["elapsed", "async", "await"];

/// The rooms of `peer-cli` from the top of the house down. A room imports from lower floors only, never from its own.
///
/// `cli` stands below `call` for the options as values; what is typed never reaches further down.
pub(crate) const PEER_ORDER: &[&[&str]] = &[
    &["main"],
    &["app"],
    &["output"],
    &["call"],
    &["cli", "doctor", "stats"],
    &["signal", "rtc", "media"],
    &["voice"],
    &["audio", "net"],
    &["codec"],
    &["checks"],
    &["proto"],
    &["entropy"],
];

/// Values that every room may import, and that import nothing but each other.
pub(crate) const PEER_VALUES: &[&str] = &["event", "exit"];

/// A crate (its folder) and all that it may depend on.
pub(crate) const ONLY: &[(&str, &[&str])] = &[
    ("shared", &["serde", "serde_json"]),
    (
        "tests/lab",
        &["anyhow", "data-encoding", "serde_json", "tungstenite"],
    ),
    ("tests/xtask", &["anyhow", "clap", "lab", "serde_json"]),
];

/// A crate (its folder) and what it may never depend on, not even for its tests.
pub(crate) const NEVER: &[(&str, &[&str])] = &[
    ("shared", &["signaling", "peer-cli", "tests"]),
    (
        "signaling",
        &["peer-cli", "tests", "webrtc", "rtc", "opus", "cpal"],
    ),
    ("peer-cli", &["signaling", "tests", "axum"]),
];

/// Lines of a file: above the first it is named, above the second it is too long.
pub(crate) const LONG: usize = 300;
pub(crate) const TOO_LONG: usize = 400;
/// Lines of a function that is shipped: above the first it is named, above the second it is too long.
pub(crate) const LONG_FUNCTION: usize = 50;
pub(crate) const TOO_LONG_FUNCTION: usize = 60;
/// Lines of a `main.rs`: parse, log, run, exit code.
pub(crate) const MAIN: usize = 80;

/// Names that tell nothing about what is inside.
pub(crate) const EMPTY_NAMES: &[&str] = &[
    "common", "helper", "helpers", "manager", "misc", "util", "utils",
];
