//! How servers find each other.

use std::convert::Infallible;

use anyhow::Context;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use shared::Secret;

use crate::backplane::Backplane;

/// The one option that may hold a password.
pub(super) const BACKPLANE: &str = "backplane";
/// What to do instead, where others can read one.
pub(super) const INSTEAD: &str =
    "put the URL into SIGNALING_BACKPLANE, or into a file of --config that others cannot read";

#[derive(Debug, Args)]
#[command(next_help_heading = "Many servers")]
pub(super) struct BackplaneArguments {
    /// NATS server through which servers share their rooms, or local
    ///
    /// nats://[USER:PASSWORD@]HOST:PORT: all servers with the same one are one, for their clients. A path, as in
    /// nats://HOST:PORT/staging, keeps those apart that are not. Every user of a machine can read what is typed: a URL with a
    /// password comes by SIGNALING_BACKPLANE, or stands in a file of --config that others cannot read. The broker is trusted:
    /// whoever may write there may speak for anybody.
    #[arg(long, value_name = "URL", env = "SIGNALING_BACKPLANE", hide_env = true)]
    #[arg(default_value = "local", hide_env_values = true, value_parser = unseen)]
    backplane: Secret,
}

/// Read later: a complaint of the parser would repeat the value, with its password.
fn unseen(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

/// Whether this is a URL with a password in it.
pub(super) fn holds_password(text: &str) -> bool {
    let login = match Backplane::parse(text) {
        Ok(Backplane::Nats(broker)) => broker.login,
        _ => None,
    };
    login.is_some_and(|(_, password)| !password.expose().is_empty())
}

impl BackplaneArguments {
    /// A password that was typed was shown to everybody.
    pub(super) fn is_shown(&self, matches: &ArgMatches) -> bool {
        let source = matches.value_source(BACKPLANE);
        source == Some(ValueSource::CommandLine) && holds_password(self.backplane.expose())
    }

    pub(super) fn backplane(&self) -> anyhow::Result<Backplane> {
        Backplane::parse(self.backplane.expose()).context("--backplane")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::ffi::OsString;

    use clap::Parser;

    use super::*;
    use crate::cli::{Arguments, Refused, Secrets};

    #[test]
    fn a_password_is_not_typed() {
        let read = |url: &str| {
            let line = ["signaling", "--backplane", url];
            Arguments::read(line.map(OsString::from))
        };
        assert!(read("nats://broker.example:4222").is_ok());
        assert!(read("nats://user@broker.example").is_ok());
        let Err(Refused::Usage(why)) = read("nats://u:hunter2@broker.example") else {
            panic!("it was typed");
        };
        let why = why.to_string();
        assert!(
            why.contains("--backplane: ")
                && why.contains("SIGNALING_BACKPLANE")
                && !why.contains("hunter2"),
            "{why}"
        );
    }

    #[test]
    fn a_backplane_is_local_unless_it_is_told_and_no_password_is_shown() {
        let parsed = |line: &str| Arguments::try_parse_from(line.split(' ')).unwrap();
        let options = |line: &str| parsed(line).server_options(Secrets::default());
        let local = options("signaling").unwrap().backplane;
        assert_eq!(local, Backplane::Local);
        let line = "signaling --backplane nats://u:hunter2@broker.example:4222";
        let Backplane::Nats(broker) = options(line).unwrap().backplane else {
            panic!("local")
        };
        assert_eq!(broker.url, "nats://broker.example:4222");
        let shown = format!("{:?} {:?}", parsed(line), options(line));
        assert!(!shown.contains("hunter2"), "{shown}");
        let wrong = options("signaling --backplane redis://u:hunter2@x").unwrap_err();
        let wrong = format!("{wrong:#}");
        assert!(
            wrong.starts_with("--backplane: \"redis\" is no broker") && !wrong.contains("hunter2"),
            "{wrong}"
        );
    }
}
