//! Who may come in, and tokens for them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use shared::{Name, Role, Room, Secret};

use super::Secrets;
use super::origin::origin;
use crate::auth::{Auth, TokenKeys, WebhookOptions};
use crate::grant::Grant;

/// Where the secret of tokens is read: never from an argument, which every user of a machine can see.
pub const TOKEN_SECRET: &str = "SIGNALING_TOKEN_SECRET";

/// What --auth-url knows this server by.
pub const AUTH_SECRET: &str = "SIGNALING_AUTH_SECRET";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// everybody
    None,
    /// who has a signed token
    Token,
    /// whom a service of yours lets in
    Webhook,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Who may come in")]
pub(super) struct AuthArguments {
    /// none: everybody; token, webhook: who is allowed to
    ///
    /// webhook: whom the service at --auth-url lets in. token: who has a signed one.
    ///
    /// A token is a JWT (RFC 7519), signed with HS256 and the secret in SIGNALING_TOKEN_SECRET (32 bytes or more), or with
    /// EdDSA and the private half of --token-key. Its claims are exp, and, where they shall be fixed, room, name and role
    /// (call, answer or either). It comes as ?token=… or Authorization: Bearer; see also: signaling token --help
    #[arg(long, value_name = "WHO", value_enum, default_value = "none")]
    #[arg(env = "SIGNALING_AUTH", hide_env = true, hide_possible_values = true)]
    auth: Which,

    /// Service that --auth webhook asks, http or https
    ///
    /// By POST, with JSON: room, token, address, origin, protocol. Status 2xx lets in; its JSON may fix room, name and role, add
    /// iceServers (as in WebRTC) and say in how many seconds it expires. Status 4xx refuses, and its text is the reason.
    /// Anything else, and 5 s without an answer, refuses until later. SIGNALING_AUTH_SECRET in the environment is sent as
    /// Authorization: Bearer. SSL_CERT_FILE may name the certificate of a private authority.
    #[arg(long, value_name = "URL", env = "SIGNALING_AUTH_URL")]
    #[arg(hide_env = true, hide_env_values = true)]
    auth_url: Option<String>,

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
    /// Such as https://example.org or http://localhost:3000; null is the one of pages that have none. Holds for browsers, which
    /// always tell the origin of their page; others connect anyhow.
    #[arg(long, value_name = "ORIGIN", env = "SIGNALING_ORIGIN")]
    #[arg(hide_env = true, hide_env_values = true)]
    #[arg(value_delimiter = ',', value_parser = origin)]
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
    /// `token` is what tokens are signed with, `service` what --auth-url knows this server by.
    pub(super) fn auth(&self, token: Option<Secret>, service: Option<Secret>) -> Result<Auth> {
        let is = |which| self.auth == which;
        ensure!(
            is(Which::Token) || self.token_key.is_none(),
            "--token-key is for --auth token, which is not asked for"
        );
        ensure!(
            is(Which::Webhook) || self.auth_url.is_none(),
            "--auth-url is for --auth webhook, which is not asked for"
        );
        Ok(match self.auth {
            Which::None => Auth::None,
            Which::Token => {
                let read = |file: &PathBuf| {
                    fs::read_to_string(file)
                        .with_context(|| format!("--token-key {}", file.display()))
                };
                let public = self.token_key.as_ref().map(read).transpose()?;
                Auth::Token(TokenKeys::new(token, public)?)
            }
            Which::Webhook => {
                let url = self.auth_url.as_deref();
                let url = url.context("--auth webhook needs --auth-url URL: the service to ask")?;
                Auth::Webhook(WebhookOptions::new(url, service)?)
            }
        })
    }
}

