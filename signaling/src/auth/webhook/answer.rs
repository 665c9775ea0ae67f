//! What the service says.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Deserialize;
use shared::{IceServer, Name, Role, Room, Secret};

use crate::grant::Grant;

/// ICE servers, and bytes of them as JSON: they stand in every `welcome`.
const MAX_ICE_SERVERS: usize = 16;
const MAX_ICE_BYTES: usize = 4096;
/// What their URLs begin with.
const SCHEMES: [&str; 4] = ["stun:", "stuns:", "turn:", "turns:"];
/// Bytes of a refusal in words: a close frame has room for no more (RFC 6455 section 5.5).
const MAX_SENTENCE: usize = 123;

/// Whoever asked may come in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What it may do.
    pub(crate) grant: Grant,
    /// What it is told of beside ours.
    pub(crate) ice_servers: Vec<IceServer>,
    /// For how long, if not for ever.
    pub(crate) stays: Option<Duration>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    room: Option<String>,
    name: Option<String>,
    role: Option<String>,
    ice_servers: Option<Servers>,
    /// Seconds from now.
    expires: Option<f64>,
}

/// A list, or one as browsers once had it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Servers {
    Many(Vec<Server>),
    One(Server),
}

/// W3C `RTCIceServer`.
#[derive(Deserialize)]
struct Server {
    urls: Urls,
    username: Option<String>,
    credential: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Urls {
    One(String),
    Many(Vec<String>),
}

impl Answer {
    /// Nothing at all is a simple yes, and members that are not known are ignored. Errors repeat nothing of the body, which may
    /// hold credentials.
    pub(crate) fn parse(body: &[u8]) -> anyhow::Result<Self> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        // Of a list its members would be taken in turn.
        let object: Result<serde_json::Map<_, _>, _> = serde_json::from_slice(body);
        let object = object.ok().context("the body is no JSON object")?;
        let told = Told::deserialize(serde_json::Value::Object(object)).ok();
        let told = told.context(
            "a member is not of its type (room, name, role: text; iceServers: as in WebRTC; expires: seconds)",
        )?;
        let (room, name) = (told.room.map(Room::new), told.name.map(Name::new));
        let stays = told.expires.map(Duration::try_from_secs_f64);
        Ok(Self {
            grant: Grant {
                room: room.transpose().ok().context("room is none")?,
                name: name.transpose().ok().context("name is none")?,
                role: told.role.as_deref().map(role).transpose()?,
            },
            ice_servers: bounded(told.ice_servers)?,
            stays: stays.transpose().ok().context("expires is no time")?,
        })
    }
}

fn role(text: &str) -> anyhow::Result<Role> {
    let mut roles = [Role::Call, Role::Answer, Role::Either].into_iter();
    let role = roles.find(|known| known.as_str() == text);
    role.context("role is none of call, answer and either")
}

fn bounded(told: Option<Servers>) -> anyhow::Result<Vec<IceServer>> {
    let told = match told {
        None => Vec::new(),
        Some(Servers::One(server)) => vec![server],
        Some(Servers::Many(servers)) => servers,
    };
    let servers: Vec<IceServer> = told.into_iter().map(Server::into).collect();
    let mut urls = servers.iter().flat_map(|server| &server.urls);
    ensure!(
        urls.all(|url| SCHEMES.iter().any(|scheme| url.starts_with(scheme))),
        "iceServers have URLs of stun:, stuns:, turn: and turns: (RFC 7064, RFC 7065)"
    );
    let bytes = serde_json::to_string(&servers)?.len();
    ensure!(
        servers.len() <= MAX_ICE_SERVERS && bytes <= MAX_ICE_BYTES,
        "more than {MAX_ICE_SERVERS} iceServers, or {MAX_ICE_BYTES} bytes of them"
    );
    Ok(servers)
}

impl From<Server> for IceServer {
    fn from(server: Server) -> Self {
        Self {
            urls: match server.urls {
                Urls::One(url) => vec![url],
                Urls::Many(urls) => urls,
            },
            username: server.username,
            credential: server.credential.map(Secret::new),
        }
    }
}

/// A refusal in words for the one who is refused: the first line, or what says as much.
pub(super) fn sentence(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.unwrap_or("this server does not let you in");
    let mut sentence = String::new();
    for c in line.chars().filter(|c| !c.is_control()) {
        if sentence.len() + c.len_utf8() > MAX_SENTENCE {
            break;
        }
        sentence.push(c);
    }
    sentence
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn yes_is_said_in_many_ways() {
        for plain in [
            "",
            " \n",
            "{}",
            r#"{"id":7,"more":{"unknown":true}}"#,
            r#"{"room":null,"name":null,"role":null,"iceServers":null,"expires":null}"#,
        ] {
            assert_eq!(
                Answer::parse(plain.as_bytes()).unwrap(),
                Answer::default(),
                "{plain}"
            );
        }
        let whole = br#"{"room":"kitchen","name":"bob","role":"answer","expires":1.5,
            "iceServers":[{"urls":"stun:a"},{"urls":["turn:b","turn:c"],"username":"u","credential":"p"}]}"#;
        let Answer {
            grant,
            ice_servers,
            stays,
        } = Answer::parse(whole).unwrap();
        assert_eq!(grant.room.unwrap().as_str(), "kitchen");
        assert_eq!(grant.role, Some(Role::Answer));
        assert_eq!(ice_servers[0].urls, ["stun:a"]);
        assert_eq!(ice_servers[1].credential, Some(Secret::new("p")));
        assert_eq!(stays, Some(Duration::from_millis(1500)));
    }

    #[test]
    fn what_is_no_answer_lets_nobody_in_and_the_operator_is_told_why() {
        let many = format!(
            r#"{{"iceServers":[{{"urls":"stun:{}"}}]}}"#,
            "x".repeat(5000)
        );
        for (bad, why) in [
            ("yes", "no JSON object"),
            ("[]", "no JSON object"),
            ("\"\"", "no JSON object"),
            (r#"{"room":"a b"}"#, "room"),
            (r#"{"name":7}"#, "type"),
            (r#"{"role":"king"}"#, "role"),
            (r#"{"expires":-1}"#, "expires"),
            (r#"{"expires":1e300}"#, "expires"),
            (r#"{"iceServers":{}}"#, "type"),
            (r#"{"iceServers":{"urls":"javascript:alert(1)"}}"#, "turn:"),
            (r#"{"iceServers":[{}]}"#, "type"),
            (r#"{"iceServers":"hunter2"}"#, "type"),
            (&many, "4096 bytes"),
        ] {
            let error = Answer::parse(bad.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_refusal_is_one_short_line() {
        assert_eq!(
            sentence(b"\n you are banned\r\nsecond line"),
            "you are banned"
        );
        assert_eq!(sentence(b"a\x1b[31mb"), "a[31mb");
        assert_eq!(sentence(b""), "this server does not let you in");
        assert_eq!(sentence("ä".repeat(100).as_bytes()).len(), 122);
        assert!(sentence(&[0xff; 300]).len() <= MAX_SENTENCE);
    }
}
