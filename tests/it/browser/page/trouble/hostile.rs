//! Whoever means ill: in the room, and at the other end of a call.

use std::time::Instant;

use lab::BrowserKind;
use serde_json::{Value, json};
use tests::{LIMIT, Stranger};
use tokio::runtime::{Builder, Runtime};

use super::super::Ours;
use super::states::{WATCH, states};
use crate::browser::listening::is_enough;
use crate::browser::peers::{Peer, Server, TONE};
use crate::browser::{browser, tone};
use crate::calls::noise;

/// What must stay a text wherever it is shown.
const MARKUP: &str =
    "<img src=x onerror='window.hacked = true'><script>hacked = true</script>\u{202e}\u{0}";
/// What a client may send, in bytes.
const MAX_FRAME: usize = 60_000;

/// Somebody in the room who speaks `peer.v1`, and says what nobody should.
struct Mallory {
    stranger: Stranger,
    runtime: Runtime,
}

impl Mallory {
    fn join(server: &Server) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (stranger, _) = runtime.block_on(Stranger::peer(&server.url(), "mallory", "either"));
        Self { stranger, runtime }
    }

    fn says(&mut self, frames: impl IntoIterator<Item = String>) {
        let frames = frames.into_iter().filter(|frame| frame.len() < MAX_FRAME);
        for frame in frames {
            self.runtime.block_on(self.stranger.says(frame));
        }
    }

    fn hears(&mut self, event: &str) -> Value {
        self.runtime.block_on(self.stranger.hears(event))
    }
}

/// A thousand for everybody, and those that a page in particular might fall for.
fn frames(offer: &str) -> Vec<String> {
    let mut frames = noise::thousand(offer);
    let sdp = |event: &str, sdp: Value| json!({"event": event, "session": "s", "data": {"type": event, "sdp": sdp}});
    let deep = |depth: usize| {
        format!(
            r#"{{"event":"offer","session":"deep","data":{}1{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let sessions = [
        json!(MARKUP),
        json!({}),
        json!([]),
        json!(7),
        json!(""),
        json!("x".repeat(5000)),
        json!("__proto__"),
    ];
    for session in sessions {
        for event in [
            "offer",
            "answer",
            "candidate",
            "bye",
            "busy",
            "candidates-end",
        ] {
            let data =
                json!({"type": "offer", "sdp": offer, "reason": MARKUP, "candidate": MARKUP});
            frames.push(json!({"event": event, "session": session, "data": data}).to_string());
        }
    }
    for event in ["offer", "answer"] {
        frames.push(sdp(event, json!(MARKUP)).to_string());
        frames.push(sdp(event, json!("v=0\r\n".repeat(10_000))).to_string());
        frames.push(
            sdp(
                event,
                json!(offer.replace("a=ice-ufrag:", "a=ice-ufrag:\u{0}")),
            )
            .to_string(),
        );
        frames.push(
            sdp(
                event,
                json!(format!("{offer}{}", "a=candidate:x\r\n".repeat(2000))),
            )
            .to_string(),
        );
        let flood = (0..100).map(|n| json!({"event": event, "session": format!("flood-{n}"), "generation": -n, "data": {"type": event, "sdp": offer}}));
        frames.extend(flood.map(|frame| frame.to_string()));
    }
    for generation in [
        json!(1e308),
        json!("1"),
        json!(MARKUP),
        json!(-1),
        json!([]),
    ] {
        frames.push(json!({"event": "offer", "session": "g", "generation": generation, "data": {"type": "offer", "sdp": offer}}).to_string());
    }
    frames.push(json!({"event": "bye", "session": "s", "data": {"reason": MARKUP, "outcome": MARKUP, "setup_ms": MARKUP}}).to_string());
    frames.push(json!({"event": MARKUP, "data": MARKUP}).to_string());
    frames.extend([deep(100), deep(10_000)]);
    frames
}

/// Nothing of what was said became a part of the page.
fn is_as_made(page: &Ours) {
    let foreign = "window.hacked === undefined && !document.querySelector('main img, body script, [onerror]')";
    assert_eq!(page.page.run(foreign, LIMIT).unwrap(), true);
}

/// Gone back to the room from a call that came to nothing; one that does not know yet is given up.
fn comes_back(page: &Ours) {
    let over = "document.querySelector('#hang-up').click() ?? ['ended', 'failed'].includes(document.body.dataset.state)";
    page.page.wait_until(over, LIMIT).unwrap();
    page.page.click("#back").unwrap();
    page.is("joined");
}

/// Until the page rings for this caller; one that rang just before makes it busy for a moment.
fn rings(server: &Server, page: &Ours) -> Peer {
    let deadline = Instant::now() + LIMIT;
    loop {
        let mut call = Peer::start("call", server, &["--name", "honest", "--to", "ann"]);
        let rings = "document.body.dataset.state === 'ringing' || undefined";
        loop {
            if page.page.run(rings, LIMIT).unwrap() == true {
                return call;
            }
            if let Ok(None) | Err(_) = call.process.next(Instant::now()) {
                if call
                    .process
                    .finish(std::time::Duration::from_millis(50))
                    .is_ok()
                {
                    break;
                }
            }
        }
        assert!(Instant::now() < deadline, "the page is busy for ever");
    }
}

fn stands_bad_frames(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page::trouble::hostile: bad frames") else {
        return;
    };
    let server = Server::start_with(&["--max-rate", "100000/s"]);
    let mut mallory = Mallory::join(&server);
    let offer = mallory.runtime.block_on(noise::real_offer());
    let page = Ours::join(&browser, &server, "ann");
    let bad = frames(&offer);

    // It waits: whatever looks like an offer rings, and can be answered.
    mallory.says(bad.clone());
    page.is("ringing");
    page.page.click("#answer").unwrap();
    is_as_made(&page);
    comes_back(&page);

    // It calls, and is answered with nonsense.
    page.page
        .click("#peers li[data-name=mallory] button")
        .unwrap();
    let offered = mallory.hears("offer");
    let answer = json!({"event": "answer", "to": offered["from"], "session": offered["session"], "data": {"type": "answer", "sdp": MARKUP}});
    mallory.says([answer.to_string()]);
    mallory.says(bad.clone());
    page.is("failed");
    assert_eq!(page.reason(), "broken");
    is_as_made(&page);
    comes_back(&page);

    // It rings for somebody honest.
    let mut call = rings(&server, &page);
    page.page.run(WATCH, LIMIT).unwrap();
    mallory.says(bad.clone());
    assert_eq!(page.text("#ring-who"), "honest calls you");
    page.page.click("#answer").unwrap();
    page.is("call");
    call.sees("connected");

    // It is in their call.
    mallory.says(bad);
    page.hears(TONE);
    page.says("still here");
    assert_eq!(call.sees("message")["text"], "still here");
    assert_eq!(states(&page), ["connecting", "call"]);
    is_as_made(&page);
    page.page.click("#hang-up").unwrap();
    page.is("ended");
    let (_, heard) = call.ends(0, tone(kind));
    is_enough(heard);
    page.ends_well();
}

