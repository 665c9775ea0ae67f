//! The page that `signaling` serves, in browsers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lab::{Browser, BrowserKind, BrowserOptions, Microphone, Page, Process, Sound};
use serde_json::json;

use super::stack::{Other, Stack};
use super::told::LIMIT;
use crate::demo::start_server;
use crate::figures::{Spread, Table};
use crate::prove::{Bench, Scale};

/// Hertz of its microphone.
const THEIRS: u32 = 1000;
/// What is heard at a time.
const PIECE: Duration = Duration::from_secs(1);
/// Bars, in milliseconds: from opening the page to being in a call, and from loading it anew to being in it again.
const OPENED: f64 = 1000.0;
const RELOADED: f64 = 2000.0;

/// As somebody does who answers at once.
const ANSWER: &str = "void new MutationObserver(() => {
    if (document.body.dataset.state === 'ringing') document.querySelector('#answer').click();
}).observe(document.body, {attributes: true})";

/// Calls the one that is there; the milliseconds until the call is up.
const CALL: &str = "(async () => {
    const until = async (look) => {
        while (!look()) await new Promise((done) => setTimeout(done, 2));
        return look();
    };
    const button = await until(() => document.querySelector('#peers button'));
    const begun = performance.now();
    button.click();
    await until(() => document.body.dataset.state === 'call');
    return performance.now() - begun;
})()";

pub(super) fn chromium(_bench: &Bench) -> Result<Stack> {
    stack(BrowserKind::Chromium, "chromium")
}

pub(super) fn firefox(_bench: &Bench) -> Result<Stack> {
    stack(BrowserKind::Firefox, "firefox")
}

fn stack(kind: BrowserKind, name: &'static str) -> Result<Stack> {
    let browser = start(kind)?;
    let version = browser.version()?;
    let major = version.split('.').next().unwrap_or_default();
    Ok(Stack {
        name,
        title: format!("{kind} {major}"),
        tone: THEIRS,
        decodes: true,
        start: Box::new(move |url, _| Ok(Box::new(Tab::join(&browser, url)?))),
    })
}

fn start(kind: BrowserKind) -> Result<Arc<Browser>> {
    kind.program().context("it is not installed")?;
    let options = BrowserOptions {
        microphone: Microphone::Tone(THEIRS),
        ..BrowserOptions::default()
    };
    Ok(Arc::new(Browser::start(kind, &options)?))
}

/// The page in a room.
struct Tab {
    page: Page,
    /// Of the server, with the slash after it.
    host: String,
    heard: Vec<f32>,
    _browser: Arc<Browser>,
}

impl Tab {
    fn join(browser: &Arc<Browser>, url: &str) -> Result<Self> {
        let page = browser.page()?;
        let host = format!("{}/", host(url));
        page.open(&format!("http://{host}"))?;
        page.run(
            "void document.querySelector('#join').requestSubmit()",
            LIMIT,
        )?;
        let tab = Self {
            page,
            host,
            heard: Vec::new(),
            _browser: Arc::clone(browser),
        };
        tab.is("joined")?;
        tab.page.run(ANSWER, LIMIT)?;
        Ok(tab)
    }

    fn is(&self, state: &str) -> Result<()> {
        let script = format!("document.body.dataset.state === '{state}'");
        self.page.wait_until(&script, LIMIT)
    }
}

/// With its port, of the WebSocket of this address: the page is beside it.
fn host(url: &str) -> &str {
    let host = url.trim_start_matches("ws://").split('/').next();
    host.unwrap_or_default()
}

impl Other for Tab {
    fn call(&mut self) -> Result<f64> {
        let took = self.page.run(CALL, LIMIT)?;
        took.as_f64().context("no time")
    }

    fn connected(&mut self) -> Result<()> {
        self.is("call")
    }

    fn send(&mut self, text: &str) -> Result<()> {
        self.page.click("#text")?;
        self.page.write(text)?;
        self.page.press("Enter")
    }

