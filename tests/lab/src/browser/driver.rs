//! What every browser can be told, whatever its protocol calls it.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::key::Key;
use super::wire::Wire;

/// For an answer that needs no waiting for anything but the machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// One running browser. `page` is the protocol's own name of a page.
pub(super) trait Driver: Debug + Send + Sync {
    fn id(&self) -> u32;
    fn version(&self) -> Result<String>;
    fn wire(&self) -> &Wire;

    /// Makes an empty page and gives its name.
    fn page(&self) -> Result<String>;
    fn close(&self, page: &str) -> Result<()>;

    /// Until all of it is loaded.
    fn open(&self, page: &str, url: &str) -> Result<()>;
    fn reload(&self, page: &str) -> Result<()>;

    /// Evaluates an expression whose value is a promise of a text or of nothing.
    fn run(&self, page: &str, expression: &str, limit: Duration) -> Result<Option<String>>;

    /// A PNG file in base64, of what stands in the window.
    fn screenshot(&self, page: &str) -> Result<String>;
    /// In CSS pixels.
    fn resize(&self, page: &str, width: u32, height: u32) -> Result<()>;
    fn dark(&self, page: &str, dark: bool) -> Result<()>;
    fn press(&self, page: &str, key: &Key) -> Result<()>;
    /// In CSS pixels from the top left of the window.
    fn click(&self, page: &str, x: f64, y: f64) -> Result<()>;

    /// If this event of a page is a warning, an error or an exception that nobody caught: what it says.
    fn complaint(&self, event: &Value) -> Option<String>;
    /// If this event of a page is a request that it made: the URL.
    fn request(&self, event: &Value) -> Option<String>;
}
