//! Who may come in: everybody, whoever brings a token (a JWT, RFC 7519) that this server's operator has signed, or whom the
//! operator's own service lets in (`webhook`). The only place that names the JWT crate.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use shared::{Name, Role, Room, Secret};
use thiserror::Error as ThisError;

use crate::grant::Grant;
use crate::verdict::Cause;

mod crypto;
mod webhook;

pub use webhook::WebhookOptions;
pub(crate) use webhook::{Answer, No, Question, Webhook};

/// Bytes of a secret for HMAC with SHA-256 (RFC 7518 3.2).
const MIN_SECRET: usize = 32;
/// Seconds by which the clocks of whoever signs and of this server may differ.
const LEEWAY: u64 = 30;
/// Bytes of a token; the URL that holds it has its own bound.
const MAX_TOKEN: usize = 4096;

/// Who may come in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// Everybody.
    #[default]
    None,
    /// Whoever has a token that one of these keys has signed.
    Token(TokenKeys),
    /// Whoever the operator's own service lets in.
    Webhook(WebhookOptions),
}

/// What tokens are checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKeys {
    /// For HS256.
    secret: Option<Secret>,
    /// For EdDSA: an Ed25519 public key, PEM.
    public: Option<String>,
}

/// Why keys cannot be used.
#[derive(Debug, ThisError)]
pub enum KeyError {
    /// There is none.
    #[error(
        "--auth token needs a key: SIGNALING_TOKEN_SECRET in the environment (HS256), or --token-key FILE (EdDSA)"
    )]
    Missing,
    /// Too easily guessed.
    #[error(
        "SIGNALING_TOKEN_SECRET has {0} bytes; HS256 needs at least {MIN_SECRET} (RFC 7518 3.2)"
    )]
    Short(usize),
    /// Something else.
    #[error("--token-key: no Ed25519 public key in PEM (\"BEGIN PUBLIC KEY\")")]
    NoPublicKey,
}

/// Why somebody may not come in, in words for the one who asks.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub(crate) enum Refusal {
    #[error("this server asks for a token")]
    Missing,
    #[error("the token was not made for this server")]
    Forged,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not good yet")]
    TooEarly,
    #[error("the token says nothing that this server understands")]
    Strange,
    /// A room or a name that is none.
    #[error("the token: {0}")]
    Claim(String),
    #[error("the token is for room \"{0}\"")]
    OtherRoom(Room),
}

impl Refusal {
    pub(crate) const fn cause(&self) -> Cause {
        match self {
            Self::Missing => Cause::NoToken,
            Self::Forged => Cause::ForgedToken,
            Self::Expired => Cause::ExpiredToken,
            Self::TooEarly => Cause::EarlyToken,
            Self::Strange | Self::Claim(_) => Cause::StrangeToken,
            Self::OtherRoom(_) => Cause::OtherRoom,
        }
    }
}

/// What a token says (RFC 7519 4); other claims are ignored.
#[derive(Serialize, Deserialize)]
struct Claims {
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// Read, and compared with the clock, by the crate, which knows fractions of a second, too (RFC 7519 section 2).
    #[serde(skip_deserializing)]
    exp: u64,
}

impl Auth {
    /// What whoever brings this token may do; `room` is where it wants to go. Where a service decides, that is still to be asked.
    pub(crate) fn admit(&self, token: Option<&str>, room: Option<Room>) -> Result<Grant, Refusal> {
        if token.is_some_and(|token| token.len() > MAX_TOKEN) {
            return Err(Refusal::Strange);
        }
        let Self::Token(keys) = self else {
            return Ok(Grant {
                room,
                ..Grant::default()
            });
        };
        let token = token.filter(|token| !token.is_empty());
        let grant = keys.read(token.ok_or(Refusal::Missing)?)?;
        match (grant.room, room) {
            (Some(only), Some(room)) if only != room => Err(Refusal::OtherRoom(only)),
            (only, room) => Ok(Grant {
                room: only.or(room),
                ..grant
            }),
        }
    }
}