impl AuthArguments {
    /// What is said of secrets that were given and that nobody asks for: who sets one may think that this is enough.
    pub(super) fn unused(&self, secrets: &Secrets) -> Vec<&'static str> {
        let mut unused = Vec::new();
        if secrets.token.is_some() {
            unused.extend(match self.auth {
                Which::None => Some(
                    "SIGNALING_TOKEN_SECRET is set, but nobody is asked for a token: that takes --auth token",
                ),
                Which::Webhook => Some(
                    "SIGNALING_TOKEN_SECRET is set, but it is the service at --auth-url that looks at tokens: the secret is not used",
                ),
                Which::Token => None,
            });
        }
        if secrets.service.is_some() && self.auth != Which::Webhook {
            unused.push(
                "SIGNALING_AUTH_SECRET is set, but no service is asked: that takes --auth webhook",
            );
        }
        unused
    }
}

impl TokenArguments {
    /// The token, for one line of output.
    ///
    /// # Errors
    /// When there is no secret to sign it with.
    pub fn token(&self, secret: Option<Secret>) -> Result<String> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;

    use super::*;
    use crate::cli::{Arguments, Secrets};

    fn auth(line: &str) -> Result<Auth> {
        let arguments = Arguments::try_parse_from(line.split(' '))?;
        Ok(arguments.server_options(Secrets::default())?.auth)
    }

    fn warnings(line: &str, secrets: Secrets) -> Vec<&'static str> {
        let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
        arguments.warnings(&secrets)
    }

    #[test]
    fn who_sets_a_secret_that_is_not_used_is_told() {
        let secret = || Some(Secret::new("0123456789abcdef0123456789abcdef"));
        let all = || Secrets {
            turn: secret(),
            token: secret(),
            service: secret(),
        };
        for (line, said) in [
            (
                "signaling",
                &["--auth token", "--auth webhook", "--turn-url"][..],
            ),
            ("signaling --auth token --relay", &["--auth webhook"]),
            (
                "signaling --auth webhook --auth-url http://a --turn-url turn:a",
                &["not used"],
            ),
        ] {
            let told = warnings(line, all());
            assert_eq!(told.len(), said.len(), "{told:?}");
            for (told, said) in told.iter().zip(said) {
                assert!(told.contains(said), "{told}");
            }
            assert!(warnings(line, Secrets::default()).is_empty());
        }
    }

    #[test]
    fn a_secret_that_no_header_can_hold_is_refused_and_not_shown() {
        let line = "signaling --auth webhook --auth-url http://a";
        let auth = |secret: &str| {
            let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
            arguments.server_options(Secrets {
                service: Some(Secret::new(secret)),
                ..Secrets::default()
            })
        };
        for good in ["hunter2", "hunter 2", "~!#[]{}"] {
            assert!(auth(good).is_ok(), "{good}");
        }
        for bad in [
            "hunter2\n",
            "hunter2\r\nX: y",
            " hunter2",
            "hunter2 ",
            "hunter2\t",
            "hunter2\u{7f}",
            "hunter\u{e9}2",
        ] {
            let why = format!("{:#}", auth(bad).unwrap_err());
            assert!(why.starts_with("SIGNALING_AUTH_SECRET cannot"), "{why}");
            assert!(!why.contains("hunter"), "{why}");
        }
    }

    #[test]
    fn a_service_is_asked_at_a_url_that_is_one_and_nobody_sees_it() {
        let hook =
            auth("signaling --auth webhook --auth-url https://a.example/?key=hidden").unwrap();
        assert!(matches!(hook, Auth::Webhook(_)));
        assert!(!format!("{hook:?}").contains("hidden"));
        for (line, named) in [
            ("signaling --auth webhook", "needs --auth-url"),
            ("signaling --auth-url http://a", "--auth webhook"),
            ("signaling --auth webhook --auth-url a.example", "http://"),
            ("signaling --auth webhook --auth-url ftp://a", "http://"),
            (
                "signaling --auth webhook --auth-url http://u:p@a",
                "SIGNALING_AUTH_SECRET",
            ),
            (
                "signaling --auth webhook --token-key x --auth-url http://a",
                "--token-key",
            ),
        ] {
            let error = format!("{:#}", auth(line).unwrap_err());
            assert!(error.contains(named), "{error}");
        }
    }
}
