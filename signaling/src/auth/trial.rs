//! What must hold of tokens whatever bytes come; see [`crate::trial`].

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

const SECRET: &str = "a secret of thirty-two bytes or more";
/// The public half of a pair that nobody uses.
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAyBZyKlQ0A5c4XK0Hqi5Qss0TJGRJW4MHv+BC3xOH9OY=\n-----END PUBLIC KEY-----\n";

/// A token: the first byte says how it is made, the rest is in it.
pub fn token(bytes: &[u8]) {
    let Some((&how, rest)) = bytes.split_first() else {
        return;
    };
    let keys = TokenKeys::new(Some(Secret::new(SECRET)), Some(PUBLIC.to_owned())).unwrap();
    let auth = Auth::Token(keys.clone());
    let wanted = Room::new("kitchen").unwrap();
    let admit = |token: &str| auth.admit(Some(token), Some(wanted.clone()));
    let text = String::from_utf8_lossy(rest);
    match how % 4 {
        // Whatever it is, nobody has signed it.
        0 => assert!(admit(&text).is_err()),
        // Claims that the operator has signed by mistake.
        1 => claimed(&text, &wanted, &admit),
        // A good token with some bytes changed.
        2 => {
            let good = keys.sign(&Grant::default(), Duration::from_secs(3600));
            let good = good.unwrap().into_bytes();
            let mut changed = good.clone();
            for &[high, low, byte] in rest.as_chunks().0 {
                let at = usize::from(u16::from_be_bytes([high, low])) % changed.len();
                changed[at] = byte;
            }
            let admitted = admit(&String::from_utf8_lossy(&changed));
            assert_eq!(admitted.is_ok(), changed == good, "{rest:?}");
        }
        // Good claims under a key that anybody can know, or guess.
        _ => {
            let claims = json!({ "exp": now() + 3600 });
            let key = if rest.is_empty() {
                PUBLIC.as_bytes()
            } else {
                rest
            };
            if key != SECRET.as_bytes() {
                assert!(admit(&signed(&claims, key)).is_err());
            }
        }
    }
}

/// Whatever stands in a token of ours, it opens no other room and no past time.
fn claimed(text: &str, wanted: &Room, admit: &dyn Fn(&str) -> Result<Grant, Refusal>) {
    let Ok(claims) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let Ok(grant) = admit(&signed(&claims, SECRET.as_bytes())) else {
        return;
    };
    assert_eq!(grant.room.as_ref(), Some(wanted));
    assert!(
        claims
            .get("room")
            .is_none_or(|room| room.is_null() || room == wanted.to_string().as_str())
    );
    assert!(claims["exp"].as_f64().unwrap() > now() as f64 - 60.0);
    let name = claims.get("name").and_then(Value::as_str);
    assert_eq!(grant.name, name.map(|name| Name::new(name).unwrap()));
}

fn signed(claims: &Value, key: &[u8]) -> String {
    let key = EncodingKey::from_secret(key);
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}