#[test]
fn the_page_in_chromium_stands_bad_frames() {
    stands_bad_frames(BrowserKind::Chromium);
}

#[test]
fn the_page_in_firefox_stands_bad_frames() {
    stands_bad_frames(BrowserKind::Firefox);
}

/// Keeps the first channel of each name that the page opens.
const SPY: &str =
    "void (window.channels = {}, RTCPeerConnection.prototype.createDataChannel = new Proxy(
    RTCPeerConnection.prototype.createDataChannel, {
        apply: (target, self, words) => {
            window.pc = self;
            const channel = Reflect.apply(target, self, words);
            window.channels[words[0]] ??= channel;
            return channel;
        },
    }))";

/// Says what nobody should on the channels of a call, those that there are and more, and waits until all has left.
fn throws_words() -> String {
    let markup = json!(MARKUP);
    format!(
        "(async () => {{
            const markup = {markup};
            const bad = ['', 'null', '7', '[]', '{{', markup, '[' .repeat(5000), 'x'.repeat(60000), '{{\"event\":\"ack\"}}',
                '{{\"event\":\"ack\",\"data\":{{\"seq\":1e99}}}}', '{{\"event\":\"ack\",\"data\":{{\"seq\":-4}}}}', '{{\"event\":7,\"data\":[]}}',
                JSON.stringify({{event: markup}}), '{{\"seq\":0,\"text\":\"zero\"}}', '{{\"seq\":\"1\",\"text\":\"one\"}}', '{{\"seq\":1,\"text\":{{}}}}',
                '{{\"seq\":9007199254740993,\"text\":\"far\"}}', '{{\"__proto__\":{{\"seq\":3,\"text\":\"p\"}}}}', new Uint8Array(5000)];
            const {{chat, control}} = window.channels;
            for (let turn = 0; turn < 20; turn += 1) for (const word of bad) {{ chat.send(word); control.send(word); }}
            chat.send(JSON.stringify({{seq: 2, text: markup}}));
            const more = [];
            for (let n = 0; n < 20; n += 1) more.push(window.pc.createDataChannel(n % 2 ? markup : 'control', {{protocol: n % 3 ? markup : ''}}));
            await Promise.all(more.map((one) => new Promise((done) => (one.onopen = done))));
            more.forEach((one) => one.send(markup));
            while ([chat, control, ...more].some((one) => one.bufferedAmount)) await new Promise((done) => setTimeout(done, 10));
            more.forEach((one) => one.close());
        }})()"
    )
}

#[test]
fn a_page_stands_bad_words_at_the_other_end() {
    let kinds = [BrowserKind::Chromium, BrowserKind::Firefox];
    let test = "page::trouble::hostile: bad words on the channels of a call";
    let [Some(first), Some(second)] = kinds.map(|kind| browser(kind, test)) else {
        return;
    };
    let server = Server::start();
    let mallory = Ours::join(&first, &server, "mallory");
    mallory.page.run(SPY, LIMIT).unwrap();
    let page = Ours::join(&second, &server, "ann");
    mallory.calls();
    page.is("ringing");
    page.page.click("#answer").unwrap();
    page.is("call");
    mallory.is("call");
    if let Err(e) = mallory.page.run(&throws_words(), LIMIT) {
        panic!(
            "{e:#} {} {} {} {}",
            mallory.text("main"),
            page.text("main"),
            mallory.reason(),
            page.reason()
        );
    }
    page.reads(MARKUP);
    page.hears(tone(kinds[0]));
    is_as_made(&page);
    page.is("call");
    let bye = json!({"event": "bye", "data": {"reason": MARKUP}}).to_string();
    let bye = format!("void window.channels.control.send({})", json!(bye));
    mallory.page.run(&bye, LIMIT).unwrap();
    page.is("ended");
    let said = page.text("#ended-text");
    assert!(said.contains("<img src=x"), "{said}");
    is_as_made(&page);
    page.ends_well();
}
