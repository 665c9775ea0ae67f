//! Both browsers, where they are installed, do the same things the same way.

#![allow(clippy::unwrap_used)]

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Browser, BrowserKind, BrowserOptions, Microphone, Page};
use crate::{Namespace, Presence, Scratch};

const LIMIT: Duration = Duration::from_secs(60);

const HTML: &str = r#"<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,"><input id="text"><button onclick="clicks++">Press</button>
<script>
const ten = 10;
let clicks = 0;
console.log("good");
console.warn("look", "out");
setTimeout(() => nothing.at.all);
</script>"#;

/// A browser and its first page, which has this in it.
fn opened(kind: BrowserKind, options: &BrowserOptions) -> (Browser, Page) {
    let browser = Browser::start(kind, options).unwrap();
    let page = browser.page().unwrap();
    page.open(&served()).unwrap();
    (browser, page)
}

/// The address of the page, at a server that ends with the tests.
fn served() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/page.html", listener.local_addr().unwrap());
    spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let asked = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\n\r\n";
            // Who hangs up before has not asked.
            let answered = asked.and_then(|_| stream.write_all(format!("{head}{HTML}").as_bytes()));
            answered.ok();
        }
    });
    url
}

fn each(test: &str, look: impl Fn(BrowserKind)) {
    for kind in BrowserKind::ALL {
        if kind.is_here(&format!("{test} in {kind}")) {
            look(kind);
        }
    }
}

#[test]
fn a_page_is_opened_and_runs_scripts() {
    each("a_page_is_opened_and_runs_scripts", |kind| {
        let (browser, page) = opened(kind, &BrowserOptions::default());
        let run = |script: &str| page.run(script, LIMIT);
        assert_eq!(run("ten + 1 // and a remark").unwrap(), 11);
        let promise = "new Promise(done => setTimeout(() => done({ten}), 10))";
        assert_eq!(run(promise).unwrap(), json!({"ten": 10}));
        assert_eq!(run("await 'soon'").unwrap(), "soon");
        assert_eq!(run("undefined").unwrap(), Value::Null);
        let thrown = format!("{:#}", run("nothing.at.all").unwrap_err());
        assert!(thrown.contains("nothing is not defined"), "{thrown}");
        let late = page.run("new Promise(() => 0)", Duration::from_millis(100));
        assert!(format!("{:#}", late.unwrap_err()).contains("no answer"));
        let never = page.wait_until("document.querySelector('b').id", Duration::from_millis(100));
        let never = format!("{:#}", never.unwrap_err());
        assert!(
            never.contains("null") && never.contains("look out"),
            "{never}"
        );
        complains(&page);
        let second = browser.page().unwrap();
        assert!(second.open("file:///nowhere.html").is_err());
        assert!(
            second
                .complaints()
                .iter()
                .all(|line| !line.contains("look out"))
        );
        second.close().unwrap();
        assert_eq!(run("clicks = 5").unwrap(), 5);
        page.reload().unwrap();
        assert_eq!(run("clicks").unwrap(), 0);
        gone(browser, page);
    });
}

/// Just what there is to complain about.
fn complains(page: &Page) {
    let deadline = Instant::now() + LIMIT;
    while page.complaints().len() < 2 && Instant::now() < deadline {
        sleep(Duration::from_millis(10));
    }
    let complaints = page.complaints();
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(complaints[0].contains("look out"), "{complaints:?}");
    assert!(
        complaints[1].contains("nothing is not defined"),
        "{complaints:?}"
    );
    let requests = page.requests();
    assert!(
        requests.iter().any(|url| url.ends_with("/page.html")),
        "{requests:?}"
    );
}

/// The process and its profile.
fn gone(browser: Browser, page: Page) {
    let process = format!("/proc/{}", browser.id());
    let linux = Path::new("/proc/self").exists();
    assert_eq!(Path::new(&process).exists(), linux);
    drop(page);
    drop(browser);
    assert!(!Path::new(&process).exists());
}

