//! Why a WebSocket could not be had, in words that say what to do.

use shared::CloseCode;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::{Response, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, error::SubProtocolError};

use crate::exit::{Exit, Failure};
use crate::net::{DialError, TlsProblem};

/// Characters of a refusal's sentence that are shown.
const SENTENCE: usize = 200;

/// What follows from a failed attempt.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The server is there but takes no subprotocol: connect again without it.
    NoSubprotocol,
    /// It may work later.
    Later(Failure),
    /// It will not work like this.
    Final(Failure),
}

/// Reads why there is not even a connection.
pub(super) fn of_dialling(url: &str, error: &DialError) -> Refusal {
    let failure = match error {
        DialError::Tls(TlsProblem::NotTls) => no_tls(url),
        DialError::Tls(problem) => {
            Failure::new(Exit::Signaling, format!("cannot trust {url}: {problem}"))
        }
        DialError::BadProxy { .. } => {
            Failure::new(Exit::Usage, format!("cannot reach {url}: {error}"))
        }
        error => Failure::new(Exit::Signaling, format!("cannot reach {url}: {error}")),
    };
    let refused = "is \"signaling\" running?".to_owned();
    let hint = if *error == DialError::Refused {
        Some(refused)
    } else {
        error.hint()
    };
    let failure = Failure {
        hint: failure.hint.or(hint),
        ..failure
    };
    if error.is_temporary() {
        Refusal::Later(failure)
    } else {
        Refusal::Final(failure)
    }
}

/// Reads an error of the upgrade.
pub(super) fn of_connecting(url: &str, error: Error) -> Refusal {
    let cannot = |why: String| Failure::new(Exit::Signaling, format!("cannot reach {url}: {why}"));
    match error {
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(
            SubProtocolError::NoSubProtocol,
        )) => Refusal::NoSubprotocol,
        Error::Io(error) => of_dialling(url, &error.into()),
        Error::Http(response) if is_temporary(response.status()) => {
            Refusal::Later(cannot(answered(&response)))
        }
        Error::Http(response) => Refusal::Final(no_websocket(url, &answered(&response))),
        Error::Url(error) => Refusal::Final(Failure::new(
            Exit::Usage,
            format!("cannot use {url}: {error}"),
        )),
        // What answered speaks something else, such as SSH or TLS where plain text was expected.
        Error::Protocol(error) => Refusal::Final(no_websocket(url, &error.to_string())),
        Error::HttpFormat(error) => Refusal::Final(no_websocket(url, &error.to_string())),
        error => Refusal::Later(cannot(error.to_string())),
    }
}

fn is_temporary(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// The status, and what the server says about it.
fn answered(response: &Response<Option<Vec<u8>>>) -> String {
    let status = response.status();
    match sentence(response) {
        Some(sentence) => format!("the server answered {status}: {sentence}"),
        None => format!("the server answered {status}"),
    }
}

/// The first line of a body in plain text, as far as it came together with the head.
fn sentence(response: &Response<Option<Vec<u8>>>) -> Option<String> {
    let headers = response.headers();
    let kind = headers.get(header::CONTENT_TYPE)?.as_bytes();
    let is_plain = kind
        .get(..10)
        .is_some_and(|kind| kind.eq_ignore_ascii_case(b"text/plain"));
    // Chunks (RFC 9112 7.1) begin with their length.
    if !is_plain || headers.contains_key(header::TRANSFER_ENCODING) {
        return None;
    }
    let body = String::from_utf8_lossy(response.body().as_deref()?);
    let line = body.lines().find(|line| !line.trim().is_empty())?;
    let line: String = printable(line).chars().take(SENTENCE).collect();
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// What others wrote must not steer a terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn no_websocket(url: &str, why: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{url} is no WebSocket: {why}"))
        .hint("a signaling URL looks like ws://host:8080/socket")
}

/// Something answered, in plain text.
fn no_tls(url: &str) -> Failure {
    let plain = url.replacen("wss:", "ws:", 1);
    Failure::new(Exit::Signaling, format!("{url} does not speak TLS"))
        .hint(format!("did you mean {plain}?"))
}

/// Reads the end of an open socket.
pub(super) fn of_closing(url: &str, frame: Option<&CloseFrame>) -> Refusal {
    let known = frame.and_then(|frame| CloseCode::from_code(frame.code.into()));
    let why = match (known, frame) {
        (Some(code), _) => code.advice().to_owned(),
        (None, Some(frame)) if !frame.reason.is_empty() => printable(&frame.reason),
        _ => "the connection ended".to_owned(),
    };
    let detail = frame
        .map(|frame| frame.reason.as_str())
        .filter(|reason| !reason.is_empty() && known.is_some_and(|code| code.name() != *reason))
        .map(printable);
    let reason = match detail {
        Some(detail) => format!("{url}: {detail}: {why}"),
        None => format!("{url}: {why}"),
    };
    match known {
        Some(code) if !code.retry() => {
            let exit = if code.exit_code() == Exit::Internal.code() {
                Exit::Internal
            } else {
                Exit::Signaling
            };
            Refusal::Final(Failure::new(exit, reason))
        }
        _ => Refusal::Later(Failure::new(Exit::Signaling, reason)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PLAIN: &[(&str, &str)] = &[("content-type", "text/plain; charset=utf-8")];

    fn said(status: u16, headers: &[(&str, &str)], body: &[u8]) -> String {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response.body(Some(body.to_vec())).unwrap();
        match of_connecting("ws://s/socket", Error::Http(Box::new(response))) {
            Refusal::Later(failure) => format!("later: {}", failure.reason),
            Refusal::Final(failure) => format!("final: {}", failure.reason),
            Refusal::NoSubprotocol => panic!("a status says nothing of that"),
        }
    }

    #[test]
    fn a_refusal_says_the_sentence_of_its_body() {
        assert_eq!(
            said(503, PLAIN, b"this server is full\nand more\n"),
            "later: cannot reach ws://s/socket: the server answered 503 Service Unavailable: this server is full"
        );
        assert_eq!(
            said(404, PLAIN, b"\r\nnothing here\r\n"),
            "final: ws://s/socket is no WebSocket: the server answered 404 Not Found: nothing here"
        );
    }

    #[test]
    fn what_is_no_sentence_is_not_said() {
        let page = [("content-type", "text/html")];
        let chunks = [PLAIN, &[("transfer-encoding", "chunked")]].concat();
        for (headers, body) in [
            (&[][..], &b"without a type"[..]),
            (&page, b"<html>"),
            (&chunks, b"5\r\nshort\r\n0\r\n\r\n"),
            (PLAIN, b""),
            (PLAIN, b"\n\x1b\x07\n"),
        ] {
            let said = said(429, headers, body);
            assert!(said.ends_with("answered 429 Too Many Requests"), "{said}");
        }
    }

    #[test]
    fn a_sentence_is_harmless_and_short() {
        let bad = said(503, PLAIN, b"\x1b[2Jgo\x00ne \xff");
        assert!(
            bad.ends_with("503 Service Unavailable: [2Jgone \u{fffd}"),
            "{bad}"
        );
        let long = said(503, PLAIN, "\u{1f980}".repeat(5000).as_bytes());
        assert_eq!(long.matches('\u{1f980}').count(), SENTENCE);
    }
}
