//! The only printer: people's words on stderr and results on stdout, or one JSON object a line on stdout.

use std::fs::File;
use std::io::{self, Stderr, Stdout, Write};

use crate::cli::OutputOptions;
use crate::event::{Event, Stamped};
use crate::exit::{Exit, Failure};

mod harmless;
mod live;
mod words;
use words::{Level, Line, Words};

#[cfg(test)]
mod tests;

/// To the first column, and nothing in the line.
const ERASE: &str = "\r\x1b[K";

/// Prints events where and how the user asked for them.
pub struct Output<O, E> {
    options: OutputOptions,
    /// None once it was closed or failed.
    stdout: Option<O>,
    stderr: E,
    stats_file: Option<Box<dyn Write + Send>>,
    words: Words,
    /// The line below all others, which stays; empty where there is none.
    bottom: String,
    /// What is said once somebody is in a call.
    hint: Option<&'static str>,
}

/// Why something could not be printed; said once, later events go where they still can.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Whoever read stdout has had enough: a clean end.
    #[error("stdout was closed")]
    Closed,
    /// The disk is full, or the like.
    #[error("cannot write {what}: {source}")]
    Write {
        /// `stdout`, or the file.
        what: String,
        /// Why.
        source: io::Error,
    },
}

impl OutputError {
    /// How the command ends because of it.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Closed => Failure::new(Exit::Done, self.to_string()),
            Self::Write { .. } => Failure::new(Exit::File, self.to_string()),
        }
    }
}

impl Output<Stdout, Stderr> {
    /// Prints to this process's stdout and stderr, and opens `--stats-file`.
    pub fn open(options: OutputOptions) -> Result<Self, Failure> {
        let create = |path: &std::path::PathBuf| {
            File::create(path).map_err(|error| {
                Failure::new(
                    Exit::File,
                    format!("cannot write {}: {error}", path.display()),
                )
            })
        };
        let file = options.stats_file.as_ref().map(create).transpose()?;
        let mut output = Self::new(options, io::stdout(), io::stderr());
        output.stats_file = file.map(|file| Box::new(file) as Box<dyn Write + Send>);
        Ok(output)
    }
}

impl<O: Write, E: Write> Output<O, E> {
    /// Prints to these, without a file for statistics.
    pub fn new(options: OutputOptions, stdout: O, stderr: E) -> Self {
        let words = Words::new(options.verbosity, options.relay_only);
        Self {
            options,
            stdout: Some(stdout),
            stderr,
            stats_file: None,
            words,
            bottom: String::new(),
            hint: None,
        }
    }

    /// Tells what happened.
    pub fn event(&mut self, stamped: &Stamped) -> Result<(), OutputError> {
        // Also with `--json`: an error is told to people too.
        let line = self.words.of(stamped);
        let saved = self.save_statistics(stamped);
        let hidden = matches!(stamped.event, Event::Stats { .. }) && !self.options.stats_shown;
        let printed = match line {
            _ if hidden => Ok(()),
            line if self.options.json => {
                if let Some(line) = line.filter(|line| line.level == Level::Error) {
                    self.tell(&line.text);
                }
                self.json(stamped)
            }
            Some(line) => self.people(line),
            None => Ok(()),
        };
        if matches!(stamped.event, Event::Connected { .. })
            && let Some(hint) = self.hint.take()
        {
            self.tell(hint);
        }
        saved.and(printed)
    }

    /// Says this once, when somebody is in a call.
    pub fn say_once_connected(&mut self, hint: &'static str) {
        self.hint = Some(hint);
    }

    /// Shows this below everything else, on a terminal, in place of what was there.
    pub fn show_below(&mut self, text: &str) {
        if self.bottom != text {
            text.clone_into(&mut self.bottom);
            self.draw(&format!("{ERASE}{text}"));
        }
    }

    /// A line that stays, above the one below.
    pub fn say(&mut self, line: &str) {
        self.tell(line);
    }

    fn draw(&mut self, text: &str) {
        // There is nowhere left to tell that stderr fails.
        let _ = self.stderr.write_all(text.as_bytes());
        let _ = self.stderr.flush();
    }

    fn people(&mut self, line: Line) -> Result<(), OutputError> {
        if !self.wants(line.level) {
            return Ok(());
        }
        if line.level == Level::Result && !self.options.stdout_is_sound {
            return self.print(&line.text);
        }
        self.tell(&line.text);
        Ok(())
    }

    fn wants(&self, level: Level) -> bool {
        match level {
            Level::Result | Level::Error => true,
            Level::Normal => !self.options.quiet,
            Level::Detail => !self.options.quiet && self.options.verbosity > 0,
        }
    }

    fn json(&mut self, stamped: &Stamped) -> Result<(), OutputError> {
        match stamped.to_json() {
            Ok(line) => self.print(&line),
            Err(error) => Err(OutputError::Write {
                what: "stdout".to_owned(),
                source: error.into(),
            }),
        }
    }

    fn print(&mut self, line: &str) -> Result<(), OutputError> {
        if !self.bottom.is_empty() {
            self.draw(ERASE);
        }
        let printed = self.print_line(line);
        if !self.bottom.is_empty() {
            self.draw(&self.bottom.clone());
        }
        printed
    }

    fn print_line(&mut self, line: &str) -> Result<(), OutputError> {
        let Some(stdout) = &mut self.stdout else {
            return Ok(());
        };
        write_line(stdout, line).map_err(|source| {
            self.stdout = None;
            match source.kind() {
                io::ErrorKind::BrokenPipe => OutputError::Closed,
                _ => OutputError::Write {
                    what: "stdout".to_owned(),
                    source,
                },
            }
        })
    }

    fn tell(&mut self, line: &str) {
        if self.bottom.is_empty() {
            // There is nowhere left to tell that stderr fails.
            let _ = write_line(&mut self.stderr, line);
        } else {
            self.draw(&format!("{ERASE}{line}\n{}", self.bottom));
        }
    }

    fn save_statistics(&mut self, stamped: &Stamped) -> Result<(), OutputError> {
        let (Event::Stats { .. }, Some(file)) = (&stamped.event, &mut self.stats_file) else {
            return Ok(());
        };
        let written = stamped
            .to_json()
            .map_err(io::Error::from)
            .and_then(|line| write_line(file, &line));
        written.map_err(|source| {
            self.stats_file = None;
            let what = self
                .options
                .stats_file
                .as_ref()
                .map_or_else(String::new, |path| path.display().to_string());
            OutputError::Write { what, source }
        })
    }
}

/// One write for a whole line, so that lines of two processes on one terminal do not mix.
fn write_line(to: &mut impl Write, line: &str) -> io::Result<()> {
    to.write_all(format!("{line}\n").as_bytes())?;
    to.flush()
}
