//! Arguments to options: everything the user types, checked and typed before anything starts.

use std::ffi::OsString;
use std::io::{self, Write};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::event::{Event, Stamped};
use crate::exit::Exit;

mod args;
mod grammar;
mod groups;
mod help;
mod options;
mod validate;
pub use options::{
    CallOptions, Command, DevicesOptions, DoctorOptions, HangUp, LoopbackOptions, MessageOptions,
    NetworkOptions, OutputOptions, SessionOptions, SignalingOptions, SoundOptions, Stun,
};

#[cfg(test)]
mod tests;

/// Reads the arguments, the program's name first.
pub fn parse<I, T>(arguments: I) -> Result<Command, Stop>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let json = asks_for_json(&arguments);
    let parsed =
        args::Arguments::try_parse_from(arguments).map_err(|error| Stop { error, json })?;
    let verb = parsed.verb.name();
    validate::command(parsed.verb).map_err(|reason| Stop {
        error: refusal(verb, &reason),
        json,
    })
}

/// Whether `--json` was among arguments that may not have been understood.
fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument == "--json")
}

/// An error in the words of clap, with the usage line of the subcommand.
fn refusal(verb: &str, reason: &str) -> clap::Error {
    let mut command = args::Arguments::command();
    command.build();
    match command.find_subcommand_mut(verb) {
        Some(command) => command.error(ErrorKind::ValueValidation, reason),
        None => command.error(ErrorKind::ValueValidation, reason),
    }
}

/// The arguments ask for help or the version, or are wrong: nothing else will run.
#[derive(Debug)]
pub struct Stop {
    error: clap::Error,
    json: bool,
}

impl Stop {
    /// 0 for help and version, else 2.
    pub fn exit(&self) -> Exit {
        match self.error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
            _ => Exit::Usage,
        }
    }

    /// Prints help to stdout, a mistake to stderr, and to stdout the `exit` event that `--json` was promised.
    pub fn tell(&self, since_start: Duration) -> io::Result<()> {
        self.error.print()?;
        if let Some(line) = self.exit_line(since_start) {
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{line}")?;
            stdout.flush()?;
        }
        Ok(())
    }

    /// The last line of `--json`, if the arguments are wrong and it was among them.
    pub fn exit_line(&self, since_start: Duration) -> Option<String> {
        let exit = self.exit();
        if !self.json || exit == Exit::Done {
            return None;
        }
        let event = Event::Exit {
            code: exit.code(),
            reason: self.reason(),
        };
        Stamped::new(since_start, event).to_json().ok()
    }

    /// What is wrong, in one line, without the usage that follows it for people.
    fn reason(&self) -> String {
        if self.error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return "no command given".to_owned();
        }
        let text = self.error.render().to_string();
        let lines = text.lines().take_while(|line| !line.starts_with("Usage:"));
        let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
        let reason = words.join(" ");
        let reason = reason.strip_prefix("error: ").unwrap_or(&reason);
        reason
            .split(" For more information, try")
            .next()
            .unwrap_or(reason)
            .to_owned()
    }
}
