//! Where the broker is, as an operator writes it. PURE

use std::fmt;

use shared::Secret;
use url::Url;

/// How servers find each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Backplane {
    /// Not at all: each has rooms of its own.
    #[default]
    Local,
    /// Through a NATS server.
    Nats(Broker),
}

/// A NATS server, and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// `nats://HOST:PORT` or `tls://HOST:PORT`, without credentials: fit to be printed.
    pub url: String,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// What these rooms are called at the broker: other servers share them if theirs are called the same.
    pub cluster: String,
}

/// The port of NATS.
const PORT: u16 = 4222;
/// What rooms are called that have no name there.
const CLUSTER: &str = "rooms";
/// Characters of such a name.
const MAX_CLUSTER: usize = 64;

/// Why a text is no backplane; it repeats no more of the text than its scheme, since the rest may hold a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadAddress(String);

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadAddress {}

impl Backplane {
    /// Reads `local` or `nats://[USER:PASSWORD@]HOST[:PORT][/CLUSTER]`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let wrong = |what: &str| {
            let form = "write local or nats://[USER:PASSWORD@]HOST:PORT";
            BadAddress(format!("{what}: {form}"))
        };
        if matches!(text, "" | "local") {
            return Ok(Self::Local);
        }
        let url = Url::parse(text).map_err(|why| wrong(&format!("not a URL ({why})")))?;
        let scheme = url.scheme();
        if !["nats", "tls"].contains(&scheme) {
            return Err(wrong(&format!("{scheme:?} is no broker")));
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| wrong("the host is missing"))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("nothing may follow"));
        }
        if !url.username().is_empty() && url.password().is_none() {
            return Err(wrong(
                "a user without a password (and a token alone is not known here)",
            ));
        }
        let cluster = match url.path().trim_matches('/') {
            "" => CLUSTER,
            name => name,
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if cluster.len() > MAX_CLUSTER || !cluster.bytes().all(plain) {
            let what =
                "the path is the name of these rooms at the broker: letters, digits, - and _";
            return Err(wrong(what));
        }
        let port = url.port().unwrap_or(PORT);
        Ok(Self::Nats(Broker {
            url: format!("{scheme}://{host}:{port}"),
            login: login(&url).ok_or_else(|| wrong("user and password are not UTF-8"))?,
            cluster: cluster.to_owned(),
        }))
    }
}

/// `None` if there is something that cannot be read.
fn login(url: &Url) -> Option<Option<(String, Secret)>> {
    if url.username().is_empty() && url.password().is_none() {
        return Some(None);
    }
    let user = unescaped(url.username())?;
    let password = unescaped(url.password().unwrap_or_default())?;
    Some(Some((user, Secret::new(password))))
}

/// Percent-encoding (RFC 3986 2.1), which a URL needs for `@`, `:` and `/`.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| str::from_utf8(two).ok());
        let escaped = hex.and_then(|two| u8::from_str_radix(two, 16).ok());
        match escaped.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn broker(text: &str) -> Broker {
        match Backplane::parse(text).unwrap() {
            Backplane::Nats(broker) => broker,
            Backplane::Local => panic!("{text} is local"),
        }
    }

    #[test]
    fn brokers_and_none() {
        assert_eq!(Backplane::parse("local"), Ok(Backplane::Local));
        assert_eq!(Backplane::parse(""), Ok(Backplane::Local));
        let plain = broker("nats://broker.example");
        assert_eq!(plain.url, "nats://broker.example:4222");
        assert_eq!((plain.login, plain.cluster.as_str()), (None, "rooms"));
        let all = broker("nats://sig:a%40b%2fc@[::1]:4333/staging");
        assert_eq!(
            (all.url.as_str(), all.cluster.as_str()),
            ("nats://[::1]:4333", "staging")
        );
        assert_eq!(all.login, Some(("sig".into(), Secret::new("a@b/c"))));
    }

    #[test]
    fn no_complaint_repeats_a_password() {
        let token = Backplane::parse("nats://hidden@a").unwrap_err().to_string();
        assert!(
            token.contains("password") && !token.contains("hidden"),
            "{token}"
        );
        for bad in [
            "redis://u:hunter2@a",
            "nats://u:hunter2@",
            "u:hunter2@a:4222",
            "nats://u:hunter2@a:b",
            "nats://u:hunter2@a/b/c",
            "nats://u:hunter2@a/b c",
            "nats://u:hunter2@a?x",
        ] {
            let why = Backplane::parse(bad).unwrap_err().to_string();
            assert!(!why.contains("hunter2"), "{why}");
            assert!(why.contains("nats://["), "{why}");
        }
        let shown = format!("{:?}", broker("nats://u:hunter2@a"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
