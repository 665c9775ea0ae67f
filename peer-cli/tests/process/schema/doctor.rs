//! What `doctor` says.

use std::net::SocketAddr;

use serde_json::Value;

use super::{Always, Field, Known, mode, one_of, positive, words};

/// The events of no other command.
pub(super) fn table(name: &str) -> Option<&'static [Field]> {
    Some(match name {
        "check" => &[
            ("name", Always, subject),
            ("server", Known, words),
            ("ok", Always, Value::is_boolean),
            ("grade", Always, |value| {
                one_of(value, &["ok", "warn", "fail"])
            }),
            ("ms", Known, positive),
            ("mapped", Known, address),
            ("relayed", Known, address),
            ("code", Known, Value::is_u64),
            ("nat", Known, nat),
            ("mapping", Known, behaviour),
            ("filtering", Known, behaviour),
            ("mode", Known, mode),
            ("text", Always, words),
        ],
        "verdict" => &[
            ("ok", Always, Value::is_boolean),
            ("codes", Always, |value| {
                value
                    .as_array()
                    .is_some_and(|codes| codes.iter().all(words))
            }),
            ("text", Always, words),
        ],
        _ => return None,
    })
}

fn address(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.parse::<SocketAddr>().is_ok())
}

fn subject(value: &Value) -> bool {
    let subjects = [
        "signaling",
        "stun",
        "nat",
        "turn",
        "relay",
        "microphone",
        "speaker",
    ];
    one_of(value, &subjects)
}

fn nat(value: &Value) -> bool {
    let translated = [
        "full-cone",
        "address-restricted",
        "port-restricted",
        "cone",
        "symmetric",
        "unknown",
    ];
    one_of(value, &["open", "firewall", "none"]) || one_of(value, &translated)
}

fn behaviour(value: &Value) -> bool {
    let known = [
        "endpoint-independent",
        "endpoint-dependent",
        "address-dependent",
        "address-and-port-dependent",
    ];
    one_of(value, &known)
}
