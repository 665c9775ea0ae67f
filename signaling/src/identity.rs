//! Who a client is, from what it brings; nothing is remembered, so any server gives the same answer.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};
use shared::PeerId;
use shared::limits::ID_CHARS;

/// The id that belongs to a secret: base32 of SHA-256 of its UTF-8 bytes, lower case, the first 26 characters.
pub(crate) fn of_secret(secret: &str) -> Option<PeerId> {
    id(&Sha256::digest(secret))
}

/// An id for a client that brings no secret: unpredictable as long as `seed` is, and never the same for two numbers.
pub(crate) fn of_number(seed: &[u8; 32], number: u64) -> Option<PeerId> {
    id(&Sha256::new()
        .chain_update(seed)
        .chain_update(number.to_be_bytes())
        .finalize())
}

/// Always `Some`: a SHA-256 has 52 characters and base32 is made of letters and digits.
fn id(hash: &[u8]) -> Option<PeerId> {
    let mut text = BASE32_NOPAD.encode(hash).to_ascii_lowercase();
    text.truncate(ID_CHARS);
    PeerId::new(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_secret_is_fixed_for_ever() {
        // printf %s 0123456789abcdef | sha256sum | xxd -r -p | base32 | tr A-Z a-z | head -c 26
        let id = of_secret("0123456789abcdef").map(|id| id.to_string());
        assert_eq!(id.as_deref(), Some(KNOWN));
    }

    const KNOWN: &str = "t6pvcepxwj5hqhy7dxo6l26c3u";

    #[test]
    fn numbers_and_seeds_matter() {
        let ids = [
            of_number(&[0; 32], 1),
            of_number(&[0; 32], 2),
            of_number(&[1; 32], 1),
        ];
        assert!(ids.iter().all(Option::is_some));
        assert!(ids[0] != ids[1] && ids[0] != ids[2]);
    }
}
