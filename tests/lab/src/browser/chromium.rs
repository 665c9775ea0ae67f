//! Chromium, in its DevTools protocol. A page's name is that of the session with it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::devtools;
use super::driver::{Driver, PATIENCE};
use super::key::Key;
use super::options::{BrowserOptions, Microphone};
use super::program::Program;
use super::wire::Wire;
use crate::scratch::Scratch;

/// Gone, with its profile, when dropped.
#[derive(Debug)]
pub(super) struct Chromium {
    wire: Arc<Wire>,
    // Ends before its profile goes.
    program: Program,
    _profile: Scratch,
    dark: bool,
    /// The targets that the sessions are with.
    targets: Mutex<HashMap<String, Value>>,
}

/// A page that nobody sees is served like one that somebody looks at; and its WebRTC finds a peer on this machine.
/// Nothing is fetched but what a page asks for. Without a sandbox, which root cannot have: it opens the pages of this project and no
/// others.
const FLAGS: &[&str] = &[
    "--headless",
    "--remote-debugging-pipe",
    "--no-startup-window",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-proxy-server",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--allow-loopback-in-peer-connection",
];

/// Of a page, that are looked at.
const EVENTS: &[&str] = &[
    "Page.lifecycleEvent",
    "Runtime.consoleAPICalled",
    "Runtime.exceptionThrown",
    "Log.entryAdded",
    "Network.requestWillBeSent",
    "Network.webSocketCreated",
];

/// CSS pixels: what is narrower is a phone, which asks the page how wide it wants to be.
const PHONE: u32 = 600;

impl Chromium {
    pub(super) fn start(program: &Path, options: &BrowserOptions) -> Result<Self> {
        let profile = Scratch::new()?;
        let mut command = options.command(program);
        command.args(FLAGS).args(microphone(options, &profile)?);
        if !options.hides_addresses {
            command.arg("--disable-features=WebRtcHideLocalIpsWithMdns");
        }
        if !options.names.is_empty() {
            let rules = options
                .names
                .iter()
                .map(|name| format!("MAP {name} 127.0.0.1"));
            let rules: Vec<String> = rules.collect();
            command.arg(format!("--host-resolver-rules={}", rules.join(",")));
        }
        if !options.secure.is_empty() {
            let origins = options.secure.join(",");
            command.arg(format!(
                "--unsafely-treat-insecure-origin-as-secure={origins}"
            ));
        }
        command.arg(if options.silent {
            "--autoplay-policy=document-user-activation-required"
        } else {
            "--autoplay-policy=no-user-gesture-required"
        });
        command.args(options.more);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        let (program, wire) = devtools::start(&command, EVENTS)?;
        let browser = Self {
            wire,
            program,
            _profile: profile,
            dark: options.dark,
            targets: Mutex::default(),
        };
        browser.version().context("Chromium did not start")?;
        Ok(browser)
    }

    /// A command to the browser.
    fn tell(&self, method: &str, params: &Value) -> Result<Value> {
        self.wire.call(method, params, &[], PATIENCE)
    }

    /// A command to a page.
    fn tell_page(&self, page: &str, method: &str, params: &Value) -> Result<Value> {
        self.wire
            .call(method, params, &[("sessionId", page)], PATIENCE)
    }

    /// Until the document that `is_it` has been loaded, by its loader's id.
    fn loaded(&self, page: &str, is_it: impl Fn(&Value) -> bool) -> Result<()> {
        self.wire.wait_for(page, PATIENCE, |event| {
            let params = &event["params"];
            let load = event["method"] == "Page.lifecycleEvent" && params["name"] == "load";
            load && is_it(&params["loaderId"])
        })
    }
}

/// What makes pages find it.
fn microphone(options: &BrowserOptions, folder: &Scratch) -> Result<Vec<String>> {
    let mut flags = Vec::new();
    match options.microphone {
        Microphone::Tone(_) | Microphone::File(_) => {
            flags.push("--use-fake-device-for-media-stream".to_owned());
            flags.push("--use-fake-ui-for-media-stream".to_owned());
        }
        Microphone::Denied => {
            flags.push("--use-fake-device-for-media-stream".to_owned());
            flags.push("--use-fake-ui-for-media-stream=deny".to_owned());
        }
        Microphone::None => flags.push("--use-fake-ui-for-media-stream".to_owned()),
    }
    if let Some(file) = options.microphone.file(folder)? {
        flags.push(format!(
            "--use-file-for-fake-audio-capture={}",
            file.display()
        ));
    }
    Ok(flags)
}

impl Driver for Chromium {
    fn id(&self) -> u32 {
        self.program.child.id()
    }

    fn version(&self) -> Result<String> {
        let version = self.tell("Browser.getVersion", &json!({}))?;
        let product = version["product"].as_str().unwrap_or_default();
        let version = product.split_once('/').context("no version")?.1;
        Ok(version.to_owned())
    }

    fn wire(&self) -> &Wire {
        &self.wire
    }

