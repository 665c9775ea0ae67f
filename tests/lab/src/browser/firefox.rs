//! Firefox, in WebDriver BiDi. A page's name is that of its browsing context.

mod preferences;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::bidi::{self, Elsewhere};
use super::driver::{Driver, PATIENCE};
use super::key::Key;
use super::options::{BrowserOptions, Microphone};
use super::program::Program;
use super::wire::Wire;
use crate::scratch::Scratch;

/// Gone, with its profile, when dropped.
#[derive(Debug)]
pub(super) struct Firefox {
    wire: Arc<Wire>,
    _line: Option<Elsewhere>,
    // Ends before its profile goes.
    program: Program,
    _profile: Scratch,
    version: String,
    dark: bool,
    /// Held while the focus is to stay where it is.
    focus: Mutex<()>,
}

/// It does not end with its WebSocket, but with whoever holds the input of this shell.
const UNTIL_INPUT_ENDS: &str =
    "\"$@\" </dev/null >/dev/null & browser=$!; cat >/dev/null; kill -9 $browser; wait $browser";

/// Where it writes, in its profile, at which port it listens.
const PORT_FILE: &str = "WebDriverBiDiServer.json";
const LOOK: Duration = Duration::from_millis(20);

/// Of a page, that are looked at.
const EVENTS: &[&str] = &["log.entryAdded", "network.beforeRequestSent"];

impl Firefox {
    pub(super) fn start(program: &Path, options: &BrowserOptions) -> Result<Self> {
        ensure!(
            !matches!(options.microphone, Microphone::File(_)),
            "Firefox has no microphone that hears a file, only tones"
        );
        let profile = Scratch::new()?;
        preferences::write(options, &profile.file("user.js"))?;
        let mut command = options.command(program);
        command
            .args(["--headless", "--no-remote", "--new-instance"])
            .args(["--remote-debugging-port", "0", "--profile"])
            .arg(profile.path())
            .args(options.more);
        // Nothing of whoever is at home here.
        command.env("HOME", profile.path());
        command.env("MOZ_CRASHREPORTER_DISABLE", "1");
        if options.microphone == Microphone::None {
            command.env("PULSE_SERVER", "unix:/nonexistent");
        }
        let program = Program::start(UNTIL_INPUT_ENDS, &command)?;
        let port = port(&profile.file(PORT_FILE));
        let port =
            port.with_context(|| format!("Firefox did not start{}", program.words.said()))?;
        let (wire, line) = bidi::connect(port, options, EVENTS, program.words.clone())?;
        let mut browser = Self {
            wire,
            _line: line,
            program,
            _profile: profile,
            version: String::new(),
            dark: options.dark,
            focus: Mutex::default(),
        };
        let session = browser.tell("session.new", &json!({"capabilities": {}}))?;
        let version = session["capabilities"]["browserVersion"].as_str();
        version
            .context("no version")?
            .clone_into(&mut browser.version);
        browser.tell("session.subscribe", &json!({"events": EVENTS}))?;
        Ok(browser)
    }

    fn tell(&self, method: &str, params: &Value) -> Result<Value> {
        self.wire.call(method, params, &[], PATIENCE)
    }

    fn act(&self, page: &str, source: &Value) -> Result<()> {
        let actions = json!({"context": page, "actions": [source]});
        self.tell("input.performActions", &actions)?;
        Ok(())
    }
}

/// Waits until it is written.
fn port(file: &Path) -> Result<u64> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        // What is only half written is no JSON yet.
        let server: Value = serde_json::from_str(&text).unwrap_or_default();
        if let Some(port) = server["ws_port"].as_u64() {
            return Ok(port);
        }
        ensure!(Instant::now() < deadline, "it listens nowhere");
        sleep(LOOK);
    }
}

impl Driver for Firefox {
    fn id(&self) -> u32 {
        self.program.child.id()
    }

    fn version(&self) -> Result<String> {
        Ok(self.version.clone())
    }

    fn wire(&self) -> &Wire {
        &self.wire
    }

