//! A TURN client (RFC 8656) for a single allocation: requests with long-term credentials (RFC 8489 9.2).

use std::time::Duration;

use rtc::crypto::RTCCryptoProvider;
use rtc::stun::attributes::{ATTR_NONCE, ATTR_REALM, ATTR_USERNAME};
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{Message, Method, Setter};
use rtc::stun::textattrs::TextAttribute;
use std::sync::Arc;

use super::link::Link;
use super::{ProbeError, message};

/// 401: who are you? 438: the nonce is too old, take this one.
const UNAUTHORIZED: u16 = 401;
const STALE_NONCE: u16 = 438;

pub(super) struct Client {
    pub(super) link: Link,
    crypto: Arc<dyn RTCCryptoProvider>,
    username: String,
    password: String,
    /// What the server told us to sign with.
    challenge: Option<Challenge>,
    patience: Duration,
}

struct Challenge {
    realm: String,
    nonce: String,
    key: Vec<u8>,
}

impl Client {
    pub(super) fn new(
        link: Link,
        username: &str,
        password: &str,
        patience: Duration,
    ) -> Result<Self, ProbeError> {
        Ok(Self {
            link,
            crypto: rtc::crypto::default_provider().map_err(strange)?,
            username: username.to_owned(),
            password: password.to_owned(),
            challenge: None,
            patience,
        })
    }

    /// One request and its success, with the credentials that the server asks for.
    pub(super) async fn ask(
        &mut self,
        method: Method,
        attributes: &[&(dyn Setter + Sync)],
    ) -> Result<(Message, Duration), ProbeError> {
        let mut renewed = false;
        loop {
            let request = self.request(method, attributes)?;
            let (mut answer, took) = self.link.ask(&request, self.patience).await?;
            let Some(refusal) = message::refusal(&answer) else {
                self.verify(&mut answer)?;
                return Ok((answer, took));
            };
            let ProbeError::Refused { code, .. } = &refusal else {
                return Err(refusal);
            };
            match (*code, &self.challenge) {
                (UNAUTHORIZED, None) if self.username.is_empty() => {
                    return Err(ProbeError::Anonymous);
                }
                (UNAUTHORIZED, None) => {}
                (STALE_NONCE, _) if !renewed => renewed = true,
                _ => return Err(refusal),
            }
            self.challenge = Some(self.challenge(&answer)?);
        }
    }

    fn request(
        &self,
        method: Method,
        attributes: &[&(dyn Setter + Sync)],
    ) -> Result<Message, ProbeError> {
        let mut request = message::request(method);
        for attribute in attributes {
            message::add(&mut request, *attribute)?;
        }
        if let Some(challenge) = &self.challenge {
            for (attr, text) in [
                (ATTR_USERNAME, &self.username),
                (ATTR_REALM, &challenge.realm),
                (ATTR_NONCE, &challenge.nonce),
            ] {
                message::add(&mut request, &TextAttribute::new(attr, text.clone()))?;
            }
            let integrity = MessageIntegrity::new_raw_integrity_with_provider(
                challenge.key.clone(),
                self.crypto.crypto(),
            );
            message::add(&mut request, &integrity)?;
        }
        Ok(request)
    }

    fn challenge(&self, answer: &Message) -> Result<Challenge, ProbeError> {
        let text = |attr| {
            TextAttribute::get_from_as(answer, attr)
                .map(|attribute| attribute.text)
                .map_err(|_| ProbeError::Strange("a 401 without realm or nonce".to_owned()))
        };
        let (realm, nonce) = (text(ATTR_REALM)?, text(ATTR_NONCE)?);
        let key = MessageIntegrity::long_term_integrity_key(
            self.username.clone(),
            realm.clone(),
            self.password.clone(),
            self.crypto.crypto(),
        );
        Ok(Challenge {
            realm,
            nonce,
            key: key.map_err(strange)?,
        })
    }

    /// Who signs with our password knows it.
    fn verify(&self, answer: &mut Message) -> Result<(), ProbeError> {
        let Some(challenge) = &self.challenge else {
            return Ok(());
        };
        MessageIntegrity::check(answer, &challenge.key, self.crypto.crypto())
            .map_err(|_| ProbeError::Strange("it is not signed with our password".to_owned()))
    }
}

fn strange(error: impl std::fmt::Display) -> ProbeError {
    ProbeError::Strange(error.to_string())
}
