//! A way that a call takes: through a relay only.

use lab::BrowserKind;

use super::{Caller, Ours};
use crate::browser::listening::ENOUGH;
use crate::browser::peers::{Server, TONE};
use crate::browser::{browser, tone};

/// Sound through the relay of the server itself, and the page says so; whoever calls, it shows no other address.
fn is_relayed(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page: through a relay only") else {
        return;
    };
    let server = Server::start_with(&["--relay", "127.0.0.1:0", "--relay-allow-private"]);
    for caller in Caller::BOTH {
        let page = Ours::join(&browser, &server, "ann");
        page.presses("#relay-only");
        let mut peer = page.meets(caller, &server, &[]);
        page.has("path", "relay");
        page.hears(TONE);
        peer.hears(tone(kind), ENOUGH);
        page.hangs_up();
        for candidate in peer.ended_after("candidate") {
            let shown = candidate["direction"] == "remote" && candidate["type"] != "relay";
            assert!(!shown, "{caller:?}: {candidate}");
        }
        page.ends_well();
    }
}

#[test]
fn a_relay_only_carries_it_in_chromium() {
    is_relayed(BrowserKind::Chromium);
}

#[test]
fn a_relay_only_carries_it_in_firefox() {
    is_relayed(BrowserKind::Firefox);
}
