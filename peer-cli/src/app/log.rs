//! The log on stderr.

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts it: `-v` shows what this program does, `-vv` also what the crates below it do. `RUST_LOG` wins.
pub(super) fn start(verbosity: u8) {
    let default = match verbosity {
        0 => "off",
        1 => "peer_cli=info",
        _ => "peer_cli=debug,webrtc=warn,rtc=warn",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let out = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colour)
        .finish();
    // A second call in one process (a test) keeps the first subscriber.
    let _ = out.with(filter_fn(may_be_told)).try_init();
}

/// Whatever `RUST_LOG` says. The WebSocket crate traces its request and frames, with the server's token, our own secret and
/// credentials for relays in them; the ICE crate's log of what it was started with has the password of the session.
fn may_be_told(what: &Metadata<'_>) -> bool {
    let from = |name: &str| what.target().split("::").next() == Some(name);
    let frames = from("tungstenite") && *what.level() == Level::TRACE;
    let session = from("rtc_ice") && *what.level() == Level::DEBUG;
    !(frames || session)
}
