//! Whoever means ill: in the room, and at the other end of a call.

use std::time::{Duration, Instant};

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
/// Several speak, so that each stays below the server's limit on messages.
const CROWD: usize = 6;
/// Offers of one flood: answered one by one they would take the page beyond that limit.
const FLOOD: i32 = 600;
/// Until a page rings for whoever calls.
const RING: Duration = Duration::from_secs(2);

/// Some in the room who speak `peer.v1`, and say what nobody should.
struct Crowd {
    strangers: Vec<Stranger>,
    runtime: Runtime,
}

impl Crowd {
    fn join(server: &Server, size: usize, name: &str) -> Self {
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let url = server.url();
        let strangers = (0..size).map(|number| {
            let name = format!("{name}-{number}");
            let joined = runtime.block_on(Stranger::peer(&url, &name, "either"));
            joined.0
        });
        let strangers = strangers.collect();
        Self { strangers, runtime }
    }

    /// By turns.
    fn says(&mut self, frames: &[String]) {
        let small = frames.iter().filter(|frame| frame.len() < MAX_FRAME);
        for (number, frame) in small.enumerate() {
            let turn = number % self.strangers.len();
            let stranger = &mut self.strangers[turn];
            self.runtime.block_on(stranger.says(frame.clone()));
        }
    }

    /// An offer to the first of them alone.
    fn is_offered(&mut self) -> Value {
        loop {
            let offer = self.runtime.block_on(self.strangers[0].hears("offer"));
            if offer["to"].is_string() {
                return offer;
            }
        }
    }
}

/// A thousand for everybody, and those that a page in particular might fall for.
fn frames(offer: &str) -> Vec<String> {
    let mut frames = noise::thousand(offer);
    let mut add = |frame: Value| frames.push(frame.to_string());
    for session in [
        json!(MARKUP),
        json!({}),
        json!([]),
        json!(7),
        json!(""),
        json!("x".repeat(5000)),
        json!("__proto__"),
    ] {
        for event in ["offer", "answer", "candidate", "bye", "busy"] {
            let data =
                json!({"type": "offer", "sdp": offer, "reason": MARKUP, "candidate": MARKUP});
            add(json!({"event": event, "session": session, "data": data}));
        }
    }
    let broken = [
        MARKUP.to_owned(),
        "v=0\r\n".repeat(10_000),
        offer.replace("a=ice-ufrag:", "a=ice-ufrag:\u{0}"),
        format!("{offer}{}", "a=candidate:x\r\n".repeat(2000)),
    ];
    for sdp in &broken {
        for event in ["offer", "answer"] {
            let data = json!({"type": event, "sdp": sdp});
            add(json!({"event": event, "session": "broken", "data": data}));
        }
    }
    for generation in [json!(1e308), json!("1"), json!(MARKUP), json!(-1)] {
        let data = json!({"type": "offer", "sdp": offer});
        add(json!({"event": "offer", "session": "g", "generation": generation, "data": data}));
    }
    let bye = json!({"reason": MARKUP, "outcome": MARKUP, "setup_ms": MARKUP});
    add(json!({"event": "bye", "session": "broken", "data": bye}));
    add(json!({"event": MARKUP, "data": MARKUP}));
    for number in 0..FLOOD {
        let data = json!({"type": "offer", "sdp": "v=0\r\n"});
        add(json!({"event": "offer", "session": format!("flood-{number}"), "data": data}));
    }
    let (open, close) = ("[".repeat(10_000), "]".repeat(10_000));
    frames.push(format!(
        r#"{{"event":"offer","session":"deep","data":{open}1{close}}}"#
    ));
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

/// Until the page rings for this caller, who tries again: a ring that was missed makes it busy for a moment, and a flood blind.
fn rings(server: &Server, page: &Ours) -> Peer {
    let deadline = Instant::now() + LIMIT;
    let rings = "document.body.dataset.state === 'ringing'";
    loop {
        let call = Peer::start("call", server, &["--name", "honest", "--to", "ann"]);
        if page.page.wait_until(rings, RING).is_ok() {
            return call;
        }
        assert!(Instant::now() < deadline, "it never rings");
    }
}

/// It calls, and that is all it hears.
fn is_answered_with_nonsense(page: &Ours, mallory: &mut Crowd) {
    let button = "#peers li[data-name=mallory-0] button";
    // Those who have left move it; a click in that moment would miss it.
    let alone = "document.querySelectorAll('#peers li').length === 1";
    page.page.wait_until(alone, LIMIT).unwrap();
    page.page.click(button).unwrap();
    let offer = mallory.is_offered();
    let (to, session) = (&offer["from"], &offer["session"]);
    let data = json!({"type": "answer", "sdp": MARKUP});
    let answer = json!({"event": "answer", "to": to, "session": session, "data": data});
    mallory.says(&[answer.to_string()]);
    page.is("failed");
    assert_eq!(page.reason(), "broken");
    is_as_made(page);
}

/// It waits: whatever looks like an offer rings, and can be answered.
fn answers_nonsense(page: &Ours) {
    page.answers();
    is_as_made(page);
}

fn stands_bad_frames(kind: BrowserKind) {
    let Some(browser) = browser(kind, "page::trouble::hostile: bad frames") else {
        return;
    };
    let server = Server::start();
    let mut mallory = Crowd::join(&server, 1, "mallory");
    let bad = frames(&mallory.runtime.block_on(noise::real_offer()));
    let crowd = || {
        let mut crowd = Crowd::join(&server, CROWD, "crowd");
        crowd.says(&bad);
        crowd
    };
    let page = Ours::join(&browser, &server, "ann");
    let rung = crowd();
    answers_nonsense(&page);
    comes_back(&page);
    drop(rung);
    is_answered_with_nonsense(&page, &mut mallory);
    comes_back(&page);

    // It rings for somebody honest; then it is in their call.
    let mut call = rings(&server, &page);
    page.page.run(WATCH, LIMIT).unwrap();
    drop(crowd());
    assert_eq!(page.text("#ring-who"), "honest calls you");
    page.answers();
    page.is("call");
    call.sees("connected");
    drop(crowd());
    page.hears(TONE);
    page.says("still here");
    assert_eq!(call.sees("message")["text"], "still here");
    assert_eq!(states(&page), ["connecting", "call"]);
    is_as_made(&page);
    page.page.click("#hang-up").unwrap();
    page.is("ended");
    let (_, heard) = call.ends(0, tone(kind));
    is_enough(heard);

    // It was never put out of the room.
    let requests = page.page.requests();
    let sockets = requests.iter().filter(|url| url.starts_with("ws:"));
    assert_eq!(sockets.count(), 1, "{requests:?}");
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
    page.answers();
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
