//! Why a connection could not be had, in words for people.

use std::io;

/// Why there is no connection; reads on after `cannot reach HOST: `.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// Nobody knows the name.
    #[error("its name has no address")]
    Unresolved,
    /// The name server does not answer.
    #[error("no answer from the name server")]
    NameServer,
    /// Nothing listens there.
    #[error("connection refused")]
    Refused,
    /// Nothing came back in time.
    #[error("no answer")]
    Silent,
    /// It ended before it was of use.
    #[error("the connection was cut")]
    Cut,
    /// `--bind` names addresses of the other family only.
    #[error("no --bind address reaches it (IPv4 and IPv6 do not mix)")]
    Bound,
    /// What else the system says, such as `network is unreachable`.
    #[error("{0}")]
    System(String),
    /// There is a server, but no trust in it.
    #[error(transparent)]
    Tls(#[from] TlsProblem),
    /// The way leads through a proxy, and ends there.
    #[error("proxy {proxy}: {error}")]
    Proxy {
        /// `host:port`, without credentials.
        proxy: String,
        /// What is wrong with it.
        error: Box<ProxyError>,
    },
    /// The environment names a proxy that is none.
    #[error("{variable} is not a proxy like http://host:3128: {reason}")]
    BadProxy {
        /// The variable's name; its value may hold a password.
        variable: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// Why a TLS server is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsProblem {
    /// Signed by nobody we know.
    #[error("its certificate is signed by an authority that is not known here")]
    UnknownAuthority,
    /// A certificate of somebody else.
    #[error("its certificate is for {names}, not for {host}")]
    OtherName {
        /// Whom we wanted.
        host: String,
        /// Whom it names.
        names: String,
    },
    /// No longer valid, or not yet: the clock of this machine may be wrong.
    #[error("its certificate {0}")]
    Date(&'static str),
    /// Something answers, in plain text.
    #[error("it does not speak TLS")]
    NotTls,
    /// Everything else, in the words of the TLS library.
    #[error("{0}")]
    Other(String),
}

/// What a proxy does instead of connecting us.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It cannot be reached itself.
    #[error("{0}")]
    Unreachable(DialError),
    /// 407 (RFC 9110 15.5.8).
    #[error("{}", if *.given { "refuses our user and password (407)" } else { "wants a user and password (407)" })]
    Credentials {
        /// Whether its URL holds some.
        given: bool,
    },
    /// 403, or another no of the kind that stays.
    #[error("does not let us through to {target} ({status})")]
    Forbidden {
        /// `host:port`.
        target: String,
        /// The status code.
        status: u16,
    },
    /// 502, 503, 504 and the like: it tried.
    #[error("cannot reach {target} either ({status})")]
    Failed {
        /// `host:port`.
        target: String,
        /// The status code.
        status: u16,
    },
    /// No HTTP, or far too much of it.
    #[error("does not answer like an HTTP proxy")]
    Strange,
}

impl DialError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Silent => "is the address right, or a firewall between?".to_owned(),
            Self::Tls(problem) => problem.hint()?.to_owned(),
            Self::Proxy { error, .. } => match &**error {
                ProxyError::Unreachable(_) | ProxyError::Strange => {
                    "is the proxy in the environment right? NO_PROXY lists who is reached without".to_owned()
                }
                ProxyError::Credentials { .. } => {
                    "they stand in the proxy's URL: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT".to_owned()
                }
                ProxyError::Forbidden { .. } => {
                    "ask who runs the proxy, or put the host into NO_PROXY where it is reached without".to_owned()
                }
                ProxyError::Failed { .. } => return None,
            },
            Self::BadProxy { variable, .. } => format!("set {variable} right, or unset it"),
            _ => return None,
        })
    }

    /// Whether trying again later may help.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Tls(_) | Self::BadProxy { .. } | Self::Bound => false,
            Self::Proxy { error, .. } => match &**error {
                ProxyError::Unreachable(error) => error.is_temporary(),
                ProxyError::Failed { .. } => true,
                ProxyError::Credentials { .. }
                | ProxyError::Forbidden { .. }
                | ProxyError::Strange => false,
            },
            _ => true,
        }
    }
}

impl TlsProblem {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::UnknownAuthority => Some("give its authority with --ca FILE"),
            Self::OtherName { .. } => Some("use a name that its certificate is for"),
            Self::Date(_) => Some("is the clock of this machine right?"),
            Self::NotTls | Self::Other(_) => None,
        }
    }

    /// Reads an error of a TLS handshake with `host`; none if it came from below TLS.
    pub(super) fn of(host: &str, error: &io::Error) -> Option<Self> {
        use rustls::{CertificateError as Bad, Error};
        let error = error.get_ref()?.downcast_ref::<Error>()?;
        Some(match error {
            Error::InvalidCertificate(Bad::UnknownIssuer) => Self::UnknownAuthority,
            Error::InvalidCertificate(Bad::NotValidForNameContext { presented, .. }) => {
                Self::OtherName {
                    host: host.to_owned(),
                    names: names(presented),
                }
            }
            Error::InvalidCertificate(Bad::NotValidForName) => Self::OtherName {
                host: host.to_owned(),
                names: names(&[]),
            },
            Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
                Self::Date("has expired")
            }
            Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
                Self::Date("is not valid yet")
            }
            Error::InvalidMessage(_) => Self::NotTls,
            other => Self::Other(other.to_string()),
        })
    }
}

/// Names as rustls shows them: `DnsName("example.org")`, `IpAddress(192.0.2.1)`.
fn names(presented: &[String]) -> String {
    /// More of them tell nobody anything.
    const MOST: usize = 4;
    let plain = |name: &String| {
        let inner = name
            .split_once('(')
            .map_or(name.as_str(), |(_, rest)| rest.trim_end_matches(')'));
        inner.trim_matches('"').to_owned()
    };
    let mut names: Vec<String> = presented.iter().take(MOST).map(plain).collect();
    if presented.len() > MOST {
        names.push("…".to_owned());
    }
    if names.is_empty() {
        "somebody else".to_owned()
    } else {
        names.join(", ")
    }
}

impl From<io::Error> for DialError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::Silent,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => Self::Cut,
            _ => Self::System(error.to_string()),
        }
    }
}
