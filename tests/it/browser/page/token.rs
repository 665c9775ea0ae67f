//! A server that asks for a token: the page has it in its address, behind the `#`.

use std::path::Path;

use lab::BrowserKind;

use super::Ours;
use crate::browser::browser;
use crate::browser::peers::{Peer, Server, TONE};

/// Signed with the private half of `tests/fixtures/token/public.pem`, for the room `kitchen` alone: until 2100, and until 2017.
const GOOD: &str = "eyJhbGciOiAiRWREU0EiLCAidHlwIjogIkpXVCJ9.eyJyb29tIjogImtpdGNoZW4iLCAiZXhwIjogNDEwMjQ0NDgwMH0.\
                    IyI9f4XFd5OXg-8p0Dt0Kwz7yErLQYvOcq4cqwWmUyrFvvcSg1cymNr1ixJYif1K16wYV9VdC9_A_gnvNEmtAA";
const OVER: &str = "eyJhbGciOiAiRWREU0EiLCAidHlwIjogIkpXVCJ9.eyJyb29tIjogImtpdGNoZW4iLCAiZXhwIjogMTUwMDAwMDAwMH0.\
                    ze_RjbMvAVU8SsQPyu_IH89cU0ITEEzS-GXfH3G2G8I7mUbtlh4NKAUiApCwiaAcLpLUnXXXwawWXtrPSyrNBw";

/// It is told why, and does not try again.
fn is_refused(page: &Ours, why: &str) {
    page.presses("#enter");
    page.is("failed");
    assert_eq!(page.reason(), "refused");
    let said = page.text("#ended-text");
    assert!(said.contains(why), "{said}");
}

#[test]
fn who_has_a_token_comes_in_and_who_has_none_is_told() {
    let Some(browser) = browser(
        BrowserKind::Chromium,
        "page: a server that asks for a token",
    ) else {
        return;
    };
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/token/public.pem");
    let server = Server::start_with(&["--auth", "token", "--token-key", key.to_str().unwrap()]);

    let stranger = Ours::open(&browser, &server);
    is_refused(&stranger, "asks for a token");
    stranger.ends_well();
    let late = Ours::open_at(&browser, format!("{}#token={OVER}", server.page()));
    is_refused(&late, "expired");
    late.ends_well();

    let page = Ours::open_at(&browser, format!("{}#token={GOOD}", server.page()));
    page.enter("ann");
    // The room that the token names, though the page asked for none; and nobody else is handed the token.
    let link = page.text("#share-link");
    assert!(link.ends_with("?room=kitchen"), "{link}");
    // It is not in the address any more, and known all the same.
    page.page.reload().unwrap();
    page.is("joined");
    let answer = Peer::start("answer", &server, &["--token", GOOD]).waits();
    page.calls();
    page.is("call");
    page.hears(TONE);
    page.hangs_up();
    drop(answer);
    page.ends_well();
}
