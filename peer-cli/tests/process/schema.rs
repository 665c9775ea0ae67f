//! The table of events in the documentation as a checker: names, fields, types, order.

use std::net::SocketAddr;

use serde_json::{Map, Value};

mod doctor;

/// A field: its name, whether it may be missing, and what it may be.
type Field = (&'static str, Need, fn(&Value) -> bool);

#[derive(Clone, Copy, PartialEq)]
enum Need {
    Always,
    Known,
}
use Need::{Always, Known};

/// Reads one line.
pub(crate) fn event(line: &str) -> Value {
    let value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON: {error}: {line}"));
    let Value::Object(fields) = &value else {
        panic!("no object: {line}");
    };
    for (name, need, is_right) in table(fields) {
        match fields.get(name) {
            Some(value) => assert!(is_right(value), "wrong \"{name}\": {line}"),
            None => assert!(need == Known, "no \"{name}\": {line}"),
        }
    }
    value
}

/// Reads the whole output of a command that ended with this code.
pub(crate) fn check(lines: &[String], code: i32) -> Vec<Value> {
    let events: Vec<Value> = lines.iter().map(|line| event(line)).collect();
    let times: Vec<f64> = events
        .iter()
        .map(|event| event["t"].as_f64().unwrap())
        .collect();
    assert!(times.is_sorted(), "time runs backwards: {times:?}");
    let all = || lines.join("\n");
    let last = events.last().unwrap_or_else(|| panic!("no event at all"));
    assert_eq!(last["event"], "exit", "{}", all());
    assert_eq!(last["code"], code, "{}", all());
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!(count("exit"), 1, "{}", all());
    // What was typed wrong never became a command.
    if code != 2 {
        assert_eq!(events[0]["event"], "hello", "{}", all());
        assert_eq!(count("hello"), 1, "{}", all());
    }
    // Every call that came about comes to an end.
    assert!(count("ended") <= count("connected"), "{}", all());
    events
}

/// What stands behind the name and the time.
fn table(fields: &Map<String, Value>) -> Vec<Field> {
    let name = fields
        .get("event")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let own = until_connected(name)
        .or_else(|| afterwards(name))
        .or_else(|| doctor::table(name))
        .unwrap_or_else(|| panic!("an event that no table knows: {fields:?}"));
    let mut all: Vec<Field> = vec![("t", Always, positive)];
    all.extend(own);
    let known = |field: &String| field == "event" || all.iter().any(|(name, ..)| name == field);
    let more = ["rate", "channels"];
    let strange: Vec<&String> = fields
        .keys()
        .filter(|field| !known(field) && !more.contains(&field.as_str()))
        .collect();
    assert!(
        strange.is_empty(),
        "fields that no table knows: {strange:?} in {fields:?}"
    );
    let has = |field: &str| fields.contains_key(field);
    assert!(
        name != "message" || has("text") != has("base64"),
        "{fields:?}"
    );
    all
}

fn until_connected(name: &str) -> Option<&'static [Field]> {
    Some(match name {
        "hello" => &[
            ("version", Always, version),
            ("room", Known, words),
            ("server", Known, words),
        ],
        "signaling" => &[
            ("state", Always, signaling),
            ("id", Known, id),
            ("mode", Known, mode),
        ],
        "peer" => &[
            ("state", Always, presence),
            ("id", Always, id),
            ("name", Known, words),
        ],
        "candidate" => &[
            ("peer", Known, id),
            ("direction", Always, direction),
            ("type", Always, candidate_type),
            ("protocol", Always, protocol),
            ("address", Always, words),
        ],
        "connected" => &[
            ("peer", Always, id),
            ("path", Always, path),
            ("local", Always, endpoint),
            ("remote", Always, endpoint),
            ("setup_ms", Always, setup),
        ],
        "pair" => &[
            ("peer", Always, id),
            ("local", Always, endpoint),
            ("remote", Always, endpoint),
            ("checks", Always, Value::is_u64),
            ("answers", Always, Value::is_u64),
            ("heard", Always, Value::is_u64),
        ],
        "track" => &[
            ("peer", Always, id),
            ("direction", Always, direction),
            ("kind", Always, |value| value == "audio"),
            ("codec", Known, words),
            ("channels", Known, Value::is_u64),
            ("clock_us", Known, Value::is_u64),
            ("processing", Known, processing),
        ],
        _ => return None,
    })
}

