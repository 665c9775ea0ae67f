//! Short-lived TURN credentials (draft-uberti-behave-turn-rest): whoever knows the secret can make and check them, and
//! nothing is remembered. coturn's `use-auth-secret` is the same.

use std::time::Duration;

use data_encoding::BASE64;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use shared::Secret;

/// How long new credentials are good: twice the 12 h that the protocol promises.
pub(super) const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// A user name and its password, W3C `RTCIceServer.username` and `.credential`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: Secret,
}

/// For `user`, good until [`LIFETIME`] after `unix`, which is seconds since 1970.
pub(super) fn issue(secret: &Secret, unix: u64, user: &str) -> Credentials {
    let username = format!("{}:{user}", unix + LIFETIME.as_secs());
    let password = password(secret, &username);
    Credentials { username, password }
}

/// base64(HMAC-SHA1(secret, username)).
pub(super) fn password(secret: &Secret, username: &str) -> Secret {
    Secret::new(BASE64.encode(&mac(secret.expose().as_bytes(), &[username.as_bytes()])))
}

/// HMAC-SHA1 (RFC 2104) over the parts.
pub(super) fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    // HMAC takes a key of any length: the other arm is not reached.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key) else {
        return [0; 20];
    };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// When a user name expires, in seconds since 1970, and whose it is; `None` if it is not of this kind.
pub(super) fn read(username: &str) -> Option<(u64, &str)> {
    let (expiry, user) = username.split_once(':').unwrap_or((username, ""));
    let digits = !expiry.is_empty() && expiry.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| expiry.parse().ok())?.map(|at| (at, user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_what_openssl_makes_of_it() {
        // printf %s 1700000000:alice | openssl dgst -sha1 -hmac north -binary | base64
        let password = password(&Secret::new("north"), "1700000000:alice");
        assert_eq!(password.expose(), KNOWN);
    }

    const KNOWN: &str = "Cd/49soE35ICqcJF/bCTn8Z4OyE=";

    #[test]
    fn rfc_2202_test_case_2() {
        let mac = mac(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        let hex = data_encoding::HEXLOWER.encode(&mac);
        assert_eq!(hex, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }

    #[test]
    fn they_are_good_for_half_a_day_and_more() {
        let issued = issue(&Secret::new("s"), 1_000, "bob");
        let (expiry, user) = read(&issued.username).unwrap_or_default();
        assert_eq!(user, "bob");
        assert!(expiry >= 1_000 + 12 * 3600);
        assert!(!format!("{issued:?}").contains(issued.password.expose()));
    }

    #[test]
    fn user_names_of_another_kind_are_none() {
        assert_eq!(read("17:a:b"), Some((17, "a:b")));
        assert_eq!(read("17"), Some((17, "")));
        for bad in ["", ":a", "a:17", "+17:a", "-1:a", "99999999999999999999:a"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
