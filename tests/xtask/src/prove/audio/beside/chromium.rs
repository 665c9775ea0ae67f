//! Chromium as the listener: a page of ours, which answers like a tutorial's and keeps what its jitter buffer hands out.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use lab::{Browser, BrowserOptions, Page};
use serde_json::{Value, json};

use super::super::chirp::RATE;
use super::recording::{Count, Piece, Recording};
use super::{Listener, Other};
use crate::setup::{self, Job};

/// For whatever the page does.
const LIMIT: Duration = Duration::from_secs(60);
/// Samples that are handed over at a time.
const PART: usize = 480_000;
/// A sound device that is none, so that the same is measured with and without one, and nobody has to listen; it asks for 10 ms at a
/// time, as our own playout is asked.
const DEVICE: [&str; 2] = ["--disable-audio-output", "--audio-buffer-size=480"];

struct Listening {
    browser: Browser,
    page: Page,
}

/// Sees to it that it is installed, and that it starts.
pub(super) fn ready() -> Result<Other> {
    setup::ensure(&[Job::Browser])?;
    let version = start()?.version()?;
    let version = version.split('.').next().unwrap_or_default();
    Ok(Other {
        name: "chromium",
        title: format!("Chromium {version}"),
        listen: Box::new(listen),
    })
}

fn listen(url: &str, path: &Path) -> Result<Box<dyn Listener>> {
    let page = path.with_extension("html");
    fs::write(&page, include_str!("listener.html"))
        .with_context(|| format!("cannot write {}", page.display()))?;
    let browser = start()?;
    let listener = browser.page()?;
    listener.open(&format!("file://{}", page.display()))?;
    listener.run(&format!("listen({})", json!(url)), LIMIT)?;
    Ok(Box::new(Listening {
        browser,
        page: listener,
    }))
}

fn start() -> Result<Browser> {
    Browser::chromium(&BrowserOptions {
        more: &DEVICE,
        ..BrowserOptions::default()
    })
}

impl Listener for Listening {
    fn process(&self) -> u32 {
        self.browser.id()
    }

    fn finish(self: Box<Self>) -> Result<Recording> {
        let page = &self.page;
        let heard = page.run("heard()", LIMIT)?;
        let (mut pieces, mut first) = (Vec::new(), 0);
        for piece in rows(&heard["pieces"])? {
            let [at, length, rate] = piece[..] else {
                bail!("a piece of sound is {piece:?}");
            };
            ensure!(rate == f64::from(RATE), "sound of {rate} Hz");
            let length = length as usize;
            pieces.push(Piece {
                at: at / 1e6,
                first,
                length,
            });
            first += length;
        }
        let (mut counts, mut buffered) = (Vec::new(), None);
        for count in rows(&heard["counts"])? {
            let [kept, made_up, all, delay, emitted] = count[..] else {
                bail!("counters are {count:?}");
            };
            buffered = (emitted > 0.0).then(|| delay / emitted);
            counts.push(Count {
                at: kept / f64::from(RATE),
                made_up,
                all,
            });
        }
        let mut samples = Vec::with_capacity(first);
        while samples.len() < first {
            let to = first.min(samples.len() + PART);
            let part = page.run(&format!("part({}, {to})", samples.len()), LIMIT)?;
            let part = part.as_str().context("no samples")?;
            for word in part.split(' ') {
                samples.push(
                    word.parse()
                        .with_context(|| format!("a sample is {word}"))?,
                );
            }
        }
        let mut recording = Recording::lay(&pieces, &samples, counts)?;
        recording.buffered = buffered;
        Ok(recording)
    }
}

/// An array of arrays of numbers.
fn rows(value: &Value) -> Result<Vec<Vec<f64>>> {
    let row =
        |row: &Value| -> Option<Vec<f64>> { row.as_array()?.iter().map(Value::as_f64).collect() };
    let rows = value.as_array().context("no table in the page")?;
    let rows: Option<_> = rows.iter().map(row).collect();
    rows.context("no numbers in the page's table")
}
