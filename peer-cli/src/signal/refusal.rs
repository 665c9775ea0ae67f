//! Why a WebSocket could not be had, in words that say what to do.

use std::io;

use shared::CloseCode;
use tokio_tungstenite::tungstenite::error::{ProtocolError, TlsError, UrlError};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, error::SubProtocolError};

use crate::exit::{Exit, Failure};

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

/// Reads an error of connecting.
pub(super) fn of_connecting(url: &str, error: Error) -> Refusal {
    let cannot = |why: String| Failure::new(Exit::Signaling, format!("cannot reach {url}: {why}"));
    match error {
        Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(
            SubProtocolError::NoSubProtocol,
        )) => Refusal::NoSubprotocol,
        Error::Io(error) => match tls_reason(&error) {
            Some(why) if why.contains("corrupt message") => Refusal::Final(no_tls(url)),
            Some(why) => Refusal::Final(untrusted(url, &why)),
            None => Refusal::Later(with_hint(cannot(io_reason(&error)), &error)),
        },
        Error::Http(response) if is_temporary(response.status()) => {
            Refusal::Later(cannot(format!("the server answered {}", response.status())))
        }
        Error::Http(response) => Refusal::Final(no_websocket(
            url,
            &format!("the server answered {}", response.status()),
        )),
        Error::Url(UrlError::TlsFeatureNotEnabled) => {
            Refusal::Final(cannot("this build cannot speak TLS".to_owned()))
        }
        Error::Url(error) => Refusal::Final(Failure::new(
            Exit::Usage,
            format!("cannot use {url}: {error}"),
        )),
        Error::Tls(TlsError::InvalidDnsName) => {
            Refusal::Final(untrusted(url, "its name is no DNS name"))
        }
        Error::Tls(error) => Refusal::Final(untrusted(url, &error.to_string())),
        // What answered speaks something else, such as SSH or TLS where plain text was expected.
        Error::Protocol(error) => Refusal::Final(no_websocket(url, &error.to_string())),
        Error::HttpFormat(error) => Refusal::Final(no_websocket(url, &error.to_string())),
        error => Refusal::Later(cannot(error.to_string())),
    }
}

fn is_temporary(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

fn no_websocket(url: &str, why: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{url} is no WebSocket: {why}"))
        .hint("a signaling URL looks like ws://host:8080/socket")
}

fn untrusted(url: &str, why: &str) -> Failure {
    Failure::new(Exit::Signaling, format!("cannot trust {url}: {why}"))
        .hint("its certificate must be signed by an authority that this system knows")
}

/// Something answered, in plain text.
fn no_tls(url: &str) -> Failure {
    let plain = url.replacen("wss:", "ws:", 1);
    Failure::new(Exit::Signaling, format!("{url} does not speak TLS"))
        .hint(format!("did you mean {plain}?"))
}

/// The TLS layer's complaint, which arrives wrapped in an I/O error.
fn tls_reason(error: &io::Error) -> Option<String> {
    let text = error.get_ref()?.to_string();
    let is_tls = error.kind() == io::ErrorKind::InvalidData;
    is_tls.then_some(text)
}

fn io_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::TimedOut => "no answer".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
            "the connection was cut".to_owned()
        }
        // The resolver's words for a name that nobody knows.
        _ if error.to_string().contains("lookup address") => "its name has no address".to_owned(),
        _ => error.to_string(),
    }
}

fn with_hint(failure: Failure, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => failure.hint("is \"signaling\" running?"),
        io::ErrorKind::TimedOut => failure.hint("is the address right, or a firewall between?"),
        _ => failure,
    }
}

/// Reads the end of an open socket.
pub(super) fn of_closing(url: &str, frame: Option<&CloseFrame>) -> Refusal {
    let known = frame.and_then(|frame| CloseCode::from_code(frame.code.into()));
    let why = match (known, frame) {
        (Some(code), _) => code.advice().to_owned(),
        (None, Some(frame)) if !frame.reason.is_empty() => {
            frame.reason.chars().filter(|c| !c.is_control()).collect()
        }
        _ => "the connection ended".to_owned(),
    };
    let detail = frame
        .map(|frame| frame.reason.as_str())
        .filter(|reason| !reason.is_empty() && known.is_some_and(|code| code.name() != *reason))
        .map(|reason| {
            reason
                .chars()
                .filter(|c| !c.is_control())
                .collect::<String>()
        });
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