#[test]
fn a_page_is_looked_at_and_worked_by_hand() {
    each("a_page_is_looked_at_and_worked_by_hand", |kind| {
        let folder = Scratch::new().unwrap();
        let options = BrowserOptions {
            dark: true,
            microphone: Microphone::Denied,
            hides_addresses: true,
            names: &["elsewhere.test"],
            ..BrowserOptions::default()
        };
        let (_browser, page) = opened(kind, &options);
        let run = |script: &str| page.run(script, LIMIT).unwrap();
        let dark = "matchMedia('(prefers-color-scheme: dark)').matches";
        assert_eq!(run(dark), true);
        if kind == BrowserKind::Chromium {
            page.dark(false).unwrap();
            assert_eq!(run(dark), false);
        } else {
            assert!(page.dark(false).is_err());
        }
        page.click("#text").unwrap();
        page.write("Grüße, 1+1").unwrap();
        page.press("Backspace").unwrap();
        assert_eq!(run("document.querySelector('#text').value"), "Grüße, 1+");
        page.press("Tab").unwrap();
        for key in ["Enter", "Space"] {
            page.press(key).unwrap();
        }
        page.wait_until("clicks === 2", LIMIT).unwrap();
        page.click("button").unwrap();
        page.wait_until("clicks === 3", LIMIT).unwrap();
        page.press("Shift+Tab").unwrap();
        assert_eq!(run("document.activeElement.id"), "text");
        assert!(page.click("#nobody").is_err());
        let candidates = run(CANDIDATES);
        let candidates = candidates.as_array().unwrap();
        let hidden = |candidate: &Value| candidate.as_str().unwrap().contains(".local ");
        assert!(candidates.iter().all(hidden), "{candidates:?}");
        // Firefox has none where there is no way out.
        assert!(kind == BrowserKind::Firefox || !candidates.is_empty());
        assert_eq!(run("[isSecureContext, innerWidth]"), json!([true, 1280]));
        page.open(&served().replace("127.0.0.1", "elsewhere.test"))
            .unwrap();
        assert_eq!(run("isSecureContext"), false);
        page.resize(360, 640).unwrap();
        assert_eq!(run("[innerWidth, innerHeight]"), json!([360, 640]));
        let picture = folder.file("picture.png");
        page.screenshot(&picture).unwrap();
        let picture = std::fs::read(picture).unwrap();
        assert_eq!(&picture[..4], b"\x89PNG");
        // The first chunk of a PNG begins with its width and height.
        assert_eq!(picture[16..24], [0, 0, 1, 104, 0, 0, 2, 128]);
    });
}

/// All that a connection has.
const CANDIDATES: &str = "(async () => {
    const all = [];
    const connection = new RTCPeerConnection();
    connection.createDataChannel('one');
    const over = new Promise(done => connection.onicecandidate = ({candidate}) => {
        if (!candidate) done();
        else if (candidate.candidate) all.push(candidate.candidate);
    });
    await connection.setLocalDescription();
    await Promise.race([over, new Promise(done => setTimeout(done, 2000))]);
    return all;
})()";

/// What comes of asking for one.
const ASK: &str = "navigator.mediaDevices.getUserMedia({audio: true})
    .then(stream => window.stream = stream).then(() => 'heard', ({name}) => name)";

#[test]
fn a_microphone_hears_a_tone_or_is_denied_or_is_none() {
    each(
        "a_microphone_hears_a_tone_or_is_denied_or_is_none",
        |kind| {
            let microphones = [
                (Microphone::Tone(600), "heard"),
                (Microphone::Denied, "NotAllowedError"),
                (Microphone::None, "NotFoundError"),
            ];
            for (microphone, answer) in microphones {
                let hears = microphone == Microphone::Tone(600);
                let options = BrowserOptions {
                    microphone,
                    ..BrowserOptions::default()
                };
                let (_browser, page) = opened(kind, &options);
                assert_eq!(page.run(ASK, LIMIT).unwrap(), answer, "{options:?}");
                if hears {
                    let sound = page.hears("stream", Duration::from_millis(1500)).unwrap();
                    let heard = Presence::of(600.0, &sound).total();
                    assert!(heard > 0.5, "{heard} s of the tone");
                }
            }
        },
    );
}

/// Two connections of one page find each other, with sound on their way.
const CALL: &str = "(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({audio: true});
    const [ann, bob] = [new RTCPeerConnection(), new RTCPeerConnection()];
    ann.onicecandidate = ({candidate}) => bob.addIceCandidate(candidate);
    bob.onicecandidate = ({candidate}) => ann.addIceCandidate(candidate);
    ann.addTrack(stream.getTracks()[0]);
    await ann.setLocalDescription();
    await bob.setRemoteDescription(ann.localDescription);
    await bob.setLocalDescription();
    await ann.setRemoteDescription(bob.localDescription);
    while (bob.connectionState !== 'connected') await new Promise(done => setTimeout(done, 10));
    return bob.connectionState;
})()";

#[test]
fn a_page_calls_itself_in_a_namespace() {
    const TEST: &str = "a_page_calls_itself_in_a_namespace";
    if !crate::may_build(TEST) {
        return;
    }
    each(TEST, |kind| {
        let machine = Namespace::new().unwrap();
        if kind == BrowserKind::Firefox {
            // It looks for its address on the way to the rest of the world.
            for line in [
                "ip link add here type veth peer name there",
                "ip addr add 192.0.2.1/24 dev here",
                "ip link set here up",
                "ip link set there up",
                "ip route add default via 192.0.2.2",
            ] {
                machine.run(line).unwrap();
            }
        }
        let place = |program: &OsStr| machine.command(program);
        let options = BrowserOptions {
            place: Some(&place),
            ..BrowserOptions::default()
        };
        let folder = Scratch::new().unwrap();
        let file = folder.file("page.html");
        std::fs::write(&file, HTML).unwrap();
        let browser = Browser::start(kind, &options).unwrap();
        let page = browser.page().unwrap();
        page.open(&format!("file://{}", file.display())).unwrap();
        assert_eq!(page.run(CALL, LIMIT).unwrap(), "connected");
    });
}