    fn texts(&mut self, number: usize) -> Result<Vec<String>> {
        let all = "[...document.querySelectorAll('#messages > :not(.mine) p')].map((line) => line.textContent)";
        self.page
            .wait_until(&format!("{all}.length >= {number}"), LIMIT)?;
        let texts = self.page.run(all, LIMIT)?;
        serde_json::from_value(texts).context("texts that are none")
    }

    fn heard(&mut self) -> Result<Sound> {
        let stream = "document.querySelector('#remote').srcObject";
        self.page.wait_until(stream, LIMIT)?;
        let piece = self.page.hears(stream, PIECE)?;
        self.heard.extend(piece.samples);
        Ok(Sound {
            rate: piece.rate,
            samples: self.heard.clone(),
        })
    }

    fn hang_up(&mut self) -> Result<()> {
        self.page.click("#hang-up")
    }

    fn ended(&mut self) -> Result<Instant> {
        self.is("ended")?;
        Ok(Instant::now())
    }

    fn well(&self) -> Result<()> {
        let complaints = self.page.complaints();
        ensure!(complaints.is_empty(), "the page complains: {complaints:?}");
        let own = |url: &String| {
            let (_, rest) = url.split_once("://").unwrap_or_default();
            rest.starts_with(&self.host)
        };
        let requests = self.page.requests();
        let stray: Vec<_> = requests.iter().filter(|url| !own(url)).collect();
        ensure!(stray.is_empty(), "the page asked others: {stray:?}");
        ensure!(!requests.is_empty(), "the page asked for nothing");
        Ok(())
    }
}

/// How long somebody waits who opens the page and calls at once, and who loads it anew while in a call; where there is a browser.
pub(super) fn times(bench: &Bench, table: &mut Table) -> Result<()> {
    if bench.scale != Scale::Full {
        return Ok(());
    }
    for kind in BrowserKind::ALL {
        let Ok(browser) = start(kind) else {
            continue;
        };
        let mut all = [Vec::new(), Vec::new()];
        for _ in 0..bench.rounds(5, 1) {
            let [opened, reloaded] = waits(bench, &browser)?;
            all[0].push(opened);
            all[1].push(reloaded);
        }
        let what = [
            "from opening the page to being in a call",
            "from loading it anew in a call to being in it again",
        ];
        for ((what, times), bar) in what.into_iter().zip(all).zip([OPENED, RELOADED]) {
            let spread = Spread::of(times).context("nothing was measured")?;
            let what = format!("{kind}: {what}");
            table.at_most(&what, spread.median, format!("{spread} ms"), bar, " ms");
        }
    }
    Ok(())
}

/// Both in milliseconds, by the page's own clock, which begins with its loading.
fn waits(bench: &Bench, browser: &Browser) -> Result<[f64; 2]> {
    let (_server, url) = start_server(bench.signaling())?;
    let mut answer = bench.peer(&[
        "answer", "--keep", "--stun", "off", "--json", "--server", &url,
    ]);
    answer.args(["--mic", "silence", "--speaker", "null"]);
    let mut answer = Process::start("peer-cli answer", answer)?;
    answer.wait_for("signaling", LIMIT)?;
    let page = browser.page()?;
    page.open(&format!("http://{}/", host(&url)))?;
    let join = "document.querySelector('#join').requestSubmit()";
    let now = |script: &str| -> Result<f64> {
        let since = page.run(
            &format!("(async () => {{ {script}; return performance.now(); }})()"),
            LIMIT,
        )?;
        since.as_f64().context("no time")
    };
    let opened = now(&format!("{join}; await {CALL}"))?;
    page.reload()?;
    let again = json!("call");
    let until = format!(
        "while (document.body.dataset.state !== {again}) await new Promise((done) => setTimeout(done, 2))"
    );
    Ok([opened, now(&until)?])
}
