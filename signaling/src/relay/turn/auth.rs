//! The long-term credential mechanism (RFC 8489 section 9.2) without memory: a nonce proves itself, and so do credentials.

use data_encoding::HEXLOWER;
use shared::Secret;
use stun_types::attribute::{ErrorCode, MessageIntegrity, Nonce, Realm, Username};
use stun_types::message::{IntegrityAlgorithm, IntegrityKey, LongTermKeyCredentials, Message};
use stun_types::prelude::AttributeStaticType;

use super::wire::Refusal;
use super::{Client, Config, Moment, REALM};
use crate::relay::credentials;

/// How long a nonce is good, RFC 8656 section 5 recommends an hour at most.
const NONCE_SECONDS: u64 = 3600;
/// Hexadecimal digits of the time in a nonce, and of its proof.
const TIME: usize = 16;
const PROOF: usize = 24;

/// Who has proved itself.
pub(super) struct Caller {
    pub(super) user: String,
    /// Signs what it is answered.
    pub(super) key: IntegrityKey,
}

/// Finds out who asks. `owner` is the user of the allocation that the client has already: to keep it, its credentials may
/// have expired meanwhile, so that a call outlives them.
pub(super) fn authenticate(
    config: &Config,
    now: Moment,
    client: &Client,
    request: &Message<'_>,
    owner: Option<&str>,
) -> Result<Caller, Refusal> {
    let again = |code| Refusal::challenge(code, nonce(config, client, now.unix + NONCE_SECONDS));
    if !request.has_attribute(MessageIntegrity::TYPE) {
        return Err(again(ErrorCode::UNAUTHORIZED));
    }
    let (username, realm, given) = (
        request.attribute::<Username>(),
        request.attribute::<Realm>(),
        request.attribute::<Nonce>(),
    );
    let (Ok(username), Ok(_), Ok(given)) = (username, realm, given) else {
        return Err(ErrorCode::BAD_REQUEST.into());
    };
    if !good_nonce(config, client, now.unix, given.nonce()) {
        return Err(again(ErrorCode::STALE_NONCE));
    }
    let username = username.username();
    let (expiry, user) =
        credentials::read(username).ok_or_else(|| again(ErrorCode::UNAUTHORIZED))?;
    let key = key(&config.secret, username);
    let proved = request.validate_integrity_with_key(&key).is_ok();
    if !proved || (expiry <= now.unix && owner != Some(user)) {
        return Err(again(ErrorCode::UNAUTHORIZED));
    }
    let user = user.to_owned();
    Ok(Caller { user, key })
}

/// MD5(username:realm:password), RFC 8489 section 18.5.1.
pub(super) fn key(secret: &Secret, username: &str) -> IntegrityKey {
    let password = credentials::password(secret, username).expose().to_owned();
    LongTermKeyCredentials::new(username.to_owned(), password, REALM.to_owned())
        .make_key(IntegrityAlgorithm::Sha1)
}

/// When it expires, and a proof that we said so to this very client.
fn nonce(config: &Config, client: &Client, expiry: u64) -> String {
    let address = client.remote.to_string();
    let mac = credentials::mac(
        &config.nonce_key,
        &[&expiry.to_be_bytes(), address.as_bytes()],
    );
    let proof = HEXLOWER.encode(&mac[..PROOF / 2]);
    format!("{expiry:0TIME$x}{proof}")
}

fn good_nonce(config: &Config, client: &Client, unix: u64, given: &str) -> bool {
    let time = given.get(..TIME);
    let expiry = time.and_then(|t| u64::from_str_radix(t, 16).ok());
    expiry.is_some_and(|at| at > unix && nonce(config, client, at) == given)
}
