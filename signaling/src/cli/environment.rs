//! What comes by the environment.

use std::env;

use anyhow::bail;
use clap::Command;
use shared::Secret;

use super::{AUTH_SECRET, TOKEN_SECRET, TURN_SECRET};

/// Secrets come by the environment alone.
#[derive(Debug, Default)]
pub struct Secrets {
    /// Of TURN credentials: [`TURN_SECRET`].
    pub turn: Option<Secret>,
    /// Of tokens: [`TOKEN_SECRET`].
    pub token: Option<Secret>,
    /// For the service that decides who may come in: [`AUTH_SECRET`].
    pub service: Option<Secret>,
}

impl Secrets {
    /// Those that are set, and not to nothing.
    ///
    /// # Errors
    /// When one is no text.
    pub fn from_env() -> anyhow::Result<Self> {
        Ok(Self {
            turn: secret(TURN_SECRET)?,
            token: secret(TOKEN_SECRET)?,
            service: secret(AUTH_SECRET)?,
        })
    }
}

fn secret(name: &str) -> anyhow::Result<Option<Secret>> {
    let Some(value) = env::var_os(name) else {
        return Ok(None);
    };
    match value.into_string() {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty()).map(Secret::new)),
        Err(_) => bail!("{name} in the environment is not UTF-8: write it as base64, for example"),
    }
}

/// The same command, for which a variable that is set to nothing is not set: files for containers and services write
/// `SIGNALING_ORIGIN=` where there is none.
pub(super) fn without_empty(command: Command) -> Command {
    command.mut_args(|arg| {
        let value = arg.get_env().and_then(env::var_os);
        if value.is_some_and(|value| value.is_empty()) {
            arg.env(None::<&'static str>)
        } else {
            arg
        }
    })
}