impl TokenKeys {
    /// At least one of them.
    ///
    /// # Errors
    /// When there is none, or one that is no key.
    pub fn new(secret: Option<Secret>, public: Option<String>) -> Result<Self, KeyError> {
        crypto::install();
        if let Some(secret) = &secret {
            let length = secret.expose().len();
            if length < MIN_SECRET {
                return Err(KeyError::Short(length));
            }
        }
        if let Some(pem) = &public {
            DecodingKey::from_ed_pem(pem.as_bytes()).map_err(|_| KeyError::NoPublicKey)?;
        }
        if secret.is_none() && public.is_none() {
            return Err(KeyError::Missing);
        }
        Ok(Self { secret, public })
    }

    /// A token for this server, signed with its secret: good for so long.
    ///
    /// # Errors
    /// When there is no secret, or no clock.
    pub fn sign(&self, grant: &Grant, good_for: Duration) -> anyhow::Result<String> {
        let Some(secret) = &self.secret else {
            return Err(KeyError::Missing.into());
        };
        let expires = SystemTime::now().duration_since(UNIX_EPOCH)? + good_for;
        let claims = Claims {
            room: grant.room.as_ref().map(ToString::to_string),
            name: grant.name.as_ref().map(ToString::to_string),
            role: grant.role.map(|role| role.as_str().to_owned()),
            exp: expires.as_secs(),
        };
        let key = EncodingKey::from_secret(secret.expose().as_bytes());
        Ok(jsonwebtoken::encode(&Header::default(), &claims, &key)?)
    }

    fn read(&self, token: &str) -> Result<Grant, Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| refusal(&error))?;
        // Extensions that must be understood (RFC 7515 4.1.11), of which none is understood here.
        if header.crit.is_some() {
            return Err(Refusal::Strange);
        }
        let algorithm = header.alg;
        // Each algorithm has a key of its own: none is ever checked with the key of another.
        let key = match (algorithm, &self.secret, &self.public) {
            (Algorithm::HS256, Some(secret), _) => {
                DecodingKey::from_secret(secret.expose().as_bytes())
            }
            (Algorithm::EdDSA, _, Some(pem)) => {
                DecodingKey::from_ed_pem(pem.as_bytes()).map_err(|error| refusal(&error))?
            }
            _ => return Err(Refusal::Forged),
        };
        let mut rules = Validation::new(algorithm);
        rules.leeway = LEEWAY;
        rules.validate_nbf = true;
        // Nobody has agreed on one.
        rules.validate_aud = false;
        let token = jsonwebtoken::decode::<Claims>(token, &key, &rules);
        granted(token.map_err(|error| refusal(&error))?.claims)
    }
}

fn granted(claims: Claims) -> Result<Grant, Refusal> {
    let Claims {
        room, name, role, ..
    } = claims;
    let role = role.map(|role| match role.as_str() {
        "call" => Ok(Role::Call),
        "answer" => Ok(Role::Answer),
        "either" => Ok(Role::Either),
        _ => Err(Refusal::Strange),
    });
    Ok(Grant {
        room: room.map(Room::new).transpose().map_err(claim)?,
        name: name.map(Name::new).transpose().map_err(claim)?,
        role: role.transpose()?,
    })
}

fn claim(why: impl ToString) -> Refusal {
    Refusal::Claim(why.to_string())
}

fn refusal(error: &Error) -> Refusal {
    match error.kind() {
        ErrorKind::ExpiredSignature => Refusal::Expired,
        ErrorKind::ImmatureSignature => Refusal::TooEarly,
        ErrorKind::InvalidSignature
        | ErrorKind::InvalidAlgorithm
        | ErrorKind::InvalidAlgorithmName => Refusal::Forged,
        _ => Refusal::Strange,
    }
}

#[cfg(test)]
mod tests;
#[cfg(any(test, fuzzing))]
pub(crate) mod trial;