    fn page(&self) -> Result<String> {
        let window = json!({"url": "about:blank", "newWindow": true});
        let target = self.tell("Target.createTarget", &window)?["targetId"].take();
        let attach = json!({"targetId": target, "flatten": true});
        let attached = self.tell("Target.attachToTarget", &attach)?;
        let page = attached["sessionId"].as_str().context("no session")?;
        self.wire.follow(page);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.tell_page(page, &format!("{domain}.enable"), &json!({}))?;
        }
        let enabled = json!({"enabled": true});
        self.tell_page(page, "Page.setLifecycleEventsEnabled", &enabled)?;
        // Keys reach each of many windows as if it were the one in front.
        self.tell_page(page, "Emulation.setFocusEmulationEnabled", &enabled)?;
        self.dark(page, self.dark)?;
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        targets.insert(page.to_owned(), target);
        Ok(page.to_owned())
    }

    fn close(&self, page: &str) -> Result<()> {
        self.wire.unfollow(page);
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        let target = targets.remove(page).context("closed before")?;
        drop(targets);
        self.tell("Target.closeTarget", &json!({"targetId": target}))?;
        Ok(())
    }

    fn open(&self, page: &str, url: &str) -> Result<()> {
        self.wire.forget(page, "Page.lifecycleEvent");
        let answer = self.tell_page(page, "Page.navigate", &json!({"url": url}))?;
        if let Some(why) = answer["errorText"].as_str() {
            bail!("{why}");
        }
        // Without a loader only the place within the same document has changed.
        match &answer["loaderId"] {
            Value::Null => Ok(()),
            loader => self.loaded(page, |loaded| loaded == loader),
        }
    }

    fn reload(&self, page: &str) -> Result<()> {
        let before = self.tell_page(page, "Page.getFrameTree", &json!({}))?;
        let before = &before["frameTree"]["frame"]["loaderId"];
        self.wire.forget(page, "Page.lifecycleEvent");
        self.tell_page(page, "Page.reload", &json!({}))?;
        self.loaded(page, |loaded| loaded != before)
    }

    fn run(&self, page: &str, expression: &str, limit: Duration) -> Result<Option<String>> {
        let words = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let session = [("sessionId", page)];
        let answer = self
            .wire
            .call("Runtime.evaluate", &words, &session, limit)?;
        if let Some(why) = thrown(&answer["exceptionDetails"]) {
            bail!("{why}");
        }
        Ok(answer["result"]["value"].as_str().map(str::to_owned))
    }

    fn screenshot(&self, page: &str) -> Result<String> {
        let mut answer =
            self.tell_page(page, "Page.captureScreenshot", &json!({"format": "png"}))?;
        match answer["data"].take() {
            Value::String(data) => Ok(data),
            other => bail!("a screenshot is {other}"),
        }
    }

    fn resize(&self, page: &str, width: u32, height: u32) -> Result<()> {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < PHONE,
        });
        self.tell_page(page, "Emulation.setDeviceMetricsOverride", &size)?;
        Ok(())
    }

    fn dark(&self, page: &str, dark: bool) -> Result<()> {
        let value = if dark { "dark" } else { "light" };
        let feature = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.tell_page(page, "Emulation.setEmulatedMedia", &feature)?;
        Ok(())
    }

    fn press(&self, page: &str, key: &Key) -> Result<()> {
        for message in key.devtools() {
            self.tell_page(page, "Input.dispatchKeyEvent", &message)?;
        }
        Ok(())
    }

    fn click(&self, page: &str, x: f64, y: f64) -> Result<()> {
        for (kind, count) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 1)] {
            let button = if count == 0 { "none" } else { "left" };
            let event =
                json!({"type": kind, "x": x, "y": y, "button": button, "clickCount": count});
            self.tell_page(page, "Input.dispatchMouseEvent", &event)?;
        }
        Ok(())
    }

    fn complaint(&self, event: &Value) -> Option<String> {
        let params = &event["params"];
        match event["method"].as_str()? {
            "Runtime.exceptionThrown" => thrown(&params["exceptionDetails"]),
            "Runtime.consoleAPICalled" => {
                let kind = params["type"].as_str()?;
                let words: Vec<String> = params["args"].as_array()?.iter().map(shown).collect();
                let bad = ["warning", "error", "assert"].contains(&kind);
                bad.then(|| format!("{kind}: {}", words.join(" ")))
            }
            "Log.entryAdded" => {
                let entry = &params["entry"];
                let (level, text) = (entry["level"].as_str()?, entry["text"].as_str()?);
                let url = entry["url"].as_str().unwrap_or_default();
                ["warning", "error"]
                    .contains(&level)
                    .then(|| format!("{level}: {text} ({url})"))
            }
            _ => None,
        }
    }

    fn request(&self, event: &Value) -> Option<String> {
        let url = match event["method"].as_str()? {
            "Network.requestWillBeSent" => &event["params"]["request"]["url"],
            "Network.webSocketCreated" => &event["params"]["url"],
            _ => return None,
        };
        url.as_str().map(str::to_owned)
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // With its pipe it ends by itself.
        self.wire.silence();
    }
}

/// What a script threw, if it did.
fn thrown(details: &Value) -> Option<String> {
    let text = details["text"].as_str()?;
    let exception = &details["exception"];
    if exception.is_null() {
        return Some(text.to_owned());
    }
    Some(format!("{text}: {}", shown(exception)))
}

/// A value of JavaScript as the console shows it.
fn shown(value: &Value) -> String {
    match (&value["value"], value["description"].as_str()) {
        (Value::String(text), _) => text.clone(),
        (Value::Null, Some(description)) => description.to_owned(),
        (plain, _) => plain.to_string(),
    }
}
