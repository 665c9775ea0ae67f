#![allow(clippy::unwrap_used)]

use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

use super::*;

const SECRET: &str = "a secret of thirty-two bytes or more";
/// Made for these tests alone with `openssl genpkey -algorithm ed25519`.
const PRIVATE: &str = "MC4CAQAwBQYDK2VwBCIEIDFiVrFacTFGu74Ck6wrBgPcvjNoQf+qAhxb28tbwmbe";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAyBZyKlQ0A5c4XK0Hqi5Qss0TJGRJW4MHv+BC3xOH9OY=\n-----END PUBLIC KEY-----\n";

fn keys() -> TokenKeys {
    TokenKeys::new(Some(Secret::new(SECRET)), Some(PUBLIC.to_owned())).unwrap()
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs()
}

fn signed(claims: &Value, secret: &str) -> String {
    crypto::install();
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::default(), claims, &key).unwrap()
}

/// EdDSA (RFC 8037): the server only checks it.
fn signed_by_pair(claims: &Value) -> String {
    let pkcs8 = BASE64.decode(PRIVATE.as_bytes()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).unwrap();
    let parts = [r#"{"alg":"EdDSA"}"#.to_owned(), claims.to_string()];
    let text = parts
        .map(|part| BASE64URL_NOPAD.encode(part.as_bytes()))
        .join(".");
    let signature = BASE64URL_NOPAD.encode(pair.sign(text.as_bytes()).as_ref());
    format!("{text}.{signature}")
}

fn admitted(token: &str, room: Option<&str>) -> Result<Grant, Refusal> {
    let room = room.map(|room| Room::new(room).unwrap());
    Auth::Token(keys()).admit(Some(token), room)
}

#[test]
fn a_token_fixes_what_it_names_and_nothing_else() {
    let grant = Grant {
        room: Some(Room::new("kitchen").unwrap()),
        name: Some(Name::new("bob").unwrap()),
        role: Some(Role::Answer),
    };
    let token = keys().sign(&grant, Duration::from_secs(60)).unwrap();
    assert_eq!(admitted(&token, Some("kitchen")), Ok(grant.clone()));
    // Who names no room comes into the one of the token.
    assert_eq!(admitted(&token, None), Ok(grant.clone()));
    assert_eq!(
        admitted(&token, Some("attic")),
        Err(Refusal::OtherRoom(grant.room.unwrap()))
    );
    let anywhere = keys().sign(&Grant::default(), Duration::from_secs(60));
    let granted = admitted(&anywhere.unwrap(), Some("attic")).unwrap();
    assert_eq!(granted.room, Some(Room::new("attic").unwrap()));
    assert_eq!((granted.name, granted.role), (None, None));
}

#[test]
fn without_a_rule_everybody_comes_in_and_with_one_nobody_without_a_token() {
    assert!(Auth::None.admit(None, None).is_ok());
    for nothing in [None, Some("")] {
        assert_eq!(
            Auth::Token(keys()).admit(nothing, None),
            Err(Refusal::Missing)
        );
    }
}

#[test]
fn time_counts() {
    let at = |exp: u64| signed(&json!({"exp": exp}), SECRET);
    assert!(admitted(&at(now() + 60), None).is_ok());
    assert_eq!(admitted(&at(now() - 60), None), Err(Refusal::Expired));
    let early = json!({"exp": now() + 600, "nbf": now() + 300});
    assert_eq!(
        admitted(&signed(&early, SECRET), None),
        Err(Refusal::TooEarly)
    );
    // As many libraries write it: RFC 7519 section 2.
    let fraction = |exp: f64| admitted(&signed(&json!({"exp": exp}), SECRET), None);
    let seconds = now() as f64;
    assert!(fraction(seconds + 60.25).is_ok());
    assert_eq!(fraction(seconds - 60.25), Err(Refusal::Expired));
    // One that is good for ever is good for nothing.
    assert_eq!(
        admitted(&signed(&json!({}), SECRET), None),
        Err(Refusal::Strange)
    );
}

#[test]
fn forgeries_are_told_from_mistakes() {
    let good = json!({"exp": now() + 60});
    assert_eq!(
        admitted(&signed(&good, "another secret of thirty-two bytes"), None),
        Err(Refusal::Forged)
    );
    let token = signed(&good, SECRET);
    let (head, rest) = token.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    // {"alg":"none"} (RFC 8725 2.1), and no signature.
    let none = BASE64URL_NOPAD.encode(br#"{"alg":"none","typ":"JWT"}"#);
    for forged in [
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{head}.{body}."),
        format!("{head}.{body}.{signature}x"),
        format!("{head}.e30.{signature}"),
        "x".repeat(5000),
        "..".to_owned(),
        "\u{0}".to_owned(),
    ] {
        assert!(admitted(&forged, None).is_err(), "{forged}");
    }
    for claim in ["room", "name"] {
        for wrong in ["a b", "", "Jürgen"] {
            let claims = json!({"exp": now() + 60, claim: wrong});
            let why = admitted(&signed(&claims, SECRET), None).unwrap_err();
            assert_eq!(why.cause(), Cause::StrangeToken);
            let said = why.to_string();
            assert!(said.starts_with(&format!("the token: {claim}")), "{said}");
        }
    }
    let number = json!({"exp": now() + 60, "room": 7});
    assert_eq!(
        admitted(&signed(&number, SECRET), None),
        Err(Refusal::Strange)
    );
    let role = json!({"exp": now() + 60, "role": "king"});
    assert_eq!(
        admitted(&signed(&role, SECRET), None),
        Err(Refusal::Strange)
    );
}

#[test]
fn what_must_be_understood_and_is_not_is_refused() {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let claims = json!({"exp": now() + 60});
    let admits = |crit: Option<Vec<String>>| {
        crypto::install();
        let mut header = Header::default();
        header.extras.insert("shift", "night");
        header.crit = crit;
        admitted(&jsonwebtoken::encode(&header, &claims, &key).unwrap(), None)
    };
    // Other members of the header are ignored (RFC 7515 4), as long as `crit` does not name them.
    assert!(admits(None).is_ok());
    assert_eq!(
        admits(Some(vec!["shift".to_owned()])),
        Err(Refusal::Strange)
    );
    // An empty list is none (RFC 7515 4.1.11).
    assert_eq!(admits(Some(Vec::new())), Err(Refusal::Strange));
}

#[test]
fn a_public_key_is_no_secret_of_the_other_algorithm() {
    let claims = json!({"exp": now() + 60, "name": "ann"});
    let token = signed_by_pair(&claims);
    assert_eq!(
        admitted(&token, None).unwrap().name,
        Some(Name::new("ann").unwrap())
    );
    // Signed with the public key as if it were a shared secret (RFC 8725 2.1).
    assert_eq!(
        admitted(&signed(&claims, PUBLIC), None),
        Err(Refusal::Forged)
    );
    // And a server that has only the one key takes only its algorithm.
    let only = TokenKeys::new(Some(Secret::new(SECRET)), None).unwrap();
    assert_eq!(
        Auth::Token(only).admit(Some(&token), None),
        Err(Refusal::Forged)
    );
}

#[test]
fn keys_that_are_none_are_refused_by_name() {
    let said = |secret: Option<&str>, public: Option<&str>| {
        let keys = TokenKeys::new(secret.map(Secret::new), public.map(str::to_owned));
        keys.unwrap_err().to_string()
    };
    assert!(said(None, None).contains("SIGNALING_TOKEN_SECRET"));
    assert!(said(Some("short"), None).contains("5 bytes"));
    assert!(said(None, Some("-----BEGIN")).contains("--token-key"));
}
