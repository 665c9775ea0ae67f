//! Why a WebSocket could not be had, in words that say what to do.

use shared::CloseCode;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, error::SubProtocolError};

use crate::exit::{Exit, Failure};
use crate::net::{DialError, TlsProblem};

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
            Refusal::Later(cannot(format!("the server answered {}", response.status())))
        }
        Error::Http(response) => Refusal::Final(no_websocket(
            url,
            &format!("the server answered {}", response.status()),
        )),
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
