//! Chromium without a screen, told what to do in its DevTools protocol. The protocol runs through two pipes: there is no port that
//! somebody else could take, no driver of the browser's own version, and the browser ends when its pipes do.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::scratch::Scratch;

mod devtools;

use devtools::DevTools;

/// A browser with one page. Gone, with its profile, when dropped.
#[derive(Debug)]
pub struct Browser {
    // Ends before its profile goes.
    devtools: DevTools,
    /// Of the page.
    session: Option<String>,
    _profile: Scratch,
}

/// How it may be called.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A page that nobody sees is served like one that somebody looks at; it may play sound and is given a microphone without being
/// asked; and its WebRTC finds a peer on this machine, by address. Nothing is fetched but what a page asks for. Without a sandbox,
/// which root cannot have: it opens the pages of this project and no others.
const FLAGS: &[&str] = &[
    "--headless",
    "--remote-debugging-pipe",
    "--no-startup-window",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
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
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
];

/// For an answer that needs no waiting for anything but the machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Browser {
    /// Where it is, if it is installed.
    #[must_use]
    pub fn program() -> Option<PathBuf> {
        let path = env::var_os("PATH")?;
        let files = env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name)));
        files.into_iter().find(|file| file.is_file())
    }

    /// Starts one with an empty profile and no page; `more` are further options of its command line.
    ///
    /// # Errors
    /// When it is not installed, or does not start.
    pub fn start(more: &[&str]) -> Result<Self> {
        let program = Self::program().context("no Chromium is installed")?;
        let profile = Scratch::new()?;
        let mut command = Command::new(program);
        command.args(FLAGS).args(more);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        let mut browser = Self {
            devtools: DevTools::start(&command)?,
            session: None,
            _profile: profile,
        };
        browser.version().context("Chromium did not start")?;
        Ok(browser)
    }

    /// Its name and version, as `Chrome/148.0.7778.167`.
    ///
    /// # Errors
    /// When it no longer answers.
    pub fn version(&mut self) -> Result<String> {
        let version = self.call("Browser.getVersion", &json!({}), PATIENCE)?;
        let product = version["product"].as_str();
        Ok(product.context("no version")?.to_owned())
    }

    /// Its process; what it started itself descends from it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.devtools.id()
    }

    /// Opens this address in its page and waits until all of it is loaded.
    ///
    /// # Errors
    /// When there is no such page.
    pub fn open(&mut self, url: &str) -> Result<()> {
        if self.session.is_none() {
            let page = json!({"url": "about:blank"});
            let page = self.call("Target.createTarget", &page, PATIENCE)?;
            let attach = json!({"targetId": page["targetId"], "flatten": true});
            let attached = self.call("Target.attachToTarget", &attach, PATIENCE)?;
            self.session = attached["sessionId"].as_str().map(str::to_owned);
            self.call("Page.enable", &json!({}), PATIENCE)?;
            let lifecycle = json!({"enabled": true});
            self.call("Page.setLifecycleEventsEnabled", &lifecycle, PATIENCE)?;
        }
        self.devtools.forget();
        let answer = self.call("Page.navigate", &json!({"url": url}), PATIENCE)?;
        if let Some(why) = answer["errorText"].as_str() {
            bail!("Chromium cannot open {url}: {why}");
        }
        // Not that of the empty page before it.
        let load = json!({"loaderId": answer["loaderId"], "name": "load"});
        let loaded = self
            .devtools
            .wait_for("Page.lifecycleEvent", &load, PATIENCE);
        loaded.with_context(|| format!("waiting for {url}"))
    }

    /// Evaluates a script in the page; a promise is waited for, and what it is fulfilled with comes back, as JSON has it.
    ///
    /// # Errors
    /// With what the script threw; when the time is over.
    pub fn run(&mut self, script: &str, limit: Duration) -> Result<Value> {
        let words = json!({"expression": script, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", &words, limit)?;
        let thrown = &answer["exceptionDetails"];
        if !thrown.is_null() {
            let why = thrown["exception"]["description"].as_str();
            let why = why.or(thrown["text"].as_str()).unwrap_or_default();
            bail!("in the page: {why}");
        }
        Ok(answer["result"]["value"].clone())
    }

    /// A command to the page, if there is one.
    fn call(&mut self, method: &str, params: &Value, limit: Duration) -> Result<Value> {
        self.devtools
            .call(self.session.as_deref(), method, params, limit)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use serde_json::json;

    use super::Browser;

    /// Where a browser is installed; no other test needs one, so none is installed for this.
    #[test]
    fn a_page_is_opened_and_runs_scripts() {
        if Browser::program().is_none() {
            crate::say("SKIPPED a_page_is_opened_and_runs_scripts: needs Chromium");
            return;
        }
        const LIMIT: Duration = Duration::from_secs(60);
        let page = crate::Scratch::new().unwrap();
        let file = page.file("page.html");
        std::fs::write(&file, "<script>const ten = 10;</script>").unwrap();
        let mut browser = Browser::start(&[]).unwrap();
        browser.open(&format!("file://{}", file.display())).unwrap();
        assert_eq!(browser.run("ten + 1", LIMIT).unwrap(), 11);
        let promise = "new Promise(done => setTimeout(() => done({ten}), 10))";
        assert_eq!(browser.run(promise, LIMIT).unwrap(), json!({"ten": 10}));
        let thrown = browser.run("nothing.at.all", LIMIT).unwrap_err();
        assert!(format!("{thrown:#}").contains("nothing is not defined"));
        assert!(browser.open("file:///nowhere.html").is_err());
    }
}