    fn page(&self) -> Result<String> {
        let made = self.tell("browsingContext.create", &json!({"type": "window"}))?;
        let page = made["context"].as_str().context("no context")?;
        self.wire.follow(page);
        Ok(page.to_owned())
    }

    fn close(&self, page: &str) -> Result<()> {
        self.wire.unfollow(page);
        self.tell("browsingContext.close", &json!({"context": page}))?;
        Ok(())
    }

    fn open(&self, page: &str, url: &str) -> Result<()> {
        let address = json!({"context": page, "url": url, "wait": "complete"});
        self.tell("browsingContext.navigate", &address)?;
        Ok(())
    }

    fn reload(&self, page: &str) -> Result<()> {
        let page = json!({"context": page, "wait": "complete"});
        self.tell("browsingContext.reload", &page)?;
        Ok(())
    }

    fn run(&self, page: &str, expression: &str, limit: Duration) -> Result<Option<String>> {
        let words = json!({
            "expression": expression, "awaitPromise": true, "target": {"context": page},
        });
        let answer = self.wire.call("script.evaluate", &words, &[], limit)?;
        if let Some(why) = answer["exceptionDetails"]["text"].as_str() {
            bail!("{why}");
        }
        Ok(answer["result"]["value"].as_str().map(str::to_owned))
    }

    fn screenshot(&self, page: &str) -> Result<String> {
        let page = json!({"context": page});
        match self.tell("browsingContext.captureScreenshot", &page)?["data"].take() {
            Value::String(data) => Ok(data),
            other => bail!("a screenshot is {other}"),
        }
    }

    fn resize(&self, page: &str, width: u32, height: u32) -> Result<()> {
        let size = json!({"context": page, "viewport": {"width": width, "height": height}});
        self.tell("browsingContext.setViewport", &size)?;
        Ok(())
    }

    /// Its protocol has no word for it.
    fn dark(&self, _page: &str, dark: bool) -> Result<()> {
        ensure!(
            dark == self.dark,
            "Firefox takes its colours from BrowserOptions when it starts"
        );
        Ok(())
    }

    fn press(&self, page: &str, key: &Key) -> Result<()> {
        // As somebody does who types: in a window without the focus, keys arrive but Enter presses no button. There is one focus for
        // all pages, which several tests may have.
        let _alone = self.focus.lock().unwrap_or_else(PoisonError::into_inner);
        self.tell("browsingContext.activate", &json!({"context": page}))?;
        let source = json!({"type": "key", "id": "keyboard", "actions": key.webdriver()});
        self.act(page, &source)
    }

    fn click(&self, page: &str, x: f64, y: f64) -> Result<()> {
        // Whole pixels: parts of them are for WebDriver versions to come.
        let (x, y) = (x.round() as i64, y.round() as i64);
        let actions = json!([
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]);
        self.act(
            page,
            &json!({"type": "pointer", "id": "mouse", "actions": actions}),
        )
    }

    fn complaint(&self, event: &Value) -> Option<String> {
        let entry = &event["params"];
        let bad = event["method"] == "log.entryAdded"
            && ["warn", "error"].contains(&entry["level"].as_str()?);
        let (level, text) = (entry["level"].as_str()?, entry["text"].as_str()?);
        bad.then(|| format!("{level}: {text}"))
    }

    fn request(&self, event: &Value) -> Option<String> {
        if event["method"] != "network.beforeRequestSent" {
            return None;
        }
        let request = &event["params"]["request"];
        let url = request["url"].as_str()?;
        // What becomes a WebSocket is told as the request that asks for it.
        let mut headers = request["headers"].as_array().into_iter().flatten();
        let upgrade = headers.any(|header| header["name"] == "Sec-WebSocket-Key");
        match url.strip_prefix("http").filter(|_| upgrade) {
            Some(rest) => Some(format!("ws{rest}")),
            None => Some(url.to_owned()),
        }
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        // The shell ends it.
        self.wire.silence();
    }
}