fn afterwards(name: &str) -> Option<&'static [Field]> {
    Some(match name {
        "audio" => &[("peer", Always, id), ("after_ms", Always, positive)],
        "reconnecting" => &[
            ("peer", Always, id),
            ("why", Always, words),
            ("attempt", Always, Value::is_u64),
        ],
        "reconnected" => &[
            ("peer", Always, id),
            ("path", Always, path),
            ("local", Known, endpoint),
            ("remote", Known, endpoint),
            ("after_ms", Always, positive),
        ],
        "message" => &[
            ("peer", Always, id),
            ("label", Always, words),
            ("text", Known, Value::is_string),
            ("base64", Known, Value::is_string),
        ],
        "dtmf" => &[("peer", Always, id), ("digit", Always, words)],
        "stats" => &[("peer", Always, id), ("stats", Always, statistics)],
        "warning" => &[
            ("code", Always, words),
            ("text", Always, words),
            ("hint", Known, words),
        ],
        "expect" => &[
            ("check", Always, words),
            ("ok", Always, Value::is_boolean),
            ("got", Always, words),
        ],
        "ended" => &[
            ("peer", Always, id),
            ("by", Always, by),
            ("reason", Known, words),
            ("summary", Always, summary),
        ],
        "device" => &[
            ("kind", Always, |value| {
                value == "input" || value == "output"
            }),
            ("index", Always, Value::is_u64),
            ("name", Always, words),
            ("default", Always, Value::is_boolean),
        ],
        "exit" => &[("code", Always, Value::is_u64), ("reason", Always, words)],
        _ => return None,
    })
}

fn processing(value: &Value) -> bool {
    let switches = ["echoCancellation", "noiseSuppression", "autoGainControl"];
    switches.iter().all(|name| value[name].is_boolean()) && words(&value["because"])
}

fn positive(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number >= 0.0)
}

fn share(value: &Value) -> bool {
    value
        .as_f64()
        .is_some_and(|number| (0.0..=1.0).contains(&number))
}

fn words(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn one_of(value: &Value, allowed: &[&str]) -> bool {
    value.as_str().is_some_and(|text| allowed.contains(&text))
}

fn id(value: &Value) -> bool {
    value.as_str().is_some_and(|id| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
    })
}

fn version(value: &Value) -> bool {
    value == env!("CARGO_PKG_VERSION")
}

fn signaling(value: &Value) -> bool {
    one_of(value, &["connected", "lost", "reconnected"])
}

fn mode(value: &Value) -> bool {
    one_of(value, &["peer.v1", "plain"])
}

fn presence(value: &Value) -> bool {
    one_of(value, &["joined", "left"])
}

fn direction(value: &Value) -> bool {
    one_of(value, &["local", "remote"])
}

fn candidate_type(value: &Value) -> bool {
    one_of(value, &["host", "srflx", "prflx", "relay"])
}

fn protocol(value: &Value) -> bool {
    one_of(value, &["udp", "tcp"])
}

fn path(value: &Value) -> bool {
    one_of(value, &["direct", "relay"])
}

fn by(value: &Value) -> bool {
    one_of(value, &["local", "remote", "lost"])
}

fn endpoint(value: &Value) -> bool {
    let address = value["address"]
        .as_str()
        .is_some_and(|address| address.parse::<SocketAddr>().is_ok());
    address && candidate_type(&value["type"]) && protocol(&value["protocol"])
}

fn setup(value: &Value) -> bool {
    let phase = |name: &str| value.get(name).is_none_or(positive);
    ["offer_answer", "ice", "dtls"].into_iter().all(phase)
        && positive(&value["signaling"])
        && positive(&value["total"])
}

fn summary(value: &Value) -> bool {
    let known = |name: &str, is_right: fn(&Value) -> bool| value.get(name).is_none_or(is_right);
    positive(&value["duration"])
        && known("path", path)
        && known("rtt", positive)
        && known("loss", share)
        && known("jitter", positive)
        && known("concealed", share)
        && known("setup_ms", setup)
}

/// W3C webrtc-stats objects: each with `type`, `id` and `timestamp`.
fn statistics(value: &Value) -> bool {
    let is_right = |object: &Value| {
        words(&object["type"]) && words(&object["id"]) && positive(&object["timestamp"])
    };
    value
        .as_array()
        .is_some_and(|objects| !objects.is_empty() && objects.iter().all(is_right))
}
