//! One page of a browser.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use data_encoding::BASE64;
use serde_json::{Value, json};

use super::driver::{Driver, PATIENCE};
use super::key::Key;
use crate::wav::Sound;

/// Closed when dropped. All of it may be used by several threads at a time.
#[derive(Debug)]
pub struct Page {
    browser: Arc<dyn Driver>,
    name: String,
    closed: bool,
}

/// Between two looks at a page, and how long one may take at the least.
const LOOK: Duration = Duration::from_millis(20);
const LOOKING: Duration = Duration::from_secs(5);

/// Of a new page, in CSS pixels.
const WIDTH: u32 = 1280;
const HEIGHT: u32 = 800;

/// Samples a second, and what a sample of 1 is, in [`HEAR`].
const RATE: u32 = 48_000;
const FULL_SCALE: f32 = 32_767.0;
const HEAR: &str = include_str!("hear.js");

impl Page {
    pub(super) fn new(browser: Arc<dyn Driver>) -> Result<Self> {
        let page = Self {
            name: browser.page().context("cannot open a page")?,
            browser,
            closed: false,
        };
        page.resize(WIDTH, HEIGHT)?;
        Ok(page)
    }

    /// Opens this address and waits until all of it is loaded.
    ///
    /// # Errors
    /// When there is no such page.
    pub fn open(&self, url: &str) -> Result<()> {
        let opened = self.browser.open(&self.name, url);
        opened.with_context(|| format!("cannot open {url}"))
    }

    /// Loads it anew, and waits until all of it is there.
    ///
    /// # Errors
    /// When the browser no longer answers.
    pub fn reload(&self) -> Result<()> {
        self.browser.reload(&self.name).context("cannot reload")
    }

    /// Closes it, as somebody does who closes a tab: the page may say good-bye.
    ///
    /// # Errors
    /// When the browser no longer answers.
    pub fn close(mut self) -> Result<()> {
        self.closed = true;
        self.browser
            .close(&self.name)
            .context("cannot close a page")
    }

    /// Evaluates an expression in the page, which may say `await`; a promise is waited for, and what it is fulfilled with comes back, as
    /// `JSON.stringify` has it.
    ///
    /// # Errors
    /// With what the script threw; when the time is over.
    pub fn run(&self, script: &str, limit: Duration) -> Result<Value> {
        // The same in both browsers, whose protocols show values each in their own way; a comment at its end ends with the line.
        let expression = format!("(async () => JSON.stringify(await ({script}\n)))()");
        let answer = self.browser.run(&self.name, &expression, limit);
        let text = answer.context("in the page")?;
        let value = text.map_or(Ok(Value::Null), |text| serde_json::from_str(&text));
        value.context("the page's value is no JSON")
    }

    /// Waits until this expression is true, which is looked at now and then; while it throws it is not.
    ///
    /// # Errors
    /// When it does not become so in time, with what it was last.
    pub fn wait_until(&self, script: &str, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let last = self.run(script, left.max(LOOKING));
            if last.as_ref().is_ok_and(is_true) {
                return Ok(());
            }
            if Instant::now() > deadline {
                let last = last.map_or_else(|why| format!("{why:#}"), |value| value.to_string());
                anyhow::bail!("never: {script}; at last: {last}{}", self.complained());
            }
            sleep(LOOK);
        }
    }

    /// Warnings, errors and exceptions that nobody caught, of this page since it was made, in order.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let look = |event: &Value| self.browser.complaint(event);
        self.browser.wire().find(&self.name, look)
    }

    /// The URLs that it asked for since it was made, in order; also those of WebSockets, but none that hold what they name (`data:`).
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let asked = |url: &String| !url.starts_with("data:");
        let look = |event: &Value| self.browser.request(event).filter(asked);
        self.browser.wire().find(&self.name, look)
    }

    /// What stands in its window, as a PNG file.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn screenshot(&self, file: &Path) -> Result<()> {
        let picture = self.browser.screenshot(&self.name)?;
        let picture = BASE64.decode(picture.as_bytes()).context("no base64")?;
        fs::write(file, picture).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Makes its window this large, in CSS pixels; narrow ones are a phone's, as far as the browser knows what that is.
    ///
    /// # Errors
    /// When the browser no longer answers.
    pub fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.browser.resize(&self.name, width, height)
    }

    /// As on a desktop with dark or light colours (`prefers-color-scheme`); in Firefox that is so for all of its pages.
    ///
    /// # Errors
    /// When the browser no longer answers.
    pub fn dark(&self, dark: bool) -> Result<()> {
        self.browser.dark(&self.name, dark)
    }

    /// Presses a key, as `Enter`, `a`, `Space`, `Shift+Tab`, and lets it go.
    ///
    /// # Errors
    /// When there is no such key.
    pub fn press(&self, key: &str) -> Result<()> {
        self.browser.press(&self.name, &Key::parse(key)?)
    }

    /// Presses the keys that write this, one after the other.
    ///
    /// # Errors
    /// When the browser no longer answers.
    pub fn write(&self, text: &str) -> Result<()> {
        let mut keys = text.chars().map(Key::writing);
        keys.try_for_each(|key| self.browser.press(&self.name, &key))
    }

    /// Clicks in the middle of the element that this CSS selector finds, with what lies above it if something does.
    ///
    /// # Errors
    /// When there is none, or nothing of it to be seen.
    pub fn click(&self, selector: &str) -> Result<()> {
        let place = format!(
            "(element => {{
                element.scrollIntoView({{block: 'nearest', behavior: 'instant'}});
                const box = element.getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2, box.width * box.height];
            }})(document.querySelector({}))",
            json!(selector)
        );
        let place = self.run(&place, PATIENCE);
        let place = place.with_context(|| format!("no {selector} to click on"))?;
        let number = |index: usize| place[index].as_f64().unwrap_or_default();
        ensure!(number(2) > 0.0, "{selector} cannot be seen");
        self.browser.click(&self.name, number(0), number(1))
    }

    /// Records for so long what a `MediaStream` plays, which is named by an expression: in a browser, a stream from another peer does so
    /// only while an element of the page plays it.
    ///
    /// # Errors
    /// When there is no such stream, or nothing comes.
    pub fn hears(&self, stream: &str, length: Duration) -> Result<Sound> {
        let script = format!("({HEAR})({stream}, {})", length.as_millis());
        let samples = self.run(&script, length + PATIENCE)?;
        let samples = samples.as_array().context("no samples")?.iter();
        let samples = samples.map(|sample| Some(sample.as_f64()? as f32 / FULL_SCALE));
        let samples: Option<Vec<f32>> = samples.collect();
        Ok(Sound {
            rate: RATE,
            samples: samples.context("samples that are no numbers")?,
        })
    }

    /// For errors.
    fn complained(&self) -> String {
        let complaints = self.complaints();
        let lines = complaints
            .iter()
            .map(|line| format!("\n  the page: {line}"));
        lines.collect()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if !self.closed {
            // It fails only when the browser is gone, and then so is the page.
            self.browser.close(&self.name).ok();
        }
    }
}

/// As in a condition of JavaScript; objects do not stay objects on the way here.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}
