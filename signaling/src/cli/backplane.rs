//! How servers find each other.

use std::convert::Infallible;

use anyhow::Context;
use clap::Args;
use shared::Secret;

use crate::backplane::Backplane;

#[derive(Debug, Args)]
#[command(next_help_heading = "Many servers")]
pub(super) struct BackplaneArguments {
    /// NATS server through which servers share their rooms, or local
    ///
    /// nats://[USER:PASSWORD@]HOST:PORT: all servers with the same one are one, for their clients. A path, as in
    /// nats://HOST:PORT/staging, keeps those apart that are not. Every user of a machine can read arguments: better put a
    /// URL with a password into SIGNALING_BACKPLANE. The broker is trusted: whoever may write there may speak for anybody.
    #[arg(long, value_name = "URL", env = "SIGNALING_BACKPLANE", hide_env = true)]
    #[arg(default_value = "local", hide_env_values = true, value_parser = unseen)]
    backplane: Secret,
}

/// Read later: a complaint of the parser would repeat the value, with its password.
fn unseen(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

impl BackplaneArguments {
    pub(super) fn backplane(&self) -> anyhow::Result<Backplane> {
        Backplane::parse(self.backplane.expose()).context("--backplane")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;

    use super::*;
    use crate::cli::{Arguments, Secrets};

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
