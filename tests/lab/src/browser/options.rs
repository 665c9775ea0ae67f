//! How a browser is started.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::scratch::Scratch;
use crate::wav::{self, Sound};

/// What the pages of a browser find. By default a microphone that hears 1000 Hz, light colours, and addresses in plain sight.
#[derive(Default)]
pub struct BrowserOptions<'a> {
    /// What they get when they ask for one.
    pub microphone: Microphone,
    /// Candidates have `.local` names (mDNS) instead of addresses, as in a browser that nobody has told otherwise; but not those of a
    /// page that may have a microphone without being asked, so with [`Microphone::Denied`] only.
    pub hides_addresses: bool,
    /// Names that are this machine, beside `localhost`; to a browser they are foreign and insecure.
    pub names: &'a [&'a str],
    /// Origins that are taken for safe, as if they had come by https.
    pub secure: &'a [&'a str],
    /// Plays no sound of a page in which nobody has pressed anything yet, as a browser does that nobody has told otherwise.
    pub silent: bool,
    /// Begins as with a dark desktop.
    pub dark: bool,
    /// Further options of its command line.
    pub more: &'a [&'a str],
    /// Where it runs: makes the command for a program in a namespace, as [`crate::NatLab::command`] does. Firefox needs socat then.
    pub place: Option<&'a Place<'a>>,
}

/// From a program to a command without arguments.
pub type Place<'a> = dyn Fn(&OsStr) -> Command + 'a;

/// What a page hears that asks for a microphone.
#[derive(Clone, Debug, PartialEq)]
pub enum Microphone {
    /// This many hertz, without an end; granted without asking.
    Tone(u32),
    /// What is in this .wav file, again and again. Chromium only.
    File(PathBuf),
    /// There is one, but somebody has said no: `NotAllowedError`.
    Denied,
    /// There is none: `NotFoundError`.
    None,
}

/// Of a tone: it goes well through every encoder and every noise suppression.
const LEVEL: f64 = 0.5;
/// Of a file with a tone, in seconds. Whole, so that a tone of whole hertz has no seam where it begins again.
const LENGTH: u32 = 10;
const RATE: u32 = 48_000;

impl Default for Microphone {
    fn default() -> Self {
        Self::Tone(1000)
    }
}

impl Microphone {
    /// A file with what it hears, if it hears anything.
    pub(super) fn file(&self, folder: &Scratch) -> Result<Option<PathBuf>> {
        let hertz = match self {
            Self::Tone(hertz) => *hertz,
            Self::File(path) => return Ok(Some(path.clone())),
            Self::Denied | Self::None => return Ok(None),
        };
        let turn = f64::from(hertz) * std::f64::consts::TAU / f64::from(RATE);
        let sample = |at: u32| (LEVEL * (turn * f64::from(at)).sin()) as f32;
        let sound = Sound {
            rate: RATE,
            samples: (0..RATE * LENGTH).map(sample).collect(),
        };
        let file = folder.file("microphone.wav");
        fs::write(&file, wav::write(&sound))
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Some(file))
    }
}

impl BrowserOptions<'_> {
    /// A program where the browser is.
    pub(super) fn command(&self, program: &Path) -> Command {
        self.place
            .map_or_else(|| Command::new(program), |place| place(program.as_os_str()))
    }
}

impl fmt::Debug for BrowserOptions<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BrowserOptions")
            .field("microphone", &self.microphone)
            .field("hides_addresses", &self.hides_addresses)
            .field("names", &self.names)
            .field("secure", &self.secure)
            .field("silent", &self.silent)
            .field("dark", &self.dark)
            .field("more", &self.more)
            .field("placed", &self.place.is_some())
            .finish()
    }
}
