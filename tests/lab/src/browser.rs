//! Real browsers without a screen, told what to do: Chromium in its DevTools protocol, Firefox in WebDriver BiDi. No driver program of
//! the browser's own version stands between.

mod bidi;
mod chromium;
mod devtools;
mod driver;
mod firefox;
mod key;
mod options;
mod page;
mod program;
#[cfg(test)]
mod tests;
mod wire;

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};

use chromium::Chromium;
use driver::Driver;
use firefox::Firefox;
pub use options::{BrowserOptions, Microphone, Place};
pub use page::Page;

/// One with an empty profile and no page yet. Gone, with its profile, when it and all of its pages are dropped.
#[derive(Clone, Debug)]
pub struct Browser(Arc<dyn Driver>);

/// Whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BrowserKind {
    /// Or Chrome.
    Chromium,
    /// With the long support of its ESR, or any other since 129.
    Firefox,
}

impl BrowserKind {
    /// All that are known here.
    pub const ALL: [Self; 2] = [Self::Chromium, Self::Firefox];

    /// Where it is, if it is installed.
    #[must_use]
    pub fn program(self) -> Option<PathBuf> {
        let names: &[&str] = match self {
            Self::Chromium => &["chromium", "chromium-browser", "google-chrome", "chrome"],
            Self::Firefox => &["firefox-esr", "firefox"],
        };
        let path = env::var_os("PATH")?;
        let files =
            env::split_paths(&path).flat_map(|folder| names.iter().map(move |n| folder.join(n)));
        files.into_iter().find(|file| file.is_file())
    }

    /// Whether tests can have it; if not, that is said past the test harness, by the test's name.
    #[must_use]
    pub fn is_here(self, test: &str) -> bool {
        let here = self.program().is_some();
        if !here {
            crate::skipped(test, &format!("needs {self}"));
        }
        here
    }
}

impl fmt::Display for BrowserKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Chromium => "Chromium",
            Self::Firefox => "Firefox",
        })
    }
}

impl Browser {
    /// Starts one.
    ///
    /// # Errors
    /// When it is not installed, or does not start, with what it said.
    pub fn start(kind: BrowserKind, options: &BrowserOptions) -> Result<Self> {
        let program = kind.program();
        let program = program.with_context(|| format!("no {kind} is installed"))?;
        let driver: Arc<dyn Driver> = match kind {
            BrowserKind::Chromium => Arc::new(Chromium::start(&program, options)?),
            BrowserKind::Firefox => Arc::new(Firefox::start(&program, options)?),
        };
        Ok(Self(driver))
    }

    /// Starts Chromium.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn chromium(options: &BrowserOptions) -> Result<Self> {
        Self::start(BrowserKind::Chromium, options)
    }

    /// Starts Firefox.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn firefox(options: &BrowserOptions) -> Result<Self> {
        Self::start(BrowserKind::Firefox, options)
    }

    /// Its version, as `148.0.7778.167`.
    ///
    /// # Errors
    /// When it no longer answers.
    pub fn version(&self) -> Result<String> {
        self.0.version()
    }

    /// Its process, or the shell around it; what it started itself descends from it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// A new empty page of 1280 × 800 in a window of its own, so that none is in another's background.
    ///
    /// # Errors
    /// When the browser no longer answers.
    pub fn page(&self) -> Result<Page> {
        Page::new(Arc::clone(&self.0))
    }
}
