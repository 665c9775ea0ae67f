//! How it is told that there are no arguments, although not everything was understood.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::anyhow;
use clap::Command;

use super::complaint::sentence;
use super::{file, grammar};
use crate::log::Format;

/// Why there are no arguments.
#[derive(Debug)]
pub enum Refused {
    /// Help was asked for, or something is wrong and a person is to read so.
    Usage(clap::Error),
    /// Something typed, in the environment or in the file of `--config` is wrong; and how the log was to be written.
    Configuration(anyhow::Error, Format),
}

impl Refused {
    /// For people as they know it from other programs, for programs as everything else that they read.
    pub(super) fn usage(why: clap::Error, format: Format) -> Self {
        match format {
            Format::Json if why.use_stderr() => {
                Self::Configuration(anyhow!("{}", sentence(&why)), format)
            }
            _ => Self::Usage(why),
        }
    }
}

/// How the log was to be written: as it is typed, or in the environment, or in the file. What does not serve says so on the
/// terminal.
pub(super) fn format(command: &Command, line: &[OsString]) -> Format {
    let is_errand = |word: &OsString| command.find_subcommand(word).is_some();
    if line.get(1).is_some_and(is_errand) {
        return Format::Text;
    }
    let said = |option: &str, variable: &str| {
        let value = typed(line, option).or_else(|| env::var_os(variable));
        value.filter(|value| !value.is_empty())
    };
    let named = said("--log", "SIGNALING_LOG").and_then(|value| value.into_string().ok());
    let named = named.or_else(|| {
        let file = said("--config", "SIGNALING_CONFIG")?;
        file::log(Path::new(&file))
    });
    let format = named.and_then(|name| grammar::log_format(&name).ok());
    format.unwrap_or(Format::Text)
}

/// The value of this option, as in `--log json` and `--log=json`.
fn typed(line: &[OsString], option: &str) -> Option<OsString> {
    let mut words = line.iter();
    while let Some(word) = words.next() {
        if word == OsStr::new(option) {
            return words.next().cloned();
        }
        let value = word.to_str().and_then(|word| word.strip_prefix(option));
        if let Some(value) = value.and_then(|value| value.strip_prefix('=')) {
            return Some(value.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write;

    use clap::CommandFactory;

    use super::super::Arguments;
    use super::*;

    fn refused(line: &[&str]) -> Refused {
        let line = ["signaling"].iter().chain(line).map(OsString::from);
        Arguments::read(line).unwrap_err()
    }

    /// What is told to programs, if they are.
    fn told(line: &[&str]) -> Option<String> {
        match refused(line) {
            Refused::Usage(_) => None,
            Refused::Configuration(why, Format::Json) => Some(format!("{why:#}")),
            Refused::Configuration(why, Format::Text) => panic!("{why}"),
        }
    }

    #[test]
    fn programs_are_told_on_one_line() {
        for (line, said) in [
            (
                &["--log", "json", "--max-rom", "3"][..],
                "unexpected argument '--max-rom' found; tip: a similar argument exists: '--max-room'",
            ),
            (
                &["--max-frame", "64q", "--log=json"],
                "invalid value '64q' for '--max-frame <SIZE>': not a size: write 65536, 64k or 1M",
            ),
            (
                &["--log", "json", "--auth", "all"],
                "invalid value 'all' for '--auth <WHO>' [possible values: none, token, webhook]",
            ),
        ] {
            assert_eq!(told(line).as_deref(), Some(said));
        }
        for line in [
            &["--max-rom", "3"][..],
            &["--log", "text", "--max-rom", "3"],
            &["--log", "yaml"],
            &["--help", "--log", "json"],
            &["token", "--log", "json"],
        ] {
            assert_eq!(told(line), None, "{line:?}");
        }
    }

    #[test]
    fn the_file_says_how_too_if_it_can_be_read_that_far() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "max-room = \"many\"\nlog = \"json\"\n").unwrap();
        let path = file.path().to_str().unwrap();
        let of_file = told(&["--config", path]).unwrap();
        assert!(of_file.starts_with(&format!("{path}:1: ")), "{of_file}");
        let of_line = told(&["--max-room", "x", "--config", path]).unwrap();
        assert!(of_line.starts_with("invalid value 'x'"), "{of_line}");
        let command = Arguments::command();
        let format = |line: &[&str]| {
            let line: Vec<_> = line.iter().map(OsString::from).collect();
            format(&command, &line)
        };
        assert_eq!(format(&["signaling", "--config", path]), Format::Json);
        let typed = ["signaling", "--config", path, "--log", "text"];
        assert_eq!(format(&typed), Format::Text);
        let nowhere = ["signaling", "--config", "/nowhere/signaling.toml"];
        assert_eq!(format(&nowhere), Format::Text);
    }
}
