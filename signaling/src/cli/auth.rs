//! Who may come in, and tokens for them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use shared::{Name, Role, Room, Secret};

use crate::auth::{Auth, TokenKeys};
use crate::grant::Grant;

/// Where the secret of tokens is read: never from an argument, which every user of a machine can see.
pub const TOKEN_SECRET: &str = "SIGNALING_TOKEN_SECRET";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// everybody
    None,
    /// who has a signed token
    Token,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Who may come in")]
pub(super) struct AuthArguments {
    /// none: everybody; token: who has a signed one
    ///
    /// A token is a JWT (RFC 7519), signed with HS256 and the secret in SIGNALING_TOKEN_SECRET (32 bytes or more), or with
    /// EdDSA and the private half of --token-key. Its claims are exp, and, where they shall be fixed, room, name and role
    /// (call, answer or either). It comes as ?token=… or Authorization: Bearer; see also: signaling token --help
    #[arg(long, value_name = "WHO", value_enum, default_value = "none")]
    #[arg(env = "SIGNALING_AUTH", hide_env = true, hide_possible_values = true)]
    auth: Which,

    /// Ed25519 public key that tokens may be signed for, PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "SIGNALING_TOKEN_KEY",
        hide_env = true
    )]
    token_key: Option<PathBuf>,

    /// Web origin that may connect (repeat); default: any
    ///
    /// Such as https://example.org. Holds for browsers, which always tell the origin of their page; others connect anyhow.
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "SIGNALING_ORIGIN",
        value_delimiter = ','
    )]
    #[arg(hide_env = true, hide_env_values = true)]
    pub(super) origin: Vec<String>,
}

/// What `signaling token` is told.
#[derive(Debug, Args)]
pub struct TokenArguments {
    /// The one room that it is for; default: any
    #[arg(long, value_parser = room)]
    room: Option<Room>,

    /// What others see; default: what the peer calls itself
    #[arg(long, value_parser = name)]
    name: Option<Name>,

    /// call, answer or either; default: any
    #[arg(long, value_parser = role)]
    role: Option<Role>,

    /// How long it is good for, as in 30m, 12h, 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = super::grammar::span)]
    expires: Duration,
}

impl AuthArguments {
    pub(super) fn auth(&self, secret: Option<Secret>) -> anyhow::Result<Auth> {
        if self.auth == Which::None {
            anyhow::ensure!(
                self.token_key.is_none(),
                "--token-key is for --auth token, which is not asked for"
            );
            return Ok(Auth::None);
        }
        let read = |file: &PathBuf| {
            fs::read_to_string(file).with_context(|| format!("--token-key {}", file.display()))
        };
        let public = self.token_key.as_ref().map(read).transpose()?;
        Ok(Auth::Token(TokenKeys::new(secret, public)?))
    }
}

impl TokenArguments {
    /// The token, for one line of output.
    ///
    /// # Errors
    /// When there is no secret to sign it with.
    pub fn token(&self, secret: Option<Secret>) -> anyhow::Result<String> {
        let secret = secret.context(
            "a token is signed with the secret of the server: put it into SIGNALING_TOKEN_SECRET",
        )?;
        let grant = Grant {
            room: self.room.clone(),
            name: self.name.clone(),
            role: self.role,
        };
        TokenKeys::new(Some(secret), None)?.sign(&grant, self.expires)
    }
}

fn room(text: &str) -> Result<Room, String> {
    Room::new(text).map_err(|error| error.to_string())
}

fn name(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| error.to_string())
}

fn role(text: &str) -> Result<Role, String> {
    [Role::Call, Role::Answer, Role::Either]
        .into_iter()
        .find(|role| role.as_str() == text)
        .ok_or_else(|| "write call, answer or either".to_owned())
}
