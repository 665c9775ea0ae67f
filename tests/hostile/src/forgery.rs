//! Tokens that nobody has signed.

use data_encoding::BASE64URL_NOPAD;

use crate::dice::Dice;

/// One way of forging, of a good token.
pub(crate) fn forged(good: &str, dice: &mut Dice) -> String {
    let parts: Vec<&str> = good.split('.').collect();
    let [head, claims, signature] = parts[..] else {
        return "a.b.c".to_owned();
    };
    let encoded = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let none = encoded(r#"{"typ":"JWT","alg":"none"}"#);
    let eddsa = encoded(r#"{"typ":"JWT","alg":"EdDSA"}"#);
    let eternal = encoded(r#"{"exp":99999999999}"#);
    match dice.roll(7) {
        0 => format!("{none}.{claims}."),
        1 => format!("{eddsa}.{claims}.{signature}"),
        2 => format!("{head}.{eternal}.{signature}"),
        3 => format!(
            "{head}.{claims}.{}",
            BASE64URL_NOPAD.encode(&dice.bytes(32))
        ),
        4 => format!("{head}.{claims}"),
        5 => "x".repeat(1 + dice.roll(8000)),
        _ => String::new(),
    }
}
