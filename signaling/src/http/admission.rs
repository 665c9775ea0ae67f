//! May this WebSocket come in, and where to. Refusals are close codes, since a browser cannot read an HTTP status.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use shared::{Room, Secret};

use crate::ServerOptions;
use crate::auth::{Answer, No, Question, Webhook};
use crate::grant::Grant;
use crate::verdict::{Cause, Verdict};

/// Bytes of an `Origin` that is still passed on: scheme, the longest host name, port.
const MAX_ORIGIN: usize = 300;

/// The query.
#[derive(Default, serde::Deserialize)]
pub(super) struct Asked {
    pub(super) room: Option<String>,
    pub(super) token: Option<String>,
}

/// What it may have, of what it asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Admission {
    pub(super) grant: Grant,
    pub(super) origin: Option<String>,
    /// For a service that is still to be asked.
    token: Option<Secret>,
}

impl Admission {
    /// What the operator's service makes of it.
    pub(super) async fn decided(
        self,
        service: &Webhook,
        address: IpAddr,
        peer_v1: bool,
    ) -> Result<(Self, Answer), Verdict> {
        let question = Question {
            room: self.grant.room.as_ref(),
            token: self.token.as_ref(),
            address,
            origin: self.origin.as_deref(),
            peer_v1,
        };
        let mut answer = service.ask(&question).await.map_err(|no| {
            let cause = match no {
                No::Refused(_) => Cause::TurnedAway,
                _ => Cause::Undecided,
            };
            Verdict::new(cause, no)
        })?;
        let granted = std::mem::take(&mut answer.grant);
        let grant = Grant {
            room: granted.room.or(self.grant.room),
            ..granted
        };
        Ok((Self { grant, ..self }, answer))
    }
}

/// Decides by the query, the headers and the rules of this server.
pub(super) fn admit(
    asked: &Asked,
    headers: &HeaderMap,
    rules: &ServerOptions,
) -> Result<Admission, Verdict> {
    let room = asked.room.as_deref().filter(|r| !r.is_empty());
    let room = room.map(Room::new).transpose();
    let room = room.map_err(|e| Verdict::new(Cause::BadQuery, e))?;
    let origin = permitted_origin(headers, &rules.origins)?;
    let token = asked.token.as_deref().filter(|token| !token.is_empty());
    let token = token.or_else(|| bearer(headers));
    let grant = rules.auth.admit(token, room);
    let grant = grant.map_err(|why| Verdict::new(why.cause(), why))?;
    Ok(Admission {
        grant,
        origin,
        token: token.map(Secret::new),
    })
}

/// RFC 6750 2.1. Pages cannot send it: they have the query only.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn foreign(reason: String) -> Verdict {
    Verdict::new(Cause::ForeignOrigin, reason)
}

/// `allowed` lists origins as browsers write them (RFC 6454 section 6.2), none is any.
fn permitted_origin(headers: &HeaderMap, allowed: &[String]) -> Result<Option<String>, Verdict> {
    let origin = match headers.get(header::ORIGIN) {
        None => None,
        Some(value) => {
            let text = value.to_str().ok().filter(|o| o.len() <= MAX_ORIGIN);
            Some(
                text.ok_or_else(|| foreign("the Origin is not one".into()))?
                    .to_owned(),
            )
        }
    };
    // No Origin is no browser: pages cannot leave it out, programs could as well make one up.
    if let Some(origin) = origin.as_ref().filter(|_| !allowed.is_empty())
        && !allowed.iter().any(|a| a.eq_ignore_ascii_case(origin))
    {
        return Err(foreign(format!(
            "origin {origin} may not connect (see --origin)"
        )));
    }
    Ok(origin)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn asks(
        room: Option<&str>,
        origin: Option<&str>,
        allowed: &[&str],
    ) -> Result<Admission, String> {
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        let rules = ServerOptions {
            origins: allowed.iter().map(ToString::to_string).collect(),
            ..ServerOptions::default()
        };
        let asked = Asked {
            room: room.map(str::to_owned),
            ..Asked::default()
        };
        admit(&asked, &headers, &rules).map_err(|v| v.reason)
    }

    #[test]
    fn rooms_are_checked_and_none_is_the_global_one() {
        let room = |r| asks(r, None, &[]).map(|a| a.grant.room.map(|r| r.to_string()));
        assert_eq!(room(None), Ok(None));
        assert_eq!(room(Some("")), Ok(None));
        assert_eq!(room(Some("demo")), Ok(Some("demo".into())));
        assert!(
            room(Some("a b"))
                .unwrap_err()
                .starts_with("room \"a b\" contains ' '")
        );
    }

    #[test]
    fn origins_are_passed_on_and_may_be_restricted() {
        let origin = |o, allowed: &[&str]| asks(None, o, allowed).map(|a| a.origin);
        assert_eq!(origin(Some("null"), &[]), Ok(Some("null".into())));
        let mine = ["https://A.example", "http://b.example"];
        assert_eq!(
            origin(Some("https://a.example"), &mine),
            Ok(Some("https://a.example".into()))
        );
        assert_eq!(origin(None, &mine), Ok(None), "no browser");
        assert_eq!(
            origin(Some("https://evil.example"), &mine),
            Err("origin https://evil.example may not connect (see --origin)".into())
        );
        assert!(origin(Some("null"), &mine).is_err());
        assert!(origin(Some(&"x".repeat(301)), &[]).is_err());
    }
}
